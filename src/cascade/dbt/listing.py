"""List the models, seeds and snapshots of a dbt project without dbt, which takes seconds."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cascade.dbt.layout import PROJECT_FILE
from cascade.dbt.manifest import find_manifest
from cascade.dbt.unparsed import read_nodes
from cascade.exceptions import CascadeError

if TYPE_CHECKING:
    from cascade.config import CascadeConfig


@dataclass(frozen=True)
class DbtNode:
    """A node of a dbt project that is an asset.

    Args:
        kind: `model`, `seed` or `snapshot`.
        name: its asset key in Dagster, such as `gold/by_day`.
        group: its group in Dagster; None for the default group.
        file: its file, relative to the dbt project, or to the package that it is from.
        description: its description in YAML; empty if it has none.
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
        is_parsed: whether they are those of a parse of the current files. If not, what only dbt can compute is missing.
    """

    nodes: tuple[DbtNode, ...] = ()
    is_parsed: bool = True


Translate = Callable[[Mapping[str, Any], str], tuple[str, str | None]]
"""Returns the asset key and the group of a node, from dbt's manifest and the node's unique id."""


def list_nodes(config: CascadeConfig, translate: Translate | None = None) -> DbtListing:
    """List the nodes that are assets: from the last parse if no file has changed since, else from the files themselves.

    Args:
        config: the settings.
        translate: the user's translator; None for the keys and groups of Cascade's, which needs no dagster-dbt. A
            translator knows only what dbt has parsed.
    """
    if not (config.dbt_project_directory / PROJECT_FILE).is_file():
        return DbtListing()
    try:
        file = find_manifest(config)
    except CascadeError:
        file = None
    if file is None:
        manifest, translate = {"nodes": read_nodes(config)}, None
    else:
        manifest = json.loads(file.read_bytes())
    translate = translate or _translate
    nodes = (
        DbtNode(
            str(node["resource_type"]),
            *translate(manifest, unique_id),
            str(node["original_file_path"]),
            str(node.get("description") or ""),
        )
        for unique_id, node in manifest["nodes"].items()
        if is_asset(node)
    )
    found = sorted(nodes, key=lambda node: (node.kind, node.name, node.file))
    return DbtListing(tuple(found), is_parsed=file is not None)


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


def _translate(manifest: Mapping[str, Any], unique_id: str) -> tuple[str, str | None]:
    node = manifest["nodes"][unique_id]
    kind, config = node["resource_type"], node["config"]
    meta = {**(node.get("meta") or {}), **(config.get("meta") or {})}
    given = (meta.get("dagster") or {}).get("group")
    if not given and config.get("group"):
        given = valid_name(str(config["group"]))
    group = given or (group_of_folders(list(map(str, node["fqn"][1:-1]))) if kind == "model" else None)
    key = (meta.get("dagster") or {}).get("asset_key") or [*map(valid_name, _names(node))]
    # Dagster takes a string for a key of one part.
    return key if isinstance(key, str) else "/".join(map(str, key)), group


def _names(node: Mapping[str, Any]) -> list[str]:
    """Return the parts of the asset key that dagster-dbt gives a node. That of a version is the name of its table."""
    if node.get("version"):
        return [str(node["alias"])]
    schema = node["config"].get("schema")
    return [*([str(schema)] if schema is not None else []), str(node["name"])]
