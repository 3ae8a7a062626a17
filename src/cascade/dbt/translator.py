"""How the nodes of a dbt project become Dagster assets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings  # pants: no-infer-dep

from cascade.dbt.listing import group_of_folders, valid_name


class CascadeDbtTranslator(DagsterDbtTranslator):
    """Links the sources of a dbt project to the workflows that fill their tables, and groups models by folder.

    To change how models appear in Dagster, subclass it and name the class in the setting `dbt_translator`.

    Args:
        tables: the asset key of each workflow, by the namespace and the name of its table.
        settings: the settings of dagster-dbt.
    """

    def __init__(
        self,
        tables: Mapping[tuple[str, str], tuple[str, ...]] | None = None,
        settings: DagsterDbtTranslatorSettings | None = None,
    ) -> None:
        super().__init__(settings)
        self.tables = dict(tables or {})

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """Return the key of the workflow that fills a source, unless `meta.dagster.asset_key` names another asset.

        The keys of models consist of their schema and name, in which an underscore replaces what Dagster refuses.
        """
        properties = dbt_resource_props
        if _has_key(properties):
            return super().get_asset_key(properties)
        if properties["resource_type"] == "source":
            key = self.tables.get((str(properties.get("schema")), str(properties.get("identifier"))))
            return dg.AssetKey(key) if key is not None else super().get_asset_key(properties)
        return dg.AssetKey([valid_name(part) for part in super().get_asset_key(properties).path])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """Return the group that the YAML of a node sets, else the first folder below `models`, such as `silver`."""
        group = super().get_group_name(dbt_resource_props)
        if group is not None and group == (dbt_resource_props.get("config") or {}).get("group"):
            group = valid_name(group)
        folders = dbt_resource_props.get("fqn", [])[1:-1]
        if group is None and dbt_resource_props["resource_type"] == "model" and folders:
            group = group_of_folders(list(map(str, folders)))
        return group


def _has_key(properties: Mapping[str, Any]) -> bool:
    metas = (properties.get("meta"), (properties.get("config") or {}).get("meta"))
    return any(((meta or {}).get("dagster") or {}).get("asset_key") for meta in metas)
