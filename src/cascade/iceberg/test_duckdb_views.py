"""A DuckDB file shows every table of the lakehouse to a client that knows nothing about Cascade."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.types import DoubleType, ListType, LongType, MapType, NestedField, StringType, StructType, UUIDType

from cascade.declarations import PartitionField
from cascade.iceberg import duckdb_views
from cascade.iceberg.append import append_rows
from cascade.iceberg.catalog import Lakehouse, open_lakehouse
from cascade.iceberg.conftest import Settings
from cascade.iceberg.duckdb_types import duckdb_type
from cascade.iceberg.duckdb_views import update_views
from cascade.iceberg.hidden import hidden_properties, with_hidden
from cascade.iceberg.merge import merge_rows
from cascade.iceberg.tables import ensure_table
from cascade.iceberg.test_readers import BY_POSITION, NAME, NARROW, STEPS, WIDE, merged, rows
from cascade.table_ref import TableRef


class File:
    """A DuckDB file: views are made by one connection, and read by another one after that."""

    def __init__(self, path: Path, lakehouse: Lakehouse) -> None:
        self.path, self._lakehouse = path, lakehouse
        self.warnings: list[str] = []

    def update(self) -> None:
        self.warnings.clear()
        with duckdb.connect(self.path) as connection:
            update_views(connection, self._lakehouse, self.warnings.append)

    def __call__(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(self.path, read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def write(self, sql: str) -> None:
        with duckdb.connect(self.path) as connection:
            connection.execute(sql)


@pytest.fixture
def file(tmp_path: Path, lakehouse: Lakehouse) -> Iterator[File]:
    yield File(tmp_path / "lakehouse.duckdb", lakehouse)


def in_iceberg(lakehouse: Lakehouse, ref: TableRef = NAME) -> list[tuple[Any, ...]]:
    table = lakehouse.require(ref)
    return sorted((tuple(row.values()) for row in table.scan().to_arrow().to_pylist()), key=repr)


def test_the_views_agree_with_iceberg_after_every_kind_of_change(lakehouse: Lakehouse, file: File) -> None:
    ensure_table(lakehouse, NAME, NARROW)
    file.update()
    assert file("select * from raw.seen") == []
    assert [name for name, *_ in file("describe raw.seen")] == ["id", "value", "gone"]
    for step, change in STEPS.items():
        change(lakehouse)
        file.update()
        assert sorted(file("select * from raw.seen"), key=repr) == in_iceberg(lakehouse), step
        assert file.warnings == []


def test_a_renamed_column_and_a_new_layout_give_the_right_rows(lakehouse: Lakehouse, file: File) -> None:
    ensure_table(lakehouse, NAME, NARROW)
    merged(lakehouse, rows(range(10), 1.0))
    merged(lakehouse, rows(range(2), 2.0), costs=BY_POSITION)
    table = lakehouse.require(NAME)
    with table.update_schema() as schema:
        schema.rename_column("value", "measured")
    with table.update_schema(allow_incompatible_changes=True) as schema:
        # A new column with the name of an old one has other values.
        schema.delete_column("gone")
    with table.update_schema() as schema:
        schema.add_column("gone", StringType())
    with table.update_spec() as spec:
        spec.add_identity("measured")
    file.update()
    assert sorted(file("select * from raw.seen"), key=repr) == in_iceberg(lakehouse)
    assert file("select sum(measured), count(gone) from raw.seen") == [(12.0, 0)]
    assert file.warnings == []


def test_the_columns_that_cascade_adds_are_hidden(lakehouse: Lakehouse, file: File) -> None:
    ensure_table(lakehouse, NAME, with_hidden(Schema(*WIDE.fields)), properties=hidden_properties())
    append_rows(lakehouse, NAME, rows(range(3), note="n"), run_id="run", partition="a")
    file.update()
    assert [name for name, *_ in file("describe raw.seen")] == ["id", "value", "gone", "note"]


def test_a_partitioned_table_keeps_its_columns(lakehouse: Lakehouse, file: File) -> None:
    # The directories of its files are named id=1, which DuckDB would read as columns.
    ensure_table(lakehouse, NAME, WIDE, partition_spec=[PartitionField("id", "identity")])
    merge_rows(lakehouse, NAME, rows(range(3), note="n"), ["id"], run_id="run")
    file.update()
    assert file("select id, note from raw.seen order by id") == [(0, "n"), (1, "n"), (2, "n")]


def test_only_what_changed_is_made_anew(lakehouse: Lakehouse, file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def view_query(table: Table) -> str:
        made.append(".".join(table.name()))
        return query_of(table)

    query_of = duckdb_views.view_query
    monkeypatch.setattr(duckdb_views, "view_query", view_query)
    other = TableRef("more", "other")
    ensure_table(lakehouse, NAME, NARROW)
    ensure_table(lakehouse, other, NARROW)
    file.update()
    merged(lakehouse, rows(range(3)))
    file.update()
    file.update()
    assert made == ["more.other", "raw.seen", "raw.seen"]
    lakehouse.catalog.drop_table(other.identifier)
    file.update()
    assert file("select schema_name, view_name from duckdb_views() where not internal") == [("raw", "seen")]


def test_a_table_that_dbt_made_is_never_replaced(lakehouse: Lakehouse, file: File) -> None:
    ensure_table(lakehouse, NAME, NARROW)
    file.write("create schema raw; create table raw.seen as select 42 as answer; create view mine as select 1 as x")
    file.update()
    assert file("select answer from raw.seen") == [(42,)]
    assert file("select x from mine") == [(1,)]
    assert file.warnings == [
        "raw.seen of the lakehouse is hidden by an object of that name, which Cascade did not create."
    ]


def test_a_table_that_duckdb_cannot_read_by_itself_is_copied(lakehouse: Lakehouse, file: File) -> None:
    ensure_table(
        lakehouse, NAME, Schema(*WIDE.fields, NestedField(5, "filename", StringType()), identifier_field_ids=[1])
    )
    given = rows(range(10), note="n").append_column("filename", pa.array(["f"] * 10))
    merged(lakehouse, given)
    file.update()
    assert file.warnings == []
    merged(lakehouse, given.slice(0, 2).set_column(1, "value", pa.array([5.0, 5.0])), costs=BY_POSITION)
    file.update()
    assert file("select count(*), sum(value) from raw.seen") == [(10, 18.0)]
    (warning,) = file.warnings
    assert warning.startswith(
        "raw.seen is copied into the DuckDB file, because it has deleted rows, and a column named"
    )
    # The copy is replaced by a view as soon as it can be.
    merged(lakehouse, given.set_column(1, "value", pa.array([7.0] * 10)))
    file.update()
    assert file("select count(*), sum(value) from raw.seen") == [(10, 70.0)]


def test_renamed_inner_fields_are_read_by_a_copy(lakehouse: Lakehouse, file: File) -> None:
    inner = StructType(NestedField(3, "old", StringType(), required=False))
    schema = Schema(
        NestedField(1, "id", LongType(), required=True), NestedField(2, "s", inner), identifier_field_ids=[1]
    )
    ensure_table(lakehouse, NAME, schema)
    merged(lakehouse, pa.table({"id": [1], "s": [{"old": "x"}]}))
    table = lakehouse.require(NAME)
    with table.update_schema() as update:
        update.rename_column("s.old", "new")
    file.update()
    assert file("select s.new from raw.seen") == [("x",)]
    assert len(file.warnings) == 1


def test_a_table_that_cannot_be_read_shows_no_old_rows(lakehouse: Lakehouse, file: File) -> None:
    ensure_table(lakehouse, NAME, NARROW)
    ensure_table(lakehouse, TableRef("raw", "other"), NARROW)
    merged(lakehouse, rows(range(3)))
    file.update()
    merged(lakehouse, rows(range(5)))
    metadata = Path(lakehouse.require(NAME).metadata_location.removeprefix("file://"))
    metadata.write_text("{")
    file.update()
    assert file("select view_name from duckdb_views() where not internal") == [("other",)]
    (warning,) = file.warnings
    assert warning.startswith("raw.seen cannot be read in DuckDB. ")


def test_a_path_may_contain_any_character(tmp_path: Path) -> None:
    lakehouse = open_lakehouse(Settings(tmp_path / "it's [a] lake*house?" / ".cascade"))
    file = File(tmp_path / "lakehouse.duckdb", lakehouse)
    ensure_table(lakehouse, NAME, NARROW)
    merged(lakehouse, rows(range(10)))
    merged(lakehouse, rows(range(2), 2.0), costs=BY_POSITION)
    file.update()
    assert sorted(file("select * from raw.seen"), key=repr) == in_iceberg(lakehouse)
    assert file.warnings == []


def test_types_have_names_that_duckdb_takes() -> None:
    kind = StructType(
        NestedField(1, 'a "b"', ListType(2, UUIDType(), element_required=False), required=False),
        NestedField(3, "m", MapType(4, StringType(), 5, DoubleType(), value_required=False), required=False),
    )
    text = duckdb_type(kind)
    assert text == 'STRUCT("a ""b""" UUID[], "m" MAP(VARCHAR, DOUBLE))'
    with duckdb.connect() as connection:
        ((found,),) = connection.execute(f"select typeof(null::{text})").fetchall()
    assert found == text.replace('"m"', "m")


