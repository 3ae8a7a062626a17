"""The lakehouse of a project: its Iceberg catalog and its warehouse.

Only `open_lakehouse` distinguishes embedded and production catalogs. All other code uses the `Lakehouse` it returns.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from cascade.collector import collector_paused
from cascade.config.postgres_urls import with_driver
from cascade.exceptions import ConfigError, UsageError
from cascade.iceberg.catalog_errors import shown_uri, unreachable
from cascade.iceberg.handover import Handover
from cascade.iceberg.locations import local_directory, make_directory, sqlite_file, sqlite_uri, with_timeout
from cascade.iceberg.plugin_catalogs import catalog_plugin, open_by_plugin
from cascade.iceberg.server_properties import glue_properties, is_glue, server_properties
from cascade.iceberg.snapshot.retention import DEFAULT_RETENTION, Retention
from cascade.iceberg.storage_errors import storage_errors_named
from cascade.notices import notice
from cascade.table_ref import MAIN_BRANCH, TableRef, branch_directory

if TYPE_CHECKING:
    import polars as pl
    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table

    from cascade.iceberg.ledger import PublishedPartitions
    from cascade.plugins import Plugin

CATALOG_NAME = "cascade"
DEFAULT_BRANCH_RETENTION_HOURS = 168.0
_SQLITE_BUSY_SECONDS = 60
_OPEN_ATTEMPTS = 8


class LakehouseSettings(Protocol):
    """The settings that locate a lakehouse. `CascadeConfig` has them."""

    @property
    def state_directory(self) -> Path:
        """Directory of the embedded catalog and warehouse."""
        ...

    @property
    def iceberg_catalog(self) -> str | None:
        """The catalog's URI; None for the embedded catalog."""
        ...

    @property
    def iceberg_warehouse(self) -> str | None:
        """Directory or URI of the warehouse; None for the embedded one."""
        ...

    @property
    def nessie_uri(self) -> str | None:
        """Address of the Nessie server that serves as the catalog; None for another catalog."""
        ...

    @property
    def nessie_ref(self) -> str:
        """The Nessie branch."""
        ...


