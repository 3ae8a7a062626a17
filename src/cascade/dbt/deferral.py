"""What dbt on Trino needs to work on a branch: models of `main` in place of those that it does not build.

dbt calls this deferral. A model that is not in the schema of the branch is read where production has it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cascade.dbt.manifest import current_manifest
from cascade.dbt.packed_parse import MANIFEST
from cascade.dbt.profile import DEFERRED, deferral_directory, main_state_directory, runs_on_trino
from cascade.dbt.trino_schema import is_within, trino_schema
from cascade.exceptions import UsageError
from cascade.program import typed
from cascade.table_ref import MAIN_BRANCH

if TYPE_CHECKING:
    from cascade.config import CascadeConfig

_BUILT = ("model", "seed", "snapshot")


def defers(config: CascadeConfig) -> bool:
    """Return whether dbt builds models in a schema of a branch, and reads the others where `main` has them.

    Args:
        config: the settings, which name the branch.
    """
    return config.branch != MAIN_BRANCH and runs_on_trino(config)


def prepare_deferral(config: CascadeConfig) -> None:
    """Put the manifest where dbt looks for the models of `main`, if it works on a branch on Trino.

    That is the manifest of the last whole build of production on this machine. Without one, it is that of the project
    as it is now, which says where `main` would have each model.

    Args:
        config: the settings, which name the branch.

    Raises:
        CascadeError: dbt cannot parse the project.
    """
    if not defers(config):
        return
    kept = main_state_directory(config) / "state" / MANIFEST
    file = kept if _is_of_trino(kept) else current_manifest(config.model_copy(update={"branch": MAIN_BRANCH}))
    place = deferral_directory(config)
    place.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, place / f"{MANIFEST}.new")
    (place / f"{MANIFEST}.new").replace(place / MANIFEST)


def _is_of_trino(manifest: Path) -> bool:
    """Return whether a manifest says where Trino has the models. An embedded build keeps one in the same place."""
    if not manifest.is_file():
        return False
    return bool(json.loads(manifest.read_bytes())["metadata"].get("adapter_type") == "trino")


def has_built_on_trino(directory: Path) -> bool:
    """Return whether dbt may have built models of a branch on Trino.

    Args:
        directory: the directory of the branch.
    """
    return (directory / "dbt" / DEFERRED).is_dir()


def elsewhere(config: CascadeConfig, manifest: Mapping[str, Any]) -> dict[str, str]:
    """Return what cannot be built on a branch on Trino, since it would not go to the schema of the branch.

    Args:
        config: the settings, which name the branch.
        manifest: the manifest of the project on the branch.

    Returns:
        The reasons, by the `unique_id` of the node; nothing on `main` or in DuckDB.
    """
    if not defers(config):
        return {}
    schema, catalog, found = trino_schema(config), config.trino_catalog.lower(), {}
    for unique_id, node in manifest["nodes"].items():
        stored = node["resource_type"] == "test" and (node.get("config") or {}).get("store_failures")
        ephemeral = (node.get("config") or {}).get("materialized") == "ephemeral"
        if ephemeral or not (stored or node["resource_type"] in _BUILT):
            continue
        place = f"{node.get('database')}.{node.get('schema')}"
        if str(node.get("database")).lower() != catalog or not is_within(str(node.get("schema")), schema):
            found[unique_id] = f"dbt would build it in {place}, and not in the schema of the branch"
        elif node["resource_type"] == "snapshot":
            found[unique_id] = "a snapshot on Trino would begin anew on a branch"
    return found


def require_on_branch(config: CascadeConfig, manifest: Mapping[str, Any], nodes: frozenset[str] | None = None) -> None:
    """Raise if dbt would build something on a branch on Trino that does not go to the schema of the branch.

    Args:
        config: the settings, which name the branch.
        manifest: the manifest of the project on the branch.
        nodes: the `unique_id` of each node to build; None for all. Tests that store what failed always count.

    Raises:
        UsageError: it would.
    """
    found = elsewhere(config, manifest)
    wanted = [name for name in sorted(found) if nodes is None or name in nodes or name.startswith("test.")]
    if not wanted:
        return
    shown = wanted[0].split(".")[2]
    hint = (
        "Let the macro generate_schema_name begin with target.schema, and set neither database nor target_schema. "
        f"To build other models, name them: {typed('materialize ASSET')}"
    )
    raise UsageError(f'{shown} cannot be built on the branch "{config.branch}": {found[wanted[0]]}.', hint=hint)
