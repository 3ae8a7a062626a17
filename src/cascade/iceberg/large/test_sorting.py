from __future__ import annotations

import math
import tempfile
import uuid
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cascade.exceptions import CascadeError
from cascade.iceberg.large import LargeRows, Spool, sorting, work_directory
from cascade.iceberg.large.rows import no_rows
from cascade.iceberg.large.sorting import newest_rows
from cascade.iceberg.merge.versions import Versions
from cascade.iceberg.same import same_rows

NOON = datetime(2013, 1, 15, 12, 0, 0, 1, tzinfo=UTC)
PLACE = pa.struct([("city", pa.large_string()), ("at", pa.timestamp("us", "UTC")), ("open", pa.bool_())])


def uuids(*values: bytes | None) -> pa.Array:
    return pa.ExtensionArray.from_storage(pa.uuid(), pa.array(values, pa.binary(16)))


A, B = (uuid.UUID(int=number).bytes for number in (1, 2**128 - 1))
EVERY_TYPE = pa.table(
    {
        "small": pa.array([1, None, -(2**31)], pa.int32()),
        "large": pa.array([1, None, -(2**63)], pa.int64()),
        "uuid": uuids(A, None, B),
        "price": pa.array([Decimal("1.10"), None, Decimal("-99999999999999999999999999999999999.999")]),
        "at": pa.array([NOON, None, datetime(1, 1, 1, tzinfo=UTC)], pa.timestamp("us", "UTC")),
        "naive": pa.array([datetime(2013, 1, 15), None, datetime(9999, 12, 31)], pa.timestamp("us")),
        "day": pa.array([date(2013, 1, 15), None, date(1, 1, 1)]),
        "hour": pa.array([time(12, 0, 0, 1), None, time(0)], pa.time64("us")),
        "x": pa.array([math.nan, -0.0, math.inf], pa.float64()),
        "y": pa.array([math.nan, -0.0, None], pa.float32()),
        "flag": pa.array([True, None, False]),
        "text": pa.array(["", None, "ä\0\U0001f600"], pa.string()),
        "raw": pa.array([b"", None, b"\0\xff"], pa.binary()),
        "tags": pa.array([[], None, ["a", None]], pa.list_(pa.string())),
        "place": pa.array([{"city": None, "at": NOON, "open": True}, None, {"city": "x"}], PLACE),
        "places": pa.array([[None, {"city": "x", "at": NOON}], None, []], pa.large_list(PLACE)),
        "ids": pa.ListArray.from_arrays(pa.array([0, 1, None, 3], pa.int32()), uuids(A, B, None)),
        "SMALL": pa.array([[-0.0, math.nan, None], [], None], pa.list_(pa.float64())),
    }
)


def large(rows: pa.Table, *sizes: int, chunk_rows: int = 4) -> LargeRows:
    spool = Spool(rows.schema)
    start = 0
    for size in (*sizes, rows.num_rows):
        spool.write(rows.slice(start, size))
        start += size
    return LargeRows(spool, chunk_rows=chunk_rows)


def all_of(rows: LargeRows) -> pa.Table:
    return pa.concat_tables([no_rows(rows.schema), *rows.chunks()])


def test_every_type_keeps_its_values_exactly() -> None:
    rows = pa.concat_tables([EVERY_TYPE] * 2).append_column("id", pa.array([5, 3, 4, 5, 1, 4]))
    found = all_of(newest_rows(large(rows, 1, 2), ["id"]))
    assert found.schema == rows.schema
    assert found["id"].to_pylist() == [1, 3, 4, 5]
    assert same_rows(found, rows.take([4, 1, 5, 3])).to_pylist() == [True] * 4


@pytest.mark.parametrize("name", ["large", "uuid", "price", "at", "naive", "day", "hour", "flag", "text", "raw"])
def test_every_type_of_key_is_sorted_as_in_memory(name: str) -> None:
    column = EVERY_TYPE.column(name).filter(pa.array([True, False, True])).chunk(0)
    rows = pa.table({"key": pa.chunked_array([column, column.take(pa.array([1, 0]))]), "n": range(4)})
    assert all_of(newest_rows(large(rows, 1), ["key"])).equals(Versions().newest(rows, ["key"]).combine_chunks())


ROW = st.tuples(
    st.sampled_from(["", "a", "b\0", "ä", "\U0001f600"]),
    st.integers(0, 3),
    st.one_of(st.none(), st.sampled_from([math.nan, -0.0, 0.0, 1.0, -math.inf])),
)


@settings(max_examples=30, deadline=None)
@given(st.lists(ROW, max_size=30), st.lists(st.integers(0, 9), max_size=5), st.booleans(), st.integers(1, 9))
def test_the_newest_rows_are_those_that_are_found_in_memory(
    rows: list[tuple[str, int, float | None]], sizes: list[int], by_version: bool, chunk_rows: int
) -> None:
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    types = (pa.string(), pa.int32(), pa.float64())
    given = pa.table(
        [pa.array(column, kind) for column, kind in zip(columns, types, strict=True)], names=["a", "B", "b"]
    ).append_column("place", pa.array(range(len(rows)), pa.int64()))
    versions = Versions("b" if by_version else None)
    found = all_of(newest_rows(large(given, *sizes, chunk_rows=chunk_rows), ["a", "B"], versions.dedup_sort))
    expected = versions.newest(given, ["a", "B"])
    assert found["place"].to_pylist() == expected["place"].to_pylist()
    assert bool(pa.compute.all(same_rows(found, expected), min_count=0).as_py())


def test_rows_that_are_sorted_already_are_not_sorted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sorting, "_connection", lambda directory: pytest.fail("was sorted"))
    rows = large(pa.table({"id": range(10)}), 3, 3)
    assert newest_rows(rows, ["id"]) is rows


def test_rows_that_exceed_the_memory_limit_are_sorted_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(sorting, "_MEMORY", "24MB")
    ids = np.random.default_rng(0).permutation(300_000)
    rows = pa.table({"id": ids, **{f"v{place}": ids * place for place in range(12)}})
    found = all_of(newest_rows(large(rows, *[50_000] * 5, chunk_rows=50_000), ["id"]))
    assert found.equals(rows.take(pa.array(np.argsort(ids))).combine_chunks())
    assert not list(work_directory.home().glob("work-*"))


def test_a_full_disk_is_an_error_that_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(sorting, "_MEMORY", "24MB")
    connect = duckdb.connect

    def nearly_full(database: str, config: dict[str, str]) -> duckdb.DuckDBPyConnection:
        return connect(database, config={**config, "max_temp_directory_size": "1MB"})

    monkeypatch.setattr(duckdb, "connect", nearly_full)
    ids = np.random.default_rng(0).permutation(300_000)
    rows = pa.table({"id": ids, **{f"v{place}": ids * place for place in range(12)}})
    with pytest.raises(CascadeError, match=f"Could not stage rows in {tmp_path}: .*") as raised:
        newest_rows(large(rows, *[50_000] * 5, chunk_rows=50_000), ["id"])
    assert "set TMPDIR" in str(raised.value.hint)
    assert not list(work_directory.home().glob("work-*"))


def test_the_directory_of_a_killed_process_is_removed_and_that_of_a_living_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (work_directory.home() / "work-killed").mkdir(parents=True)
    with work_directory.work_directory() as first:
        assert not (work_directory.home() / "work-killed").exists()
        with work_directory.work_directory() as second:
            assert first.exists() and second.exists()
    assert [path.name for path in work_directory.home().iterdir()] == [".lock"]
