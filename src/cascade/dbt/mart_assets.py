"""The marts of the dbt project as Dagster assets, downstream of their models."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from cascade.dbt.manifest import current_manifest
from cascade.dbt.mart_publishing import publish_marts
from cascade.dbt.marts import read_marts
from cascade.dbt.user_translator import find_translator
from cascade.dbt.variables import partition_variables, uses_partition_variables
from cascade.exceptions import CascadeError

if TYPE_CHECKING:
    from cascade.config import CascadeConfig
    from cascade.declarations import IngestionDeclaration

OP_NAME = "publish_marts"


def build_mart_assets(
    config: CascadeConfig, declarations: Sequence[IngestionDeclaration] = ()
) -> dg.AssetsDefinition | None:
    """Build the assets of the marts. A run of any of them tests and publishes it.

    Args:
        config: the settings.
        declarations: the workflows of the project.

    Returns:
        The assets, or None if no model is published.

    Raises:
        UsageError: a model says in a wrong way that it is published.
        CascadeError: dbt cannot parse the project.
        ConfigError: the setting `dbt_translator` is wrong.
    """
    file = current_manifest(config)
    text = file.read_bytes()
    # Reading the manifest of many models takes a while.
    if b'"publish"' not in text:
        return None
    manifest: Mapping[str, Any] = json.loads(text)
    marts = {dg.AssetKey(mart.asset_key): mart for mart in read_marts(manifest, config.dbt_project_directory)}
    if not marts:
        return None
    translator = find_translator(config, {each.table_ref.identifier: each.asset_key for each in declarations})
    takes_partition = uses_partition_variables(manifest)
    specs = []
    for key, mart in marts.items():
        node = manifest["nodes"][mart.unique_id]
        specs.append(
            dg.AssetSpec(
                key,
                deps=[translator.get_asset_key(node)],
                description=f"The rows of the dbt model {mart.model}, published as {mart.table.full_name}.",
                group_name=translator.get_group_name(node),
                owners=translator.get_owners(node),
                kinds={"postgres"},
                skippable=True,
            )
        )

    # Its tests write to the DuckDB file, which one process at a time can.
    @dg.multi_asset(name=OP_NAME, specs=specs, can_subset=True, pool="dbt")
    def publish(context) -> Iterator[dg.MaterializeResult[Any]]:  # type: ignore[no-untyped-def]
        variables = partition_variables(context, declarations, config.partition_start) if takes_partition else {}
        chosen = [mart for key, mart in marts.items() if key in context.selected_asset_keys]
        failed = []
        for mart, found in publish_marts(config, chosen, context.log.info, manifest_file=file, variables=variables):
            if isinstance(found, CascadeError):
                context.log.error(str(found))
                failed.append(mart.table.full_name)
            else:
                yield dg.MaterializeResult(
                    asset_key=dg.AssetKey(mart.asset_key),
                    metadata={
                        "dagster/row_count": found.rows,
                        "dagster/relation_identifier": f"{config.postgres_db}.{mart.table.full_name}",
                        "cascade/rows_inserted": found.inserted,
                        "cascade/rows_updated": found.updated,
                        "cascade/rows_removed": found.removed,
                    },
                )
        if failed:
            raise dg.Failure(f"Not published: {', '.join(failed)}. The log of this run says why.", allow_retries=False)

    return publish
