"""Which requirements of a project differ from a commit, by its lockfiles."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cascade.declarations.installed import requirements_of
from cascade.framework.since.changed_files import ChangedFiles, Happened
from cascade.git import MODIFIED

_PROJECT = "pyproject.toml"
_LOCKS = ("uv.lock", "poetry.lock", "pdm.lock")
_REQUIREMENTS = re.compile(r"(pylock.*\.toml|requirements.*\.(txt|in)|constraints.*\.txt|Pipfile\.lock)")
# Those in which dependencies and the settings of Cascade are.
_TABLES = (("project", "dependencies"), ("project", "requires-python"), ("project", "optional-dependencies"))


@dataclass(frozen=True)
class ChangedRequirements:
    """The requirements that differ from a commit.

    Args:
        files: the files that may lock any requirement otherwise.
        distributions: the names of distributions that are locked otherwise, or need one that is, with the lockfile.
    """

    files: tuple[Happened, ...] = ()
    distributions: Mapping[str, Happened] = field(default_factory=dict)

    def why(self, packages: Iterable[str]) -> str | None:
        """Return why a module is affected that imports some packages; None if it is not.

        Args:
            packages: names that code imports, such as `yaml`.
        """
        for one in self.files:
            return f"its requirements may be others: {one}"
        for package in sorted(packages) if self.distributions else ():
            provided = [_normal(one.partition("==")[0]) for one in requirements_of([package])]
            for name in provided or [_normal(package)]:
                if name in self.distributions:
                    return f"it imports {package}, which {self.distributions[name].path} locks otherwise"
        return None


def changed_requirements(changed: ChangedFiles) -> ChangedRequirements:
    """Compare the lockfiles of a project, and those in the directories above it, with those of a commit.

    Args:
        changed: the files that differ.

    Returns:
        The requirements. Lockfiles of uv, Poetry and PDM say which ones differ, and what needs those. Any other file
        of requirements may change all.
    """
    files: list[Happened] = []
    distributions: dict[str, Happened] = {}
    top = changed.repository.directory
    above = {str(changed.root), *map(str, changed.root.parents)}
    for path, status in sorted(changed.statuses.items()):
        name, happened = os.path.basename(path), changed.happened(path)
        if os.path.dirname(path) not in above or happened is None:
            continue
        inside = os.path.relpath(path, top)
        if name in _LOCKS and status == MODIFIED:
            names = _different(_before(changed, inside), changed.repository.read(inside))
            if names is not None:
                distributions.update((one, happened) for one in names)
                continue
        if name in _LOCKS or _REQUIREMENTS.fullmatch(name):
            files.append(happened)
        elif name == _PROJECT and os.path.dirname(path) == str(changed.root):
            old, new = (_toml(each) for each in (_before(changed, inside), changed.repository.read(inside)))
            # With a lockfile, that says what a change of the dependencies leads to.
            has_lock = any((changed.root / lock).is_file() for lock in _LOCKS)
            if old is None or new is None or _settings(old, locked=has_lock) != _settings(new, locked=has_lock):
                files.append(happened)
    return ChangedRequirements(tuple(files), distributions)


def _before(changed: ChangedFiles, path: str) -> bytes | None:
    repository = changed.repository
    return repository.base_contents(repository.base_files(changed.base), [path]).get(path)


def _settings(document: Mapping[str, Any], *, locked: bool) -> list[Any]:
    settings = [document.get("tool", {}).get("cascade")]
    if not locked:
        settings += [document.get(table, {}).get(key) for table, key in _TABLES]
        settings += [document.get("tool", {}).get("poetry", {}).get("dependencies")]
    return settings


def _different(before: bytes | None, now: bytes | None) -> set[str] | None:
    """Return the distributions that two lockfiles lock otherwise, and all that need one; None if that is not known."""
    old, new = _locked(before), _locked(now)
    if old is None or new is None:
        return None
    found = {name for name in {*old, *new} if old.get(name) != new.get(name)}
    users: dict[str, set[str]] = {}
    for packages in (old, new):
        for name, listed in packages.items():
            for needed in (needed for package in listed for needed in _needed(package)):
                users.setdefault(needed, set()).add(name)
    waiting = list(found)
    for name in waiting:
        more = users.get(name, set()) - found
        found |= more
        waiting += more
    return found


def _locked(content: bytes | None) -> dict[str, list[Mapping[str, Any]]] | None:
    document = _toml(content)
    packages = document.get("package") if document is not None else None
    if not isinstance(packages, list):
        return None
    found: dict[str, list[Mapping[str, Any]]] = {}
    for package in packages:
        if not isinstance(package, dict) or not isinstance(package.get("name"), str):
            return None
        found.setdefault(_normal(package["name"]), []).append(package)
    return found


def _needed(package: Mapping[str, Any]) -> Iterable[str]:
    needed = package.get("dependencies") or ()
    for one in needed:
        name = one.get("name") if isinstance(one, dict) else one
        if isinstance(name, str):
            # PDM writes a whole requirement.
            yield _normal(re.split(r"[\s\[<>=!~;@]", name, maxsplit=1)[0])


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _toml(content: bytes | None) -> dict[str, Any] | None:
    try:
        return tomllib.loads((content or b"").decode())
    except ValueError:
        return None
