from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from cascade.iceberg.catalog import Lakehouse, open_lakehouse
from cascade.iceberg.conftest import Settings
from cascade.iceberg.locations import local_directory, sqlite_file, sqlite_uri

HOSTILE = [
    *("my lake", " lead", "a#b", "a%20b", "100%", "what?", "a&b=c", "a+b", "~t", "$HOME", "-dash", "..x"),
    *("öä", "e\u0301", "📦", "it's", 'say "hi"', "a;b", "a:b", "file:", "[x]*", "{b}", "back\\slash", "new\nline"),
]
"""Names of directories that are something else in a URI, a shell or a pattern."""


def written_and_read(settings: Settings) -> Lakehouse:
    lakehouse = open_lakehouse(settings)
    lakehouse.catalog.create_namespace("raw")
    rows = pa.table({"id": [1, 2, 3]})
    lakehouse.catalog.create_table("raw.things", rows.schema).append(rows)
    reopened = open_lakehouse(settings)
    assert reopened.read("raw.things", where="id > 1").rows() == [(2,), (3,)]
    return reopened


def directories(top: Path) -> set[str]:
    return {path.name for path in top.iterdir()}


@pytest.mark.parametrize("name", HOSTILE)
def test_every_file_is_under_the_directory_that_was_named(tmp_path: Path, name: str) -> None:
    state, warehouse = tmp_path / name / ".cascade", tmp_path / name / "lake"
    lakehouse = written_and_read(Settings(state))
    assert lakehouse.warehouse == str(state / "warehouse")
    assert (state / "catalog.db").is_file()
    assert list((state / "warehouse").rglob("*.parquet"))
    uri = sqlite_uri(tmp_path / name / "own.db")
    written_and_read(Settings(tmp_path / "unused", iceberg_catalog=uri, iceberg_warehouse=str(warehouse)))
    assert (tmp_path / name / "own.db").is_file()
    assert list(warehouse.rglob("*.parquet"))
    assert directories(tmp_path) == {name}


@pytest.mark.parametrize("name", HOSTILE)
def test_the_file_of_a_catalog_is_encoded_and_decoded_once(name: str) -> None:
    file = Path("/home", name, "catalog.db")
    assert sqlite_file(sqlite_uri(file)) == file


@pytest.mark.parametrize(
    ("warehouse", "directory"),
    [
        ("/x/my lake", "/x/my lake"),
        ("/x/my%20lake", "/x/my%20lake"),
        ("//x/lake", "/x/lake"),
        ("file:///x/my%20lake", "/x/my lake"),
        ("file:///x/my lake", "/x/my lake"),
        ("file:/x/a%2520b", "/x/a%20b"),
        ("file://localhost/x/lake", "/x/lake"),
        ("s3://bucket/my%20lake", None),
    ],
)
def test_only_a_uri_is_decoded(warehouse: str, directory: str | None) -> None:
    assert local_directory(warehouse) == (directory and Path(directory))


def test_a_warehouse_may_be_a_file_uri(tmp_path: Path) -> None:
    lake = tmp_path / "my lake"
    lakehouse = written_and_read(Settings(tmp_path / "state", iceberg_warehouse=lake.as_uri()))
    assert lakehouse.warehouse == str(lake)
    assert list(lake.rglob("*.parquet"))
    assert directories(tmp_path) == {"my lake", "state"}


def test_a_database_that_is_not_a_file_has_no_path() -> None:
    for uri in ("sqlite://", "sqlite:///:memory:", "sqlite:///file:/x/catalog.db?uri=true"):
        assert sqlite_file(uri) is None
