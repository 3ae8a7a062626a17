from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyiceberg.avro import file
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.io.pyarrow import PyArrowFileIO
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import LongType, NestedField, StringType

from cascade.iceberg.avro_readers import reuse_avro_readers

NAMES = ("construct_reader", "resolve_reader")
AvroFile: Any = file.AvroFile
Header: Any = file.AvroFileHeader
SCHEMA = Schema(NestedField(1, "id", LongType()), NestedField(2, "name", StringType()))
BY_NAME = PartitionSpec(PartitionField(2, 1000, IdentityTransform(), "name"))
BY_ID = PartitionSpec(PartitionField(1, 1000, IdentityTransform(), "id"))


@pytest.fixture(autouse=True)
def unpatched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Undo what another test of this process has changed."""
    get_schema = Header.get_schema
    monkeypatch.setattr(Header, "get_schema", getattr(get_schema, "__wrapped__", get_schema))
    for name in NAMES:
        build = getattr(file, name)
        monkeypatch.setattr(file, name, getattr(build, "__wrapped__", build))


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[list[Table]]:
    """Create tables of three layouts, each with two snapshots."""
    with SqlCatalog("test", uri="sqlite://", warehouse=f"file://{tmp_path}") as catalog:
        catalog.create_namespace("raw")
        made = []
        for name, spec in (("plain", PartitionSpec()), ("by_name", BY_NAME), ("by_id", BY_ID)):
            table = catalog.create_table(f"raw.{name}", SCHEMA, partition_spec=spec)
            for number in (1, 2):
                table.append(pa.table({"id": pa.array([number, number + 10]), "name": [name, f"{name} {number}"]}))
            made.append(table)
        yield made


def read(tables: list[Table]) -> list[object]:
    """Return all that the manifests of the tables contain."""
    found: list[object] = []
    for table in tables:
        snapshot = table.current_snapshot()
        assert snapshot is not None
        for manifest in snapshot.manifests(PyArrowFileIO()):
            found.append([repr(value) for value in manifest._data])
            for entry in manifest.fetch_manifest_entry(PyArrowFileIO(), discard_deleted=False):
                found.append([entry.status, entry.snapshot_id, *map(shown, entry.data_file._data)])
    return found


def shown(value: object) -> object:
    # pyiceberg reads maps only when they are asked for.
    return dict(value) if isinstance(value, Mapping) else repr(value)


def test_manifests_of_all_layouts_are_read_as_before(tables: list[Table]) -> None:
    before = read(tables)
    assert len(before) > 12
    reuse_avro_readers()
    assert read(tables) == before
    assert read(list(reversed(tables))) == read(list(reversed(tables)))
    assert read(tables) == before


def test_a_schema_is_parsed_once(tables: list[Table], monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []
    get_schema = Header.get_schema

    def counted(header: Any) -> object:
        parsed.append(header.meta["avro.schema"])
        return get_schema(header)

    monkeypatch.setattr(Header, "get_schema", counted)
    reuse_avro_readers()
    read(tables)
    read(tables)
    # That of lists of manifests, and that of the manifests of each layout.
    assert len(parsed) == len(set(parsed)) == 4


def test_a_file_is_read_as_the_types_that_its_reader_asks_for(tables: list[Table]) -> None:
    reuse_avro_readers()
    snapshot = tables[0].current_snapshot()
    assert snapshot is not None
    io = PyArrowFileIO()
    read(tables)
    with AvroFile(io.new_input(snapshot.manifest_list)) as records:
        assert {type(record).__name__ for record in records} == {"Record"}


def test_a_file_without_a_schema_has_the_error_of_pyiceberg() -> None:
    reuse_avro_readers()
    with pytest.raises(ValueError, match="No schema found"):
        Header.get_schema(type("Empty", (), {"meta": {}})())


def test_a_second_call_changes_nothing() -> None:
    reuse_avro_readers()
    before = [Header.get_schema, *(getattr(file, name) for name in NAMES)]
    reuse_avro_readers()
    assert [Header.get_schema, *(getattr(file, name) for name in NAMES)] == before
