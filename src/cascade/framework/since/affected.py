"""What the changes since a commit affect: modules by their imports and files, and the files of the dbt project."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cascade.declarations.code_sources import code_of
from cascade.framework.since.changed_files import ChangedFiles, Happened
from cascade.framework.since.requirements import ChangedRequirements, changed_requirements

_SETTINGS = "cascade_config.py"


@dataclass(frozen=True)
class Affected:
    """What the changes since a commit affect in a project.

    Args:
        since: the commit, as the user named it.
        modules: why a module is affected, by its name.
        dbt_files: why what a file of the dbt project defines is affected, by the file.
    """

    since: str
    modules: Mapping[str, str]
    dbt_files: Mapping[Path, str]


def affected_since(root: Path, since: str, modules: Mapping[str, Path], dbt_directory: Path) -> Affected:
    """Find out what the changes since a commit affect. No code of the project runs, and dbt does not start.

    Args:
        root: the directory of the project.
        since: a commit, a tag or a branch, such as `origin/main`. The working tree, with files that git does not track
            yet, is compared with the newest commit that both have in common.
        modules: the file of each module of the project, by the module's name.
        dbt_directory: the directory of the dbt project. It need not exist.

    Raises:
        UsageError: this is no git repository, there is no such commit, or the two have nothing in common.
    """
    changed = ChangedFiles.since(root, since)
    if not changed.statuses:
        return Affected(since, {}, {})
    settings = changed.happened(str(root / _SETTINGS))
    requirements = changed_requirements(changed)
    found = {}
    for module, file in modules.items():
        reason = str(settings) if settings else _why(module, file, changed, requirements)
        if reason is not None:
            found[module] = reason
    dbt_files = _reached(_needs(dbt_directory), changed)
    if changed.lost(root):
        with changed.before() as directory:
            # What is gone can only be found from the files that needed it.
            for module, file in modules.items():
                before = _moved(file, root, directory)
                if module not in found and before is not None and before.is_file():
                    gone = _why(module, before, _Before(changed, directory), None)
                    found.update({module: gone} if gone else {})
            dbt_before = _moved(dbt_directory, root, directory)
            if dbt_before is not None:
                gone_files = _reached(_needs(dbt_before), _Before(changed, directory))
                for path, reason in gone_files.items():
                    dbt_files.setdefault(dbt_directory / path.relative_to(dbt_before), reason)
    return Affected(since, found, {path: reason for path, reason in dbt_files.items() if path.is_file()})


@dataclass(frozen=True)
class _Before:
    """The changes, by the paths of the project as it was."""

    changed: ChangedFiles
    directory: Path

    def happened(self, file: str) -> Happened | None:
        moved = _moved(Path(os.path.realpath(file)), self.directory, self.changed.root)
        return self.changed.happened(file if moved is None else str(moved))


def _moved(path: Path, old: Path, new: Path) -> Path | None:
    try:
        return new / path.relative_to(old)
    except ValueError:
        return None


def _why(
    module: str, file: Path, changed: ChangedFiles | _Before, requirements: ChangedRequirements | None
) -> str | None:
    """Return why a module is affected, or None if it is not."""
    own = changed.happened(str(file))
    if own is not None:
        return str(own)
    try:
        code = code_of({module: file})
    except OSError:
        return "its imports cannot be read"
    for name, source in sorted(code.modules.items()):
        happened = changed.happened(source)
        if happened is not None:
            return f"it imports {name}: {happened}"
    for data in sorted(code.data.values()):
        happened = changed.happened(data)
        if happened is not None:
            return f"it may read {happened.clause}"
    return requirements.why(code.packages) if requirements is not None else None


def _needs(directory: Path) -> Mapping[Path, Iterable[Path]]:
    """Return the files that each file of a dbt project needs."""
    from cascade.dbt_graph.answer import answer
    from cascade.dbt_graph.packages import PROJECT_FILE

    if not (directory / PROJECT_FILE).is_file():
        return {}
    files = answer({"directory": str(directory)})["files"]
    return {Path(file): [Path(one) for one in needed] for file, needed in files.items()}


def _reached(needs: Mapping[Path, Iterable[Path]], changed: ChangedFiles | _Before) -> dict[Path, str]:
    """Return why each file of a dbt project is affected, by a shortest way from a file that has changed."""
    users: dict[Path, list[Path]] = {}
    for file, needed in needs.items():
        for one in needed:
            users.setdefault(one, []).append(file)
    listed = ((file, changed.happened(str(file))) for file in sorted({*needs, *users}))
    origins = {file: happened for file, happened in listed if happened is not None}
    found = {file: str(origin) for file, origin in origins.items()}
    waiting = list(found)
    for needed_file in waiting:
        for user in sorted(users.get(needed_file, ())):
            if user not in found:
                origins[user] = origins[needed_file]
                found[user] = f"it needs {origins[needed_file].clause}"
                waiting.append(user)
    return found
