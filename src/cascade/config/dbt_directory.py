"""The directory of the dbt project, which a PEX may bring along."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cascade.exceptions import ConfigError

DIRECTORY_VARIABLE = "CASCADE_DBT_PROJECT_DIR"
"""The environment variable of the setting `dbt_project_dir`."""

PACKED_VARIABLE = "CASCADE_PACKED_DBT_PROJECT"
"""The environment variable that says where a PEX has the dbt project. The PEX itself sets it, by `describe_packed`."""

PARSED_SUFFIX = "_parsed"
"""What the name of the directory with dbt's parse has in addition to that of the packed files beside it."""

_PROJECT_FILE = "dbt_project.yml"
# Processes of an older PEX may still run.
_KEPT = 3


@dataclass(frozen=True)
class PackedProject:
    """What a PEX brings along of a dbt project.

    Args:
        files: its directory of the files.
        copy: their copy, which dbt works on.
        parsed: its directory of what dbt made of them when the PEX was built. It may be missing.
    """

    files: Path
    copy: Path
    parsed: Path


def describe_packed(files: Path, inside: str) -> str:
    """Return the value of `CASCADE_PACKED_DBT_PROJECT`.

    Args:
        files: the directory of the packed files. Its name changes with any of them.
        inside: the directory of the dbt project in it.
    """
    return json.dumps({"files": str(files), "inside": inside})


def dbt_directory(project_root: Path, dbt_project_dir: str) -> Path:
    """Return the directory of the dbt project.

    If it does not exist and the process runs from a PEX with a dbt project, this is a copy of that one in `.cascade`,
    which it writes the first time. dbt must not write into the PEX, and tells by their times that files have changed,
    which all have one time in a PEX.

    Args:
        project_root: the project's directory.
        dbt_project_dir: the setting.

    Raises:
        ConfigError: the copy cannot be written.
    """
    directory = project_root / dbt_project_dir
    packed = os.environ.get(PACKED_VARIABLE)
    if not packed or (directory / _PROJECT_FILE).is_file():
        return directory
    described = json.loads(packed)
    files = Path(described["files"])
    copies = _copies(project_root)
    try:
        copy = _copied(files, copies)
    except OSError as error:
        raise ConfigError(
            f"Cannot copy the dbt project of the PEX to {copies}: {error}.",
            hint=f"Make the directory writable, or set {DIRECTORY_VARIABLE} to the directory of a dbt project.",
        ) from error
    return Path(os.path.normpath(copy / described["inside"]))


def find_packed(project_root: Path, directory: Path) -> PackedProject | None:
    """Return what the PEX brings along of a dbt project, or None if the project is not from a PEX.

    Args:
        project_root: the project's directory.
        directory: the directory of the dbt project, from `dbt_directory`.
    """
    packed = os.environ.get(PACKED_VARIABLE)
    if not packed:
        return None
    files = Path(json.loads(packed)["files"])
    copy = _copies(project_root) / files.name
    if not directory.is_relative_to(copy):
        return None
    return PackedProject(files, copy, files.with_name(f"{files.name}{PARSED_SUFFIX}"))


def _copies(project_root: Path) -> Path:
    return project_root / ".cascade" / "dbt" / "packed"


def _copied(files: Path, copies: Path) -> Path:
    copy = copies / files.name
    if copy.is_dir():
        return copy
    copies.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="new-", dir=copies, ignore_cleanup_errors=True) as name:
        new = Path(name) / files.name
        _copy(files, new)
        try:
            new.rename(copy)
        except OSError:
            # Another process may have copied the same files meanwhile.
            if not copy.is_dir():
                raise
    for old in sorted(copies.iterdir(), key=_age)[_KEPT:]:
        shutil.rmtree(old, ignore_errors=True)
    return copy


def _copy(files: Path, new: Path) -> None:
    """Copy files without their times and modes."""
    for place, directories, names in os.walk(files, followlinks=True):
        # The PEX has compiled what is Python.
        directories[:] = [name for name in directories if name != "__pycache__"]
        target = new / Path(place).relative_to(files)
        target.mkdir(parents=True)
        for name in names:
            shutil.copyfile(Path(place, name), target / name)


def _age(directory: Path) -> float:
    try:
        return -directory.stat().st_mtime
    except FileNotFoundError:
        # Another process has just removed it.
        return 0.0