@dataclass(frozen=True)
class Lakehouse:
    """An open catalog.

    Args:
        catalog: the Iceberg catalog.
        uri: the catalog's address without its password, for messages.
        warehouse: directory or URI that holds the tables' files.
        dlt_directory: where dlt keeps the incremental state of each asset and partition.
        retention: the snapshots that a table keeps when it is written.
        branch_retention: seconds for which the rows of a run whose checks failed stay on their branch.
        branch: the branch that stands for `main`: tables are read there if they have it, and written there and nowhere
            else; see `cascade.iceberg.working_branch`.
        origin: of another branch than `main`, where dlt keeps the state of `main`.
        handover: which merges Trino carries out; None for none.
    """

    catalog: Catalog
    uri: str
    warehouse: str
    dlt_directory: Path
    retention: Retention = DEFAULT_RETENTION
    branch_retention: float = DEFAULT_BRANCH_RETENTION_HOURS * 3600.0
    branch: str = MAIN_BRANCH
    origin: Path | None = None
    handover: Handover | None = None

    def at(self, table: Table, ref: TableRef) -> Table:
        """Return a table on the branch where a reference to it leads in this lakehouse.

        Args:
            table: the table, as loaded from the catalog.
            ref: the table and its branch. `main` stands for the branch of this lakehouse, if the table has that.

        Raises:
            UsageError: the table has no such branch.
        """
        from cascade.iceberg.branches import at_branch

        if self.branch == MAIN_BRANCH:
            return at_branch(table, ref)
        if ref.branch == MAIN_BRANCH and self.branch in table.metadata.refs:
            ref = ref.on(self.branch)
        return at_branch(table, ref, own_schema=True)

    def target(self, ref: TableRef) -> TableRef:
        """Return where a write to a table goes in this lakehouse, whose branch the table may still lack.

        Args:
            ref: the table and its branch.
        """
        return ref.on(self.branch) if ref.branch == MAIN_BRANCH else ref

    def load(self, ref: TableRef) -> Table | None:
        """Load the current state of a table.

        Args:
            ref: the table and its branch, such as `TableRef("raw", "weather_observations")`.

        Returns:
            The table, whose current snapshot is the head of the branch, or None if the table does not exist.

        Raises:
            UsageError: the table exists, but its branch does not.
            CascadeError: a file of the table is missing or damaged.
        """
        from pyiceberg.exceptions import NoSuchTableError

        try:
            with storage_errors_named(self, ref, "read"):
                table = self.catalog.load_table(ref.identifier)
        except NoSuchTableError:
            return None
        return self.at(table, ref)

    def require(self, ref: TableRef) -> Table:
        """Load the current state of a table that must exist.

        Args:
            ref: the table and its branch.

        Returns:
            The table, whose current snapshot is the head of the branch.

        Raises:
            UsageError: the table or its branch does not exist.
        """
        table = self.load(ref)
        if table is None:
            raise UsageError(
                f"The lakehouse at {self.warehouse or self.uri} has no table {ref.full_name}.",
                hint="Materialize its workflow once: that creates the table.",
            )
        return table

    def read(
        self,
        table: str,
        *,
        columns: Sequence[str] | None = None,
        where: str | None = None,
        branch: str = MAIN_BRANCH,
    ) -> pl.DataFrame:
        """Read the current rows of a table.

            lakehouse.read("raw.weather_observations", columns=["station", "celsius"], where="celsius > 40")

        Args:
            table: namespace and name, such as `raw.weather_observations`.
            columns: the columns to read, in this order; all if absent. Reading fewer columns is faster.
            where: an Iceberg filter expression, such as `observed_on = '2024-01-15'`. Files whose statistics rule out
                a match are not opened.
            branch: the Iceberg branch to read.

        Returns:
            The rows.

        Raises:
            UsageError: the table, the branch or a column does not exist, or the filter is invalid.
        """
        from cascade.iceberg.reading import read_rows

        ref = TableRef.parse(table, branch=branch)
        with storage_errors_named(self, ref, "read"):
            return read_rows(self.require(ref), ref, columns, where)

    def published(self, table: str) -> PublishedPartitions:
        """Return which partitions of a table are published, and by which version of the code.

            lakehouse.published("raw.weather_observations").missing(observations.asset.partitions_def)

        Args:
            table: namespace and name, such as `raw.weather_observations`.

        Raises:
            UsageError: the table does not exist.
        """
        from cascade.iceberg.ledger import published_partitions

        return published_partitions(self.require(TableRef.parse(table)))


def open_lakehouse(config: LakehouseSettings) -> Lakehouse:
    """Open the catalog of the settings, and create the embedded catalog if it does not exist.

    Several processes may open it at the same time. pyiceberg adds its own settings of a catalog named `cascade`, from
    `.pyiceberg.yaml` or `PYICEBERG_CATALOG__CASCADE__*`.

    Args:
        config: the project's settings.

    Returns:
        The open lakehouse.

    Raises:
        ConfigError: the catalog cannot be reached, or the settings contradict each other.
        PluginError: a plugin opens this catalog, and fails.
    """
    state = Path(config.state_directory).absolute()
    uri = _uri(config, state)
    warehouse = config.iceberg_warehouse
    if warehouse is None and is_glue(uri):
        raise ConfigError(
            f"iceberg_catalog is {uri}, and iceberg_warehouse is not set: the tables of AWS Glue are in S3.",
            hint="Set CASCADE_ICEBERG_WAREHOUSE to a bucket and a path, such as s3://bucket/warehouse.",
        )
    plugin = catalog_plugin(uri)
    # Like a server of the REST protocol, a plugin knows tokens, and may choose the warehouse itself.
    served = _is_rest(uri) or plugin is not None
    if warehouse is None and not served:
        warehouse = str(state / "warehouse")
    properties = server_properties(config, rest=served)
    properties |= glue_properties(uri, properties) if is_glue(uri) else {"uri": uri}
    if warehouse is not None:
        properties["warehouse"] = _warehouse(warehouse, rest=_is_rest(uri))
    catalog = _open(uri, properties) if plugin is None else _open_by(plugin, properties)
    directory = getattr(config, "dlt_directory", None) or state / "dlt"
    retention = Retention(
        snapshots=getattr(config, "keep_snapshots", DEFAULT_RETENTION.snapshots),
        days=getattr(config, "keep_snapshot_days", DEFAULT_RETENTION.days),
    )
    hours = getattr(config, "branch_retention_hours", DEFAULT_BRANCH_RETENTION_HOURS)
    branch, origin = getattr(config, "branch", MAIN_BRANCH), None
    if branch != MAIN_BRANCH:
        directory, origin = branch_directory(state, branch) / "dlt", Path(directory)
    return Lakehouse(
        catalog,
        shown_uri(uri),
        properties.get("warehouse", ""),
        Path(directory),
        retention,
        branch_retention=hours * 3600.0,
        branch=branch,
        origin=origin,
        handover=Handover.of(config),
    )


