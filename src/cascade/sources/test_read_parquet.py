"""Read Parquet files, with the types that they give their values."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest import mock
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import BaseModel

from cascade.exceptions import SourceError
from cascade.sources.conftest import day, rows_of, split
from cascade.sources.files import read_parquet

DAY = datetime(2024, 1, 31)
LATER = DAY + timedelta(days=1)


class Reading(BaseModel):
    meter: int
    measured_on: date


def parquet(path: Path, days: pa.Array, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"meter": range(len(days)), "measured_on": days}), path, **options)
    return path


def meters(path: object, partition: str = "2024-01-31", zone: str = "UTC", **options: Any) -> list[int]:
    read = read_parquet(path, partition=day(partition, zone), partition_column="measured_on", **options)  # type: ignore[arg-type]
    return [row["meter"] for row in rows_of(read)]


@pytest.mark.parametrize("use_int96", [False, True])
@pytest.mark.parametrize(
    "days",
    [
        pa.array([DAY.date(), LATER.date()]),
        pa.array([DAY.date(), LATER.date()], pa.date64()),
        pa.array([DAY, LATER], pa.timestamp("ms")),
        pa.array([DAY, LATER], pa.timestamp("us")),
        pa.array([DAY, LATER], pa.timestamp("ns")),
        pa.array([DAY.replace(tzinfo=UTC), LATER.replace(tzinfo=UTC)], pa.timestamp("us", "UTC")),
        pa.array(["2024-01-31", "2024-02-01"]),
        pa.array(["2024-01-31", "2024-02-01"]).dictionary_encode(),
        pa.array(["2024-01-31T23:59:59", "2024-02-01T00:00:00Z"], pa.large_string()),
        pa.array(["2024-01-31", "2024-02-01"], pa.string_view()),
        pa.array([1706700000, 1706800000]),
    ],
    ids=str,
)
def test_a_day_of_any_type_is_found(tmp_path: Path, days: pa.Array, use_int96: bool) -> None:
    path = parquet(tmp_path / "rows.parquet", days, use_deprecated_int96_timestamps=use_int96)
    assert meters(path) == [0]
    assert meters(path, "2024-02-01") == [1]


@pytest.mark.parametrize(
    ("days", "form"),
    [
        (pa.array(["31.01.2024", "01.02.2024"]), "%d.%m.%Y"),
        (pa.array([20240131, 20240201]), "%Y%m%d"),
        (pa.array([20240131.0, 20240201.0]), "%Y%m%d"),
    ],
)
def test_a_day_in_a_declared_format_is_found_and_rewritten(tmp_path: Path, days: pa.Array, form: str) -> None:
    path = parquet(tmp_path / "rows.parquet", days)
    (row,) = rows_of(
        read_parquet(path, partition=day("2024-02-01"), partition_column="measured_on", formats={"measured_on": form})
    )
    assert row == {"meter": 1, "measured_on": "2024-02-01"}


def test_an_instant_belongs_to_the_day_of_the_partitions_time_zone(tmp_path: Path) -> None:
    midnights = pa.array([DAY.replace(tzinfo=UTC), LATER.replace(tzinfo=UTC)], pa.timestamp("ms", "UTC"))
    path = parquet(tmp_path / "rows.parquet", midnights)
    assert meters(path, zone="America/New_York") == [1]
    # The schema says that the column holds days, and not moments.
    assert meters(path, zone="America/New_York", schema=Reading) == [0]


def test_types_are_kept(tmp_path: Path) -> None:
    key = UUID(int=7)
    table = pa.table(
        {
            "key": pa.array([key.bytes], pa.uuid()),
            "price": pa.array([Decimal("1.0000000000000000000000000000000000000000001")], pa.decimal256(50, 43)),
            "took": pa.array([timedelta(seconds=1)], pa.duration("us")),
            "at": pa.array([DAY], pa.timestamp("us", "America/New_York")),
            "parts": [[{"a": 1}]],
        }
    )
    pq.write_table(table, tmp_path / "rows.parquet")
    (read,) = read_parquet(tmp_path / "rows.parquet")
    assert isinstance(read, pa.Table)
    assert read.schema.types == table.schema.types
    assert read.equals(table)


def test_row_groups_of_other_days_are_not_read(tmp_path: Path) -> None:
    days = pa.array([DAY + timedelta(days=number // 100) for number in range(1_000)], pa.timestamp("us"))
    path = parquet(tmp_path / "rows.parquet", days, row_group_size=100)
    with mock.patch.object(
        pq.ParquetFile, "iter_batches", autospec=True, side_effect=pq.ParquetFile.iter_batches
    ) as read:
        assert meters(path, "2024-02-02") == list(range(200, 300))
    assert read.call_args.kwargs["row_groups"] == [2]


def test_row_groups_with_a_null_day_are_read(tmp_path: Path) -> None:
    path = parquet(tmp_path / "rows.parquet", pa.array([DAY, None, LATER]), row_group_size=2)
    rows, (refused,) = split(read_parquet(path, partition=day("2024-02-01"), partition_column="measured_on"))
    assert [row["meter"] for row in rows] == [2]
    assert (refused.rule, refused.field, refused.row["meter"]) == ("partition_unknown", "measured_on", 1)


def test_the_names_of_directories_are_columns(tmp_path: Path) -> None:
    for name in ("2024-01-31", "2024-02-01", "__HIVE_DEFAULT_PARTITION__"):
        path = tmp_path / "lake" / "town=K%C3%B6ln" / f"measured_on={name}" / "part.parquet"
        path.parent.mkdir(parents=True)
        pq.write_table(pa.table({"meter": [1]}), path)
    read = read_parquet(f"{tmp_path}/lake/**/*.parquet", partition=day("2024-01-31"), partition_column="measured_on")
    rows, (refused,) = split(read)
    assert rows == [{"meter": 1, "town": "Köln", "measured_on": "2024-01-31"}]
    assert refused.row == {"meter": 1, "town": "Köln", "measured_on": None}


def test_a_large_file_is_read_in_pieces(tmp_path: Path) -> None:
    path = parquet(tmp_path / "rows.parquet", pa.array(range(50_000)))
    pieces = [piece.num_rows for piece in read_parquet(path) if isinstance(piece, pa.Table)]
    assert sum(pieces) == 50_000
    assert max(pieces) <= 20_000


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"PAR1", "cannot be read as Parquet: "), (b"id,name\n1,x\n", "cannot be read as Parquet: ")],
)
def test_a_file_that_is_not_parquet_is_an_error(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "rows.parquet").write_bytes(content)
    with pytest.raises(SourceError, match=message):
        list(read_parquet(tmp_path / "rows.parquet"))


def test_a_column_that_holds_no_days_is_an_error(tmp_path: Path) -> None:
    path = parquet(tmp_path / "rows.parquet", pa.array([True]))
    with pytest.raises(SourceError, match=r'"measured_on" of .* is of type bool, which is not a date or a time'):
        meters(path)


def test_a_column_name_twice_is_an_error(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["id", "id"])
    pq.write_table(table, tmp_path / "rows.parquet")
    with pytest.raises(SourceError, match=r'has more than one column "id"'):
        list(read_parquet(tmp_path / "rows.parquet"))


@pytest.mark.parametrize("far", [1 << 30, -(1 << 30)])
def test_a_date_that_no_calendar_has_is_in_no_partition(tmp_path: Path, far: int) -> None:
    assert meters(parquet(tmp_path / "rows.parquet", pa.array([19753, far], pa.int32()).cast(pa.date32()))) == [0]
