"""What dbt made of a project when its PEX was built, so that the PEX need not let dbt parse the project again."""

from __future__ import annotations

import filecmp
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cascade.config.dbt_directory import PackedProject, find_packed
from cascade.dbt.portable_parse import Places, connection_hash, replace_places
from cascade.dbt.profile import dbt_target, duckdb_file, own_profiles_directory
from cascade.dbt.state_files import PARTIAL_PARSE

if TYPE_CHECKING:
    from cascade.config import CascadeConfig

MANIFEST = "manifest.json"
"""The file of dbt's manifest."""

DESCRIPTION = "parse.json"
"""The file that says what a packed parse depends on besides the files of the project."""

TARGET = "embedded"
"""The target for which a project is parsed. On another, the catalog and the host are known only where the PEX runs."""

# What dbt records as the value of a variable that was not set, so that a default counted.
_NOT_SET = "DBT_DEFAULT_PLACEHOLDER"


@dataclass(frozen=True)
class ParseDescription:
    """What a packed parse depends on besides the files of the project.

    Args:
        dbt: the version of dbt.
        variables: the values of the environment variables that dbt read, as it records them.
        connection: what dbt knows of the connection, whose hash it compares.
        is_whole: whether nothing else counts. If not, dbt has to compare.
    """

    dbt: str | None
    variables: Mapping[str, str]
    connection: list[list[Any]]
    is_whole: bool

    def write(self, directory: Path) -> None:
        """Write it beside a parse.

        Args:
            directory: the directory of the parse.
        """
        (directory / DESCRIPTION).write_text(json.dumps(asdict(self), sort_keys=True), encoding="utf-8")


def installed_dbt() -> str | None:
    """Return the version of dbt, or None without it."""
    try:
        return version("dbt-core")
    except PackageNotFoundError:
        return None


def places_of(config: CascadeConfig, files: Path) -> Places:
    """Return the places that a parse names, and that differ from machine to machine.

    Args:
        config: the settings.
        files: the directory that contains the files of the dbt project.
    """
    return {"files": str(files), "database": str(duckdb_file(config))}


def packed_parse_fits(config: CascadeConfig, environment: Mapping[str, str]) -> bool:
    """Return whether dbt would find here what it found when the PEX was built.

    Args:
        config: the settings.
        environment: the variables of dbt.
    """
    packed = _usable(config)
    if packed is None:
        return False
    description, project = packed
    # Any other may be an option of dbt.
    known = {*environment, *description.variables}
    if any(name.startswith("DBT_") and not name.startswith("DBT_ENV_") for name in set(os.environ) - known):
        return False
    places = places_of(config, project.copy)
    now = {**os.environ, **environment}
    same_variables = all(
        now.get(name, _NOT_SET) == replace_places(value, places, portable=False)
        for name, value in description.variables.items()
    )
    return description.is_whole and same_variables and _is_unchanged(project)


def copy_packed_parse(config: CascadeConfig, target: Path, *, whole: bool = False) -> bool:
    """Write the `partial_parse.msgpack` of a packed parse for this machine, with which dbt parses only what it must.

    Args:
        config: the settings.
        target: the directory to write to.
        whole: whether to write the manifest too, because `packed_parse_fits`.

    Returns:
        Whether there is one.
    """
    import msgpack  # pants: no-infer-dep

    packed = _usable(config)
    if packed is None:
        return False
    description, project = packed
    places = places_of(config, project.copy)
    partial = msgpack.unpackb((project.parsed / PARTIAL_PARSE).read_bytes(), raw=False, strict_map_key=False)
    placed = replace_places(partial, places, portable=False)
    connection = replace_places(description.connection, places, portable=False)
    placed["state_check"]["profile_hash"]["checksum"] = connection_hash(connection)
    (target / PARTIAL_PARSE).write_bytes(msgpack.packb(placed, use_bin_type=True))
    if whole:
        manifest = json.loads((project.parsed / MANIFEST).read_bytes())
        text = json.dumps(replace_places(manifest, places, portable=False))
        (target / MANIFEST).write_text(text, encoding="utf-8")
    return True


def _usable(config: CascadeConfig) -> tuple[ParseDescription, PackedProject] | None:
    project = find_packed(config.project_root, config.dbt_project_directory)
    if project is None or dbt_target(config) != TARGET or own_profiles_directory(config) is not None:
        return None
    try:
        description = ParseDescription(**json.loads((project.parsed / DESCRIPTION).read_bytes()))
    except FileNotFoundError:
        return None
    return (description, project) if description.dbt == installed_dbt() else None


def _is_unchanged(project: PackedProject) -> bool:
    """Return whether a copy still has the files of the PEX, and no other that dbt would read."""
    names = set(_names(project.files))
    same, *_ = filecmp.cmpfiles(project.files, project.copy, names, shallow=False)
    return names == set(same) == set(_names(project.copy))


def _names(directory: Path) -> Iterator[str]:
    for place, directories, names in os.walk(directory, followlinks=True):
        directories[:] = [name for name in directories if name != "__pycache__"]
        yield from (os.path.relpath(os.path.join(place, name), directory) for name in names)