def _uri(config: LakehouseSettings, state: Path) -> str:
    if config.nessie_uri and config.iceberg_catalog:
        raise ConfigError(
            f"Two settings specify a catalog: nessie_uri is {shown_uri(config.nessie_uri)}, and iceberg_catalog is "
            f"{shown_uri(config.iceberg_catalog)}.",
            hint="Unset CASCADE_NESSIE_URI or CASCADE_ICEBERG_CATALOG.",
        )
    if config.nessie_uri:
        # Nessie serves Iceberg's REST protocol next to its own API, at one address per branch.
        given = config.nessie_uri.rstrip("/")
        base = re.sub(r"/(api(/v\d)?|iceberg(/.*)?)/*$", "", given)
        if "/api" in given.removeprefix(base):
            notice(
                f"CASCADE_NESSIE_URI is {shown_uri(given)}, Nessie's own API. Tables are read and written through its "
                f"Iceberg REST API, {shown_uri(base)}/iceberg."
            )
        return f"{base}/iceberg/{config.nessie_ref}"
    uri = with_driver(config.iceberg_catalog or sqlite_uri(state / "catalog.db"))
    if not _is_sqlite(uri):
        return uri
    try:
        # Writers wait for each other: a commit locks the file for a few milliseconds.
        return with_timeout(uri, _SQLITE_BUSY_SECONDS)
    except Exception as error:
        raise unreachable(uri, error) from error


def _is_sqlite(uri: str) -> bool:
    return uri.startswith(("sqlite:", "sqlite+"))


def _is_rest(uri: str) -> bool:
    return uri.startswith(("http://", "https://"))


def _warehouse(warehouse: str, *, rest: bool) -> str:
    directory = None if rest else local_directory(warehouse)
    if directory is None:
        return warehouse
    make_directory(directory, "CASCADE_ICEBERG_WAREHOUSE")
    return str(directory)


def import_libraries() -> None:
    """Import what every lakehouse needs, and repair it. A caller may do this before it opens one."""
    from cascade.iceberg.avro_readers import reuse_avro_readers
    from cascade.iceberg.null_lists import keep_null_lists

    with collector_paused():
        import pyiceberg.catalog  # noqa: F401

        keep_null_lists()
        reuse_avro_readers()


def _open_by(plugin: Plugin, properties: dict[str, str]) -> Catalog:
    import_libraries()
    return open_by_plugin(plugin, CATALOG_NAME, properties)


def _open(uri: str, properties: dict[str, str]) -> Catalog:
    """Open a catalog, and try again if another process is creating it."""
    import_libraries()

    from pyiceberg.catalog import load_catalog

    file = sqlite_file(uri) if _is_sqlite(uri) else None
    if file is not None:
        make_directory(file.parent, "CASCADE_ICEBERG_CATALOG")
    for attempt in range(_OPEN_ATTEMPTS):
        try:
            return load_catalog(CATALOG_NAME, **properties)
        except Exception as error:
            # pyiceberg creates the tables of a SQL catalog without a lock, so another process may create them first.
            created_elsewhere = "already exists" in str(error) or "locked" in str(error)
            if not created_elsewhere or attempt == _OPEN_ATTEMPTS - 1:
                raise unreachable(uri, error) from error
            time.sleep(random.uniform(0.02, 0.1) * (attempt + 1))
    raise AssertionError("unreachable")
