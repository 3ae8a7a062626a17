"""Which requirements a change of a lockfile concerns. Pure."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cascade_pants.requirement_names import requirement_name

# What a lockfile of Pex says about its own making.
_ABOUT = frozenset({"locked_resolves", "pex_version", "requirements"})
_VIA = re.compile(r"#\s*via\b(.*)")


@dataclass(frozen=True)
class Lock:
    """A lockfile.

    Args:
        pins: everything that it says about each requirement, by name.
        users: the requirements that need each one, by name.
        settings: what concerns all requirements.
        has_edges: whether it says what needs what.
    """

    pins: Mapping[str, str]
    users: Mapping[str, frozenset[str]]
    settings: str
    has_edges: bool

    def using(self, names: Iterable[str]) -> set[str]:
        """Return some requirements and all that need them, directly or not."""
        found, waiting = set(names), list(names)
        while waiting:
            for user in self.users.get(waiting.pop(), ()):
                if user not in found:
                    found.add(user)
                    waiting.append(user)
        return found


@dataclass(frozen=True)
class LockChange:
    """What differs between two versions of a lockfile.

    Args:
        changed: the names of the requirements that are locked otherwise.
        users: these, and all requirements that need them. None if the lockfile does not show it.
        why_all: why it does not.
    """

    changed: frozenset[str] = frozenset()
    users: frozenset[str] | None = frozenset()
    why_all: str = ""


def compare(before: bytes | None, after: bytes | None) -> LockChange:
    """Compare two versions of a lockfile.

    Args:
        before: the file at the base, or None if there was none.
        after: the file now, or None if there is none.
    """
    if before is None or after is None:
        return LockChange(users=None, why_all="the lockfile is new" if before is None else "the lockfile is gone")
    old, new = read(before), read(after)
    if old is None or new is None:
        return LockChange(users=None, why_all="the lockfile is neither one of Pex nor a list of pins")
    if old.settings != new.settings:
        return LockChange(users=None, why_all="a setting of the lockfile has changed")
    changed = frozenset(name for name in old.pins.keys() | new.pins.keys() if old.pins.get(name) != new.pins.get(name))
    if not changed:
        return LockChange()
    if not (old.has_edges and new.has_edges):
        return LockChange(changed, None, "the lockfile does not say what requires what")
    return LockChange(changed, frozenset(old.using(changed) | new.using(changed)))


def read(content: bytes) -> Lock | None:
    """Read a lockfile of Pex, or a list of pins as pip-tools and uv write it.

    Returns:
        The lockfile, or None if it is neither.
    """
    text = content.decode("utf-8", errors="replace")
    body = "\n".join(line for line in text.splitlines() if not line.startswith("//"))
    if body.lstrip().startswith("{"):
        return _read_pex(body)
    return _read_pins(text)


def _read_pex(text: str) -> Lock | None:
    pins: defaultdict[str, list[str]] = defaultdict(list)
    users: defaultdict[str, set[str]] = defaultdict(set)
    try:
        document = json.loads(text)
        for resolve in document["locked_resolves"]:
            for pin in resolve["locked_requirements"]:
                name = requirement_name(pin["project_name"])
                if name is None:
                    return None
                pins[name].append(json.dumps(pin, sort_keys=True))
                for needed in map(requirement_name, pin["requires_dists"]):
                    if needed is not None:
                        users[needed].add(name)
    except (KeyError, TypeError, ValueError):
        return None
    settings = {key: value for key, value in document.items() if key not in _ABOUT}
    return Lock(
        {name: "\n".join(sorted(found)) for name, found in pins.items()},
        {name: frozenset(found) for name, found in users.items()},
        json.dumps(settings, sort_keys=True),
        has_edges=True,
    )


def _read_pins(text: str) -> Lock | None:
    pins: defaultdict[str, list[str]] = defaultdict(list)
    users: dict[str, set[str]] = {}
    settings: list[str] = []
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
                return None
        code, mark, comment = stripped.partition("#") if stripped.startswith("#") else stripped.partition(" #")
        if name is None:
            continue
        if code.strip():
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
    return Lock(
        {one: "\n".join(sorted(lines)) for one, lines in pins.items()},
        {one: frozenset(found) for one, found in users.items()},
        "\n".join(sorted(settings)),
        has_edges=pins.keys() <= users.keys(),
    )
