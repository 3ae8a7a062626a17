"""List the models, seeds and snapshots of a dbt project without dbt, which takes seconds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cascade.dbt.layout import PROJECT_FILE, read_layout, read_project_file
from cascade.dbt.manifest import find_manifest
from cascade.exceptions import CascadeError

if TYPE_CHECKING:
    from cascade.config import CascadeConfig


@dataclass(frozen=True, order=True)
class DbtNode:
    """A node of a dbt project that is an asset.

    Args:
        kind: `model`, `seed` or `snapshot`.
        name: its asset key in Dagster, such as `gold/by_day`; the name alone if dbt has not parsed the file.
        group: its group in Dagster; None for the default group.
        file: its file, relative to the dbt project.
        description: its description; empty if it has none, and if dbt has not parsed the file.
    """

    kind: str
    name: str
    group: str | None
    file: str
    description: str = ""


@dataclass(frozen=True)
class DbtListing:
    """The nodes of a dbt project.

    Args:
        nodes: the nodes, sorted.
        is_parsed: whether they are those of a parse of the current files. If not, they come from the names of files,
            which say nothing about what is disabled, or set in YAML.
    """

    nodes: tuple[DbtNode, ...] = ()
    is_parsed: bool = True


def list_nodes(config: CascadeConfig) -> DbtListing:
    """List the nodes that are assets: from the last parse if no file has changed since, else from the files.

    Args:
        config: the settings.
    """
    directory = config.dbt_project_directory
    if not (directory / PROJECT_FILE).is_file():
        return DbtListing()
    try:
        manifest = find_manifest(config)
    except CascadeError:
        manifest = None
    if manifest is None:
        return DbtListing(tuple(sorted(_of_files(directory))), is_parsed=False)
    nodes = json.loads(manifest.read_bytes())["nodes"].values()
    return DbtListing(tuple(sorted(_of_manifest(node) for node in nodes if is_asset(node))))


def is_asset(node: Mapping[str, Any]) -> bool:
    """Return whether a node of dbt's manifest is an asset of Dagster.

    Args:
        node: the node.
    """
    return node["resource_type"] in ("model", "seed", "snapshot") and node["config"].get("materialized") != "ephemeral"


def valid_name(name: str) -> str:
    """Return a name of dbt as Dagster takes it: with an underscore for all but letters, digits and underscores.

    Args:
        name: the name of a group, a schema or a model.
    """
    import re

    return re.sub(r"\W", "_", name, flags=re.ASCII)


def group_of_folders(folders: list[str]) -> str | None:
    """Return the group of a model whose YAML sets none: the first folder below the directory of models.

    Args:
        folders: the folders.
    """
    return valid_name(folders[0]) if folders else None


def _of_manifest(node: Mapping[str, Any]) -> DbtNode:
    kind, config = str(node["resource_type"]), node["config"]
    meta = {**(node.get("meta") or {}), **(config.get("meta") or {})}
    given = (meta.get("dagster") or {}).get("group")
    if not given and config.get("group"):
        given = valid_name(str(config["group"]))
    group = given or (group_of_folders(list(map(str, node["fqn"][1:-1]))) if kind == "model" else None)
    key = (meta.get("dagster") or {}).get("asset_key") or [*map(valid_name, _names(node))]
    # Dagster takes a string for a key of one part.
    name = key if isinstance(key, str) else "/".join(map(str, key))
    return DbtNode(kind, name, group, str(node["original_file_path"]), str(node.get("description") or ""))


def _names(node: Mapping[str, Any]) -> list[str]:
    """Return the parts of the asset key that dagster-dbt gives a node. That of a version is the name of its table."""
    if node.get("version"):
        return [str(node["alias"])]
    schema = node["config"].get("schema")
    return [*([str(schema)] if schema is not None else []), str(node["name"])]


def _of_files(directory: Path) -> Iterator[DbtNode]:
    project = read_project_file(directory)
    for name, file in read_layout(directory).models.items():
        roots = [Path(root).parts for root in project.paths("model-paths", "models")]
        parts = Path(file).parts
        root = next((root for root in roots if parts[: len(root)] == root), ())
        yield DbtNode("model", name, group_of_folders(list(parts[len(root) : -1])), file)
    for file in _files(directory, project.paths("seed-paths", "seeds"), "*.csv"):
        yield DbtNode("seed", Path(file).stem, None, file)
    for file in _files(directory, project.paths("snapshot-paths", "snapshots"), "*.sql"):
        yield DbtNode("snapshot", Path(file).stem, None, file)


def _files(directory: Path, paths: list[str], pattern: str) -> Iterator[str]:
    found = (file for path in paths for file in (directory / path).rglob(pattern))
    return (file.relative_to(directory).as_posix() for file in found)
