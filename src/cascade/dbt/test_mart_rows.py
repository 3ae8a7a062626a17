"""Where the rows of a mart are read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from pyiceberg.schema import Schema
from pyiceberg.types import LongType, NestedField

from cascade.config import CascadeConfig
from cascade.dbt.conftest import write_files
from cascade.dbt.mart_rows import rows_of, snapshots_of, state_of_rows, unbuilt
from cascade.dbt.marts import Mart
from cascade.exceptions import CascadeError, UsageError
from cascade.iceberg import open_lakehouse
from cascade.iceberg.merge import merge_rows
from cascade.iceberg.tables import ensure_table
from cascade.marts.table import MartTable
from cascade.table_ref import TableRef

TOTAL = Mart("model.shop.total", "total", "shop.total", ("main", "total"), MartTable("public", "total"))


@pytest.fixture
def build(config: CascadeConfig) -> Callable[[str], None]:
    """Return a function that builds the model as dbt does."""
    file = config.project_root / ".cascade/dbt/lakehouse.duckdb"
    file.parent.mkdir(parents=True, exist_ok=True)

    def build(sql: str) -> None:
        with duckdb.connect(file) as connection:
            connection.execute(sql)

    return build


def test_a_table_and_a_view_of_dbt_are_read(config: CascadeConfig, build: Callable[[str], None]) -> None:
    assert unbuilt(config, [TOTAL]) == [TOTAL]
    for sql in ("CREATE TABLE total AS SELECT 1 AS n", "DROP TABLE total", "CREATE VIEW total AS SELECT 2 AS n"):
        build(sql)
        if sql.startswith("DROP"):
            assert unbuilt(config, [TOTAL]) == [TOTAL]
            continue
        assert unbuilt(config, [TOTAL]) == []
        with rows_of(config, TOTAL, state_of_rows(config)) as rows:
            assert rows.columns == ["n"] and rows.fetchall() == [(1 if "TABLE" in sql else 2,)]


def test_rows_that_changed_since_the_tests_are_not_read(config: CascadeConfig, build: Callable[[str], None]) -> None:
    build("CREATE TABLE total AS SELECT 1 AS n")
    tested = state_of_rows(config)
    build("INSERT INTO total VALUES (2)")
    with pytest.raises(CascadeError, match="dbt has changed models since their tests ran"):
        with rows_of(config, TOTAL, tested):
            pass


def test_what_is_not_there_is_named(config: CascadeConfig, build: Callable[[str], None]) -> None:
    with pytest.raises(UsageError, match="The model total has not been built yet"):
        with rows_of(config, TOTAL, state_of_rows(config)):
            pass
    build("CREATE TABLE other AS SELECT 1 AS n")
    with pytest.raises(UsageError, match="The model total has not been built yet"):
        with rows_of(config, TOTAL, state_of_rows(config)):
            pass


def test_in_production_the_table_of_the_catalog_is_read(config: CascadeConfig, tmp_path: Path) -> None:
    production = config.model_copy(update={"trino_host": "trino.example"})
    with pytest.raises(UsageError, match=r"The catalog has no table main.total"):
        with rows_of(production, TOTAL, ()):
            pass
    lakehouse, ref = open_lakehouse(config), TableRef("main", "total")
    ensure_table(lakehouse, ref, Schema(NestedField(1, "n", LongType(), required=True), identifier_field_ids=[1]))
    merge_rows(lakehouse, ref, pa.table({"n": [1, 2]}), ["n"], run_id="run")
    assert unbuilt(production, [TOTAL]) == []
    with rows_of(production, TOTAL, ()) as rows:
        assert (rows.columns, sorted(rows.fetchall())) == (["n"], [(1,), (2,)])
    tested = snapshots_of(production, [TOTAL])
    with rows_of(production, TOTAL, (), tested) as rows:
        assert len(rows.fetchall()) == 2
    merge_rows(lakehouse, ref, pa.table({"n": [3]}), ["n"], run_id="later")
    with pytest.raises(CascadeError, match="dbt has changed models since their tests ran"):
        with rows_of(production, TOTAL, (), tested):
            pass
    assert snapshots_of(config, [TOTAL]) == {}


def test_a_profile_of_ones_own_is_refused(config: CascadeConfig) -> None:
    write_files(config.project_root, {"transforms/dbt/profiles.yml": "shop: {}\n"})
    with pytest.raises(UsageError, match="has a profile of its own"):
        with rows_of(config, TOTAL, ()):
            pass
