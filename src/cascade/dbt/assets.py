"""The Dagster assets of the dbt project: models, seeds and snapshots, with their tests as asset checks."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
from dagster_dbt import DbtCliInvocation, asset_utils, dbt_assets  # pants: no-infer-dep
from dagster_dbt.core.dbt_event_iterator import DbtEventIterator  # pants: no-infer-dep

from cascade.dbt.deferral import prepare_deferral, require_on_branch
from cascade.dbt.listing import is_asset
from cascade.dbt.manifest import current_manifest
from cascade.dbt.profile import dbt_state_directory, require_place_for_branch
from cascade.dbt.resource import build_dbt_resource
from cascade.dbt.state_files import copy_partial_parse
from cascade.dbt.user_translator import find_translator
from cascade.dbt.variables import TAKES_PARTITION, partition_variables, uses_partition_variables

if TYPE_CHECKING:
    from cascade.config import CascadeConfig
    from cascade.declarations import IngestionDeclaration

OP_NAME = "dbt_build"
UNIQUE_ID = "dagster_dbt/unique_id"
"""The key of the metadata in which dagster-dbt says which node of dbt an asset is."""


def build_dbt_assets(
    config: CascadeConfig, declarations: Sequence[IngestionDeclaration] = ()
) -> dg.AssetsDefinition | None:
    """Build the assets of the dbt project. A run of any of them is one `dbt build`.

    Args:
        config: the settings.
        declarations: the workflows, whose tables the sources of the dbt project name.

    Returns:
        The assets, or None if the project has only sources and tests.

    Raises:
        CascadeError: dbt cannot parse the project.
        ConfigError: the setting `dbt_translator` is wrong.
    """
    file = current_manifest(config)
    manifest: Mapping[str, Any] = json.loads(file.read_bytes())
    if not any(is_asset(node) for node in manifest["nodes"].values()):
        return None
    dbt = build_dbt_resource(config)
    tables = {declaration.table_ref.identifier: declaration.asset_key for declaration in declarations}
    takes_partition = uses_partition_variables(manifest)

    def build(context: dg.AssetExecutionContext) -> Iterator[Any]:
        require_place_for_branch(config)
        require_on_branch(config, manifest, _selected(context))
        prepare_deferral(config)
        variables = partition_variables(context, declarations, config.partition_start) if takes_partition else {}
        arguments = ["build", *(["--vars", json.dumps(variables)] if variables else [])]
        with _target_path(config, context.run.run_id, file) as target, _duckdb_released():
            yield from _events(dbt.cli(arguments, context=context, target_path=target))

    # Dagster checks the annotation of `context`, which is a string in a module with postponed annotations.
    build.__annotations__.clear()
    with _everything_selected():
        decorate = dbt_assets(
            manifest=manifest,
            name=OP_NAME,
            dagster_dbt_translator=find_translator(config, tables),
            op_tags={TAKES_PARTITION: "true"} if takes_partition else None,
            # One process at a time can write to the DuckDB file.
            pool="dbt",
        )
    return decorate(build)


def _selected(context: dg.AssetExecutionContext) -> frozenset[str]:
    """Return the `unique_id` of each node that a run builds."""
    found = (context.assets_def.metadata_by_key[key].get(UNIQUE_ID) for key in context.selected_asset_keys)
    return frozenset(str(unique_id) for unique_id in found if unique_id is not None)


@contextmanager
def _everything_selected() -> Iterator[None]:
    """Let dagster-dbt take all nodes of the manifest without asking dbt, which takes 0.5 CPU seconds for 700 models.

    dagster-dbt does the same if dbt is not installed. A version of it that selects in another place asks dbt.
    """
    names = vars(asset_utils)
    before = names.get("select_unique_ids")
    if before is None:
        yield
        return
    names["select_unique_ids"] = _all_nodes
    try:
        yield
    finally:
        names["select_unique_ids"] = before


def _all_nodes(*_: Any, manifest_json: Mapping[str, Any], **__: Any) -> Set[str]:
    nodes: Mapping[str, Any] = manifest_json["nodes"]
    return nodes.keys()


def _events(invocation: DbtCliInvocation) -> Iterator[Any]:
    """Return what dbt did as events of Dagster, with numbers of rows, columns and their lineage.

    DuckDB is asked for these when dbt has ended. Until then dagster-dbt would wait in a loop that keeps a core busy.
    """
    events: Iterator[Any] = invocation.stream()
    failure: Exception | None = None
    if invocation.adapter is not None and invocation.adapter.type() == "duckdb":
        found = []
        try:
            for event in events:
                found.append(event)
        except Exception as error:
            failure = error
        events = iter(found)
    yield from DbtEventIterator(events, invocation).fetch_row_counts().fetch_column_metadata()
    if failure is not None:
        raise failure


@contextmanager
def _target_path(config: CascadeConfig, run_id: str, manifest: Path) -> Iterator[Path]:
    """Make a directory for the files of one dbt command. It stays if dbt fails, because errors point to its log."""
    runs = dbt_state_directory(config) / "runs"
    directory = runs / run_id[:13]
    directory.mkdir(parents=True, exist_ok=True)
    copy_partial_parse(manifest.parent, directory)
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def _duckdb_released() -> Iterator[None]:
    """Close the DuckDB file at the end. The adapter of this process would keep it open, and the next dbt would wait."""
    try:
        yield
    finally:
        connections = sys.modules.get("dbt.adapters.duckdb.connections")
        if connections is not None:
            manager = connections.DuckDBConnectionManager
            if manager._ENV is not None:
                manager._ENV.close()
            manager.close_all_connections()
