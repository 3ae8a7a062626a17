"""What a lockfile of a resolve holds: one of Pex, or a list of pins as pip-tools and uv write it. Pure."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cascade_pants.requirement_names import requirement_name

# What a lockfile of Pex says about its own making.
_ABOUT = frozenset({"locked_resolves", "pex_version", "requirements"})
_VERSION = re.compile(r"==\s*([^\s;\\]+)")
_VIA = re.compile(r"#\s*via\b(.*)")


@dataclass(frozen=True)
class Lock:
    """A lockfile.

    Args:
        pins: everything that it says about each requirement, by its normalized name.
        versions: the versions of each requirement, sorted. There may be several, each for other versions of Python.
        users: the requirements that need each one.
        settings: what concerns all requirements.
        has_edges: whether it says what needs what.
        is_read: whether all of it could be read.
    """

    pins: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    users: Mapping[str, frozenset[str]] = field(default_factory=dict)
    settings: str = ""
    has_edges: bool = False
    is_read: bool = True

    def using(self, names: Iterable[str]) -> set[str]:
        """Return some requirements and all that need them, directly or not."""
        found, waiting = set(names), list(names)
        while waiting:
            for user in self.users.get(waiting.pop(), ()):
                if user not in found:
                    found.add(user)
                    waiting.append(user)
        return found


def read_lock(content: bytes) -> Lock:
    """Read a lockfile.

    Args:
        content: the file. Of one in any other form, nothing is known.
    """
    text = content.decode("utf-8", errors="replace")
    body = "\n".join(line for line in text.splitlines() if not line.startswith("//"))
    if body.lstrip().startswith("{"):
        return _read_pex(body)
    return _read_pins(text)


def _read_pex(text: str) -> Lock:
    pins: defaultdict[str, list[str]] = defaultdict(list)
    versions: defaultdict[str, set[str]] = defaultdict(set)
    users: defaultdict[str, set[str]] = defaultdict(set)
    try:
        document = json.loads(text)
        for resolve in document["locked_resolves"]:
            for pin in resolve["locked_requirements"]:
                name = requirement_name(pin["project_name"])
                if name is None:
                    return Lock(is_read=False)
                pins[name].append(json.dumps(pin, sort_keys=True))
                versions[name].add(str(pin["version"]))
                for needed in map(requirement_name, pin["requires_dists"]):
                    if needed is not None:
                        users[needed].add(name)
    except (KeyError, TypeError, ValueError):
        return Lock(is_read=False)
    settings = {key: value for key, value in document.items() if key not in _ABOUT}
    return _lock(pins, versions, users, json.dumps(settings, sort_keys=True), has_edges=True)


def _read_pins(text: str) -> Lock:
    pins: defaultdict[str, list[str]] = defaultdict(list)
    versions: defaultdict[str, set[str]] = defaultdict(set)
    users: dict[str, set[str]] = {}
    settings: list[str] = []
    is_read = True
    name: str | None = None
    in_via = False
    for line in text.splitlines():
        stripped = line.strip()
        if not stripped:
            name, in_via = None, False
            continue
        if not line[0].isspace() and not stripped.startswith("#"):
            if stripped.startswith("-"):
                settings.append(stripped)
                name = None
                continue
            name, in_via = requirement_name(stripped), False
            if name is None or not re.search(r"==|@", stripped):
                name, is_read = None, False
                continue
        code, mark, comment = stripped.partition("#") if stripped.startswith("#") else stripped.partition(" #")
        if name is None:
            continue
        if code.strip():
            if name not in pins or not line[0].isspace():
                versions[name].update(_VERSION.findall(code.partition(";")[0])[:1])
            pins[name].append(code.strip().rstrip("\\").strip())
        via = _VIA.match(f"#{comment}") if mark else None
        if via:
            in_via = True
            users.setdefault(name, set())
        if via or (in_via and mark):
            for user in (via[1] if via else comment).split(","):
                # Files are written `-r requirements.txt` or `project (pyproject.toml)`.
                parent = None if "(" in user or user.strip()[:1] in ("", "-") else requirement_name(user)
                if parent is not None:
                    users[name].add(parent)
    return _lock(
        pins, versions, users, "\n".join(sorted(settings)), has_edges=pins.keys() <= users.keys(), is_read=is_read
    )


def _lock(
    pins: Mapping[str, list[str]],
    versions: Mapping[str, set[str]],
    users: Mapping[str, set[str]],
    settings: str,
    *,
    has_edges: bool,
    is_read: bool = True,
) -> Lock:
    return Lock(
        {name: "\n".join(sorted(found)) for name, found in pins.items()},
        {name: tuple(sorted(found)) for name, found in versions.items() if found},
        {name: frozenset(found) for name, found in users.items()},
        settings,
        has_edges,
        is_read,
    )