def test_a_declared_table_that_does_not_exist_is_shown_without_rows(file: File, lakehouse: Lakehouse) -> None:
    asked = []

    def declared() -> Schema:
        asked.append(True)
        return with_hidden(NARROW)

    def update(schema: Callable[[], Schema]) -> None:
        file.warnings.clear()
        with duckdb.connect(file.path) as connection:
            update_views(connection, lakehouse, file.warnings.append, {NAME.identifier: schema})

    def columns() -> list[str]:
        return [row[0] for row in file(f"describe {NAME.full_name}")]

    update(declared)
    assert (columns(), file(f"select * from {NAME.full_name}")) == (["id", "value", "gone"], [])
    assert lakehouse.load(NAME) is None and file.warnings == []
    # Another schema shows other columns, and none at all nothing.
    update(lambda: WIDE)
    assert len(columns()) == len(WIDE.fields)
    unknown: dict[str, Schema] = {}
    update(lambda: unknown["things"])
    assert file("select view_name from duckdb_views() where not internal") == []
    assert file.warnings == [f"{NAME.full_name} does not exist, and its columns are unknown. 'things'"]
    update(declared)
    ensure_table(lakehouse, NAME, NARROW)
    merged(lakehouse, rows(range(3)))
    asked.clear()
    update(declared)
    assert file(f"select count(*) from {NAME.full_name}") == [(3,)] and asked == []
    file.update()
    assert file(f"select count(*) from {NAME.full_name}") == [(3,)]
