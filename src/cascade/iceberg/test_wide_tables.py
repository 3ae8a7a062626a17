"""Tables of thousands of columns: no step asks a library for each column again for what all columns decide."""

from __future__ import annotations

from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyiceberg.schema import Schema
from pyiceberg.table.update.schema import UpdateSchema
from pyiceberg.types import LongType, NestedField

from cascade.iceberg import merge_rows
from cascade.iceberg.catalog import Lakehouse
from cascade.iceberg.columns import conform
from cascade.iceberg.data_file_reader import DataFileReader, open_data_file, projection
from cascade.iceberg.snapshot.tasks import data_files
from cascade.iceberg.tables import ensure_table
from cascade.table_ref import TableRef

NAME = TableRef("raw", "wide")
COLUMNS = 40


class Counted:
    """An object whose attributes are those of another one. It counts how often one of them is read."""

    def __init__(self, of: object, attribute: str) -> None:
        self._of, self._attribute, self.reads = of, attribute, 0

    def __getattr__(self, name: str) -> Any:
        self.reads += name == self._attribute
        return getattr(self._of, name)


def wide(columns: int = COLUMNS) -> Schema:
    fields = [NestedField(n, f"c{n}", LongType(), required=n == 1) for n in range(1, columns + 1)]
    return Schema(*fields, identifier_field_ids=[1])


def test_rows_are_conformed_with_one_look_at_their_names() -> None:
    schema = pa.schema([(f"c{n}", pa.int64()) for n in range(COLUMNS)])
    rows = Counted(pa.table({f"c{n}": [n] for n in reversed(range(COLUMNS))}), "column_names")
    assert conform(cast(pa.Table, rows), schema).to_pylist() == [{f"c{n}": n for n in range(COLUMNS)}]
    assert rows.reads == 1


def test_a_data_file_is_read_with_one_look_at_its_schema(lakehouse: Lakehouse) -> None:
    table = ensure_table(lakehouse, NAME, wide())
    rows = pa.Table.from_pylist([{f"c{n}": n for n in range(1, COLUMNS + 1)}], schema=table.schema().as_arrow())
    merge_rows(lakehouse, NAME, rows, ["c1"], run_id="run", partition=None)
    table = lakehouse.require(NAME)
    (task,) = data_files(table)
    with open_data_file(table, task.file) as opened:
        parquet = Counted(opened._parquet, "schema_arrow")
        reader = DataFileReader(table, task.file, cast(pq.ParquetFile, parquet))
        (group,) = reader.groups
        assert reader.read(group, projection(table)).to_pylist() == rows.to_pylist()
        assert reader.bounds(group, f"c{COLUMNS}") is not None
        assert parquet.reads == 1


def test_a_new_column_is_all_that_an_evolution_looks_at(lakehouse: Lakehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    ensure_table(lakehouse, NAME, wide())
    given: list[Schema] = []
    union = UpdateSchema.union_by_name

    def recorded(update: UpdateSchema, new: Any, **arguments: Any) -> UpdateSchema:
        given.append(new)
        return union(update, new, **arguments)

    monkeypatch.setattr(UpdateSchema, "union_by_name", recorded)
    table = ensure_table(lakehouse, NAME, wide(COLUMNS + 1))
    assert [schema.column_names for schema in given] == [[f"c{COLUMNS + 1}"]]
    assert table.schema().column_names == wide(COLUMNS + 1).column_names
