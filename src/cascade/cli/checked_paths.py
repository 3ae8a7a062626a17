"""Choose what `validate PATH...` checks."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cascade.exceptions import UsageError
from cascade.framework.declared_names import module_file
from cascade.legacy.active import active_project


@dataclass(frozen=True)
class Chosen:
    """What the given paths contain.

    Args:
        modules: the names of modules.
        directories: the directories that are checked as a whole: the dbt project, Dagster's folder.
    """

    modules: tuple[str, ...]
    directories: frozenset[Path]


def choose(
    paths: Sequence[Path], files: Mapping[str, Path], directories: Iterable[Path], workflows_path: str
) -> Chosen:
    """Return what to check under some paths.

    Args:
        paths: files and directories.
        files: the file of each module of the project.
        directories: directories that are checked as a whole if a path is in them or above them.
        workflows_path: the directory of the modules, for the hint.

    Raises:
        UsageError: a path contains nothing that can be checked.
    """
    wholes = {directory: directory.resolve() for directory in directories}
    modules: dict[str, None] = {}
    touched: set[Path] = set()
    for path in paths:
        place = path.resolve()
        inside = [name for name, file in files.items() if file.resolve().is_relative_to(place)]
        around = {given for given, whole in wholes.items() if _one_is_in_the_other(whole, place)}
        if not inside and not around:
            raise UsageError(
                f"There is nothing to check in {path}: it contains no module of the project.",
                hint=f"Modules are the Python files under {workflows_path}, except tests and files whose names begin "
                "with an underscore.",
            )
        modules |= dict.fromkeys(inside)
        touched |= around
    return Chosen(tuple(modules), frozenset(touched))


def _one_is_in_the_other(one: Path, other: Path) -> bool:
    return one.is_relative_to(other) or other.is_relative_to(one)


def files_of(modules: Iterable[str]) -> dict[str, Path]:
    """Return the files of modules on the import path, without importing anything.

    Args:
        modules: the names of the modules. A module that is not found is left out.
    """
    found = {}
    places = [Path(entry or ".") for entry in sys.path]
    legacy = active_project()
    if legacy is not None:
        # The directory of a project in the layout from before version 1.0 is not on the import path.
        places.append(legacy.package.parent)
    for name in modules:
        file = next(filter(None, (module_file(place, name) for place in places)), None)
        if file is not None:
            found[name] = file.absolute()
    return found
