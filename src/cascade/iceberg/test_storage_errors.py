"""A lakehouse that lacks files, or has damaged ones: each error names the file, and says what to do."""

from __future__ import annotations

import errno
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from cascade.exceptions import CascadeError
from cascade.iceberg import merge_rows
from cascade.iceberg.catalog import Lakehouse
from cascade.iceberg.query import run_query
from cascade.iceberg.snapshot import cache
from cascade.iceberg.storage_errors import storage_errors_named
from cascade.iceberg.tables import ensure_table
from cascade.iceberg.test_commit import NAME, SCHEMA

Damage = Callable[[Lakehouse], None]


def merged(lakehouse: Lakehouse, n: int) -> None:
    ensure_table(lakehouse, NAME, SCHEMA)
    rows = pa.table({"id": pa.array([1], pa.int64()), "n": pa.array([n], pa.int64())})
    merge_rows(lakehouse, NAME, rows, ["id"], run_id=f"run {n}", partition=None)


def warehouse(lakehouse: Lakehouse) -> Path:
    return Path(lakehouse.warehouse.removeprefix("file://"))


def each(pattern: str, change: Callable[[Path], object]) -> Damage:
    def damage(lakehouse: Lakehouse) -> None:
        found = list(warehouse(lakehouse).rglob(pattern))
        assert found
        for file in found:
            change(file)

    return damage


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:100])


def a_file_in_place_of_the_directory(lakehouse: Lakehouse) -> None:
    shutil.rmtree(warehouse(lakehouse))
    warehouse(lakehouse).write_text("")


MISSING, DAMAGED = "A file of raw.counts is missing: ", "A file of raw.counts is damaged: "
CASES: dict[str, tuple[Damage, str]] = {
    "missing data": (each("*.parquet", Path.unlink), MISSING + r"/.+\.parquet"),
    "cut data": (each("*.parquet", cut), DAMAGED + r"/.+\.parquet \(Parquet magic bytes"),
    "empty data": (
        each("*.parquet", lambda file: file.write_bytes(b"")),
        DAMAGED + r"/.+\.parquet \(Parquet file size",
    ),
    "missing manifest list": (each("snap-*.avro", Path.unlink), MISSING + r"/.+\.avro"),
    "missing metadata": (each("*.json", Path.unlink), MISSING + r"/.+\.json"),
    "cut metadata": (each("*.json", cut), "The metadata of raw.counts is damaged: "),
    "no warehouse": (lambda lakehouse: shutil.rmtree(warehouse(lakehouse)), MISSING + r"/.+\.json"),
    "a file as warehouse": (a_file_in_place_of_the_directory, MISSING + r"/.+\.json"),
}


@pytest.mark.parametrize(("damage", "message"), CASES.values(), ids=CASES)
def test_a_run_names_what_is_missing_or_damaged(
    lakehouse: Lakehouse, monkeypatch: pytest.MonkeyPatch, damage: Damage, message: str
) -> None:
    merged(lakehouse, 1)
    damage(lakehouse)
    # A process keeps the manifests that it has read. The next run is another process.
    monkeypatch.setattr(cache, "_manifests", cache.BoundedCache(1))
    monkeypatch.setattr(cache, "_entries", cache.BoundedCache(1))
    with pytest.raises(CascadeError, match=message) as caught:
        merged(lakehouse, 2)
    assert caught.value.hint is not None and caught.value.hint.startswith("Restore")


def test_a_reader_names_what_is_missing(lakehouse: Lakehouse) -> None:
    merged(lakehouse, 1)
    each("*.parquet", Path.unlink)(lakehouse)
    with pytest.raises(CascadeError, match=MISSING):
        lakehouse.read("raw.counts")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (each("*.parquet", Path.unlink), MISSING + r"/.+\.parquet"),
        (each("*.parquet", cut), DAMAGED),
        (each("snap-*.avro", Path.unlink), MISSING + r"/.+\.avro"),
    ],
)
def test_a_query_names_what_is_missing_or_damaged(lakehouse: Lakehouse, damage: Damage, message: str) -> None:
    merged(lakehouse, 1)
    damage(lakehouse)
    with pytest.raises(CascadeError, match=message) as caught, run_query(lakehouse, "select n from counts") as result:
        list(result.batches)
    assert caught.value.exit_code == 1 and "Traceback" not in str(caught.value)


def test_an_error_of_a_reader_does_not_speak_of_writing(lakehouse: Lakehouse) -> None:
    with (
        pytest.raises(CascadeError, match=re.escape("Could not read raw.counts from the lakehouse at ")) as caught,
        storage_errors_named(lakehouse, NAME, "read"),
    ):
        raise PermissionError(errno.EACCES, "no")
    assert caught.value.hint is not None and "readable" in caught.value.hint


def test_a_store_that_refuses_the_login_names_the_setting(lakehouse: Lakehouse) -> None:
    with (
        pytest.raises(CascadeError, match=r"Could not write raw\.counts .*: .*AWS Error ACCESS_DENIED") as caught,
        storage_errors_named(lakehouse, NAME),
    ):
        raise OSError("When uploading key 'a' in bucket 'lake': AWS Error ACCESS_DENIED during PutObject operation.")
    assert caught.value.hint is not None and "CASCADE_S3_ACCESS_KEY_ID" in caught.value.hint
