"""What `validate` checks when it is given paths."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cascade.exceptions import UsageError
from cascade.framework.declared_names import module_file


@dataclass(frozen=True)
class Chosen:
    """What lies under the paths that were given.

    Args:
        modules: the names of the modules.
        directories: those of the given directories under which something lies: the dbt project, Dagster's folder.
    """

    modules: tuple[str, ...]
    directories: frozenset[Path]


def choose(
    paths: Sequence[Path], files: Mapping[str, Path], directories: Iterable[Path], workflows_path: str
) -> Chosen:
    """Finds what is to be checked under some paths.

    Args:
        paths: files and directories.
        files: the files of the project's modules, by their names.
        directories: directories that are checked as a whole, when a path is in them or above them.
        workflows_path: where modules are looked for, for the message.

    Raises:
        UsageError: there is nothing of the project under a path.
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
                f"There is nothing to check in {path}: it holds no module of the project.",
                hint=f"Modules are the Python files under {workflows_path}, but for tests and those whose names begin "
                "with an underscore.",
            )
        modules |= dict.fromkeys(inside)
        touched |= around
    return Chosen(tuple(modules), frozenset(touched))


def _one_is_in_the_other(one: Path, other: Path) -> bool:
    return one.is_relative_to(other) or other.is_relative_to(one)


def files_of(modules: Iterable[str]) -> dict[str, Path]:
    """Finds the files of modules on the import path, without importing anything.

    Args:
        modules: their names. One that is not found is left out.
    """
    found = {}
    for name in modules:
        file = next(filter(None, (module_file(Path(entry or "."), name) for entry in sys.path)), None)
        if file is not None:
            found[name] = file.absolute()
    return found
