"""The rows of a model, as a query of DuckDB: in the file of dbt, or of the Iceberg table that Trino wrote."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING

from cascade.dbt.marts import Mart
from cascade.dbt.profile import dbt_target, duckdb_file, own_profiles_directory, runs_on_trino
from cascade.dbt.waiting import open_when_free
from cascade.exceptions import CascadeError, UsageError
from cascade.iceberg.sql_text import sql_name
from cascade.program import typed
from cascade.table_ref import TableRef

if TYPE_CHECKING:
    import duckdb
    from pyiceberg.table import Table

    from cascade.config import CascadeConfig

_MEMORY = "1GiB"

State = tuple[tuple[int, int, int], ...]
Snapshots = Mapping[str, int | None]


def state_of_rows(config: CascadeConfig) -> State:
    """Return a value that changes when dbt writes to its DuckDB file.

    Args:
        config: the settings.
    """
    file = duckdb_file(config)
    found = [path.stat() for path in (file, file.with_name(f"{file.name}.wal")) if path.is_file()]
    return tuple((stat.st_ino, stat.st_mtime_ns, stat.st_size) for stat in found)


def snapshots_of(config: CascadeConfig, marts: Sequence[Mart]) -> Snapshots:
    """Return the snapshot of the table of each model that Trino builds, by the `unique_id` of the model.

    Args:
        config: the settings.
        marts: the models.

    Returns:
        The ids of the snapshots; nothing of a model without a table, or if dbt works in DuckDB.
    """
    if not runs_on_trino(config):
        return {}
    from cascade.iceberg import open_lakehouse

    lakehouse = open_lakehouse(config)
    found = ((mart, lakehouse.load(TableRef(*mart.relation))) for mart in marts)
    return {mart.unique_id: _snapshot_id(table) for mart, table in found if table is not None}


def _snapshot_id(table: Table) -> int | None:
    snapshot = table.current_snapshot()
    return snapshot.snapshot_id if snapshot else None


def unbuilt(config: CascadeConfig, marts: Sequence[Mart]) -> list[Mart]:
    """Return the models that dbt has not built yet in its DuckDB file; none if Trino builds them.

    Args:
        config: the settings.
        marts: the models.
    """
    if dbt_target(config) == "production" or own_profiles_directory(config) is not None:
        return []
    file = duckdb_file(config)
    if not file.is_file():
        return list(marts)
    with open_when_free(str(file), {"access_mode": "READ_ONLY"}) as connection:
        return [mart for mart in marts if not _is_built(connection, mart)]


def not_built(mart: Mart) -> UsageError:
    """Return the error of a model that dbt has not built yet."""
    return UsageError(
        f"The model {mart.model} has not been built yet.", hint=f"Build it: {typed(f'dbt build --select {mart.model}')}"
    )


def _is_built(connection: duckdb.DuckDBPyConnection, mart: Mart) -> bool:
    found = connection.execute(
        "SELECT 1 FROM information_schema.tables WHERE table_catalog = current_database() "
        "AND table_schema = ? AND table_name = ?",
        mart.relation,
    )
    return found.fetchone() is not None


@contextmanager
def rows_of(
    config: CascadeConfig, mart: Mart, tested: State, snapshots: Snapshots = MappingProxyType({})
) -> Iterator[duckdb.DuckDBPyRelation]:
    """Open the rows of a model. dbt in DuckDB waits until they are closed.

    Args:
        config: the settings.
        mart: the model.
        tested: the state of the DuckDB file when its tests passed.
        snapshots: what `snapshots_of` returned before its tests ran.

    Yields:
        The query.

    Raises:
        UsageError: the model has not been built, or is not in a place that Cascade knows.
        CascadeError: dbt has changed the rows since the tests.
    """
    if own_profiles_directory(config) is not None:
        raise UsageError(
            "Marts are published from where dbt works with the profile that Cascade generates, and this project has a "
            "profile of its own.",
            hint="Remove profiles.yml from the dbt project, and unset DBT_PROFILES_DIR.",
        )
    with (
        _built_by_trino(config, mart, snapshots)
        if dbt_target(config) == "production"
        else _built_here(config, mart, tested) as rows
    ):
        yield rows


@contextmanager
def _built_here(config: CascadeConfig, mart: Mart, tested: State) -> Iterator[duckdb.DuckDBPyRelation]:
    file = duckdb_file(config)
    if not file.is_file():
        raise not_built(mart)
    with tempfile.TemporaryDirectory(prefix="cascade-mart-") as scratch:
        options = {"access_mode": "READ_ONLY", "memory_limit": _MEMORY, "temp_directory": scratch}
        with open_when_free(str(file), options) as connection:
            if state_of_rows(config) != tested:
                raise _changed(mart)
            if not _is_built(connection, mart):
                raise not_built(mart)
            connection.execute("SET TimeZone = 'UTC'")
            yield connection.sql(f"SELECT * FROM {'.'.join(map(sql_name, mart.relation))}")


def _changed(mart: Mart) -> CascadeError:
    return CascadeError(
        f"{mart.table.full_name} was not published: dbt has changed models since their tests ran.",
        hint=f"Publish it again: {typed(f'publish {mart.model}')}",
    )


@contextmanager
def _built_by_trino(config: CascadeConfig, mart: Mart, snapshots: Snapshots) -> Iterator[duckdb.DuckDBPyRelation]:
    from cascade.iceberg import open_lakehouse
    from cascade.iceberg.query_session import query_session

    ref = TableRef(*mart.relation)
    table = open_lakehouse(config).load(ref)
    if table is None:
        raise UsageError(
            f"The catalog has no table {ref.full_name}, so the model {mart.model} cannot be published.",
            hint="Let dbt build it, as a table and not as a view, in the catalog that iceberg_catalog names.",
        )
    now = _snapshot_id(table)
    if snapshots.get(mart.unique_id, now) != now:
        raise _changed(mart)
    with query_session() as session:
        session.add_table(table, ref.identifier)
        yield session.relation(f"SELECT * FROM {'.'.join(map(sql_name, ref.identifier))}")
