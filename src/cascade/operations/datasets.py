"""What the tables behind assets are called elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from cascade.runs.report import RunReport

if TYPE_CHECKING:
    import dagster as dg

    from cascade.config import CascadeConfig


def lakehouse_namespace(config: CascadeConfig) -> str:
    """Return what tells the tables of one lakehouse from those of others, without secrets.

    Args:
        config: the settings.

    Returns:
        The URL of a REST catalog, else the location of the warehouse.
    """
    catalog = config.nessie_uri or config.iceberg_catalog or ""
    if catalog.startswith(("http://", "https://")):
        return _without_user(catalog)
    warehouse = config.iceberg_warehouse or str(config.state_directory / "warehouse")
    return _without_user(warehouse) if "://" in warehouse else f"file://{warehouse.removeprefix('file:')}"


def _without_user(url: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))


def dataset_name(key: dg.AssetKey, metadata: Mapping[str, Any]) -> str:
    """Return the full name of the table of an asset.

    Args:
        key: the asset.
        metadata: the metadata of its materialization. A workflow's names the table, and so does dbt's.

    Returns:
        The name of the table, such as `raw.flights`; for an asset without a table, its key with dots.
    """
    report = RunReport.from_metadata(metadata)
    if report is not None:
        return report.table
    for name in ("dagster/relation_identifier", "dagster/table_name"):
        value = getattr(metadata.get(name), "value", None)
        if isinstance(value, str) and value:
            return value.replace('"', "")
    return ".".join(key.path)


class DatasetNames:
    """The names of the tables of assets, each looked up once.

    Args:
        instance: where their materializations are recorded.
    """

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance = instance
        self._known: dict[dg.AssetKey, str] = {}

    def of(self, key: dg.AssetKey) -> str | None:
        """Return the name of the table of an asset, by its last materialization; None before its first one."""
        if key not in self._known:
            found = self._instance.get_latest_materialization_event(key)
            made = None if found is None else found.asset_materialization
            if made is None:
                return None
            self._known[key] = dataset_name(key, made.metadata)
        return self._known[key]

    def of_input(self, key: dg.AssetKey) -> str:
        """Return the name of the table of an asset, or its key with dots if nothing tells of a table."""
        return self.of(key) or dataset_name(key, {})
