from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, ClassVar

import pyarrow as pa
import pytest
from pydantic import AwareDatetime, BaseModel, Field

from cascade.exceptions import MissingColumnError, RowsRefusedError, RunTooLongError, SchemaDriftError, SourceError
from cascade.iceberg import merge_rows
from cascade.iceberg.catalog import Lakehouse
from cascade.ingestion import cascade_ingestion
from cascade.ingestion.conftest import ARGUMENTS, AT, DAY, HOT, A, B, Reading, ran, stations, table_rows
from cascade.ingestion.run import run_ingestion
from cascade.partitions import PartitionWindow, window_for
from cascade.table_ref import TableRef

READINGS = TableRef("raw", "readings")


def test_a_run_lands_its_rows_and_reports_them(lakehouse: Lakehouse) -> None:
    result = ran(lakehouse, A, B, run_id="run-1")
    assert stations(lakehouse) == ["a", "b"]
    assert (result.rows_in, result.rows_good, result.rows_refused) == (2, 2, 0)
    assert (result.rows_inserted, result.rows_updated, result.committed) == (2, 0, True)
    assert (result.partition_rows, result.table_rows) == (2, 2)
    snapshot = lakehouse.catalog.load_table("raw.readings").current_snapshot()
    assert snapshot is not None and snapshot.summary is not None
    assert result.snapshot_id == snapshot.snapshot_id
    assert snapshot.summary["cascade.run-id"] == "run-1"
    assert snapshot.summary["cascade.partition"] == DAY
    assert [row["station"] for row in result.sample.rows] == ["a", "b"]
    assert {"open", "extract", "validate", "plan", "write", "commit"} <= result.timings.keys()


def test_g1_an_identical_run_changes_nothing(lakehouse: Lakehouse) -> None:
    first = ran(lakehouse, A, B, HOT)
    files = sorted(Path(lakehouse.warehouse.removeprefix("file://")).rglob("*"))
    again = ran(lakehouse, A, B, HOT, run_id="another")
    assert (again.committed, again.rows_inserted, again.rows_updated) == (False, 0, 0)
    assert again.snapshot_id == first.snapshot_id
    assert sorted(Path(lakehouse.warehouse.removeprefix("file://")).rglob("*")) == files


def test_the_function_gets_what_it_takes(lakehouse: Lakehouse) -> None:
    got: list[object] = []

    def both(partition_date: str, window: PartitionWindow) -> None:
        got.extend([partition_date, window])

    def neither() -> None:
        got.append("called")

    ran(lakehouse, function=both, partition_timezone="America/New_York")
    assert got[0] == DAY
    assert isinstance(got[1], PartitionWindow)
    assert got[1].start.astimezone(UTC) == datetime(2013, 1, 15, 5, tzinfo=UTC)
    assert got[1].end.astimezone(UTC) == datetime(2013, 1, 16, 5, tzinfo=UTC)
    ran(lakehouse, function=neither)
    assert got[2] == "called"


def test_data_replaces_the_function(lakehouse: Lakehouse) -> None:
    def never() -> None:
        pytest.fail("the function was called")

    declaration = cascade_ingestion(**ARGUMENTS)(never).declaration
    for data, rows in ((None, 0), ([A], 1)):
        result = run_ingestion(
            declaration, lakehouse=lakehouse, window=window_for(declaration, DAY), run_id="run", data=data
        )
        assert result.rows_in == rows


def test_no_rows_succeed_without_a_snapshot_and_create_the_table(lakehouse: Lakehouse) -> None:
    result = ran(lakehouse)
    assert (result.rows_in, result.snapshot_id, result.committed) == (0, None, False)
    assert table_rows(lakehouse) == []
    assert lakehouse.load(READINGS.quarantine) is None


def test_g5_refused_rows_are_set_aside_and_good_ones_land(lakehouse: Lakehouse) -> None:
    result = ran(lakehouse, A, HOT, B, run_id="run-1")
    assert stations(lakehouse) == ["a", "b"]
    assert (result.rows_good, result.rows_refused) == (2, 1)
    assert result.refused[0].field == "celsius"
    (row,) = table_rows(lakehouse, "readings__quarantine")
    assert (row["rule"], row["field"], row["run_id"], row["partition"]) == ("less_than", "celsius", "run-1", DAY)
    assert '"celsius": 99.0' in row["row"]


def test_g5_the_next_run_of_a_partition_replaces_its_refused_rows(lakehouse: Lakehouse) -> None:
    ran(lakehouse, A, HOT)
    ran(lakehouse, A, HOT, key="2013-01-16")
    ran(lakehouse, A, {**HOT, "celsius": 9.0})
    assert [row["partition"] for row in table_rows(lakehouse, "readings__quarantine")] == ["2013-01-16"]
    assert stations(lakehouse) == ["a", "c"]


def test_on_invalid_fail_lets_no_row_land(lakehouse: Lakehouse) -> None:
    with pytest.raises(RowsRefusedError) as caught:
        ran(lakehouse, A, HOT, on_invalid="fail")
    assert (caught.value.refused, caught.value.total) == (1, 2)
    assert "less_than in celsius" in str(caught.value)
    assert table_rows(lakehouse) == []
    assert lakehouse.load(READINGS.quarantine) is None


def test_a_run_with_only_refused_rows_fails_and_keeps_them(lakehouse: Lakehouse) -> None:
    ran(lakehouse, A)
    with pytest.raises(
        RowsRefusedError, match=r"7 of 7 rows were refused, and they are in raw.readings__quarantine"
    ) as e:
        ran(lakehouse, *[{**HOT, "station": str(n)} for n in range(7)])
    assert str(e.value).count("less_than") == 5
    assert "and 2 more" in str(e.value)
    assert len(table_rows(lakehouse, "readings__quarantine")) == 7
    assert stations(lakehouse) == ["a"]


def test_a_null_key_is_a_refused_row_even_without_validation(lakehouse: Lakehouse) -> None:
    table = pa.table({"station": ["a", None], "at": pa.array([AT, AT]), "celsius": [99.0, 1.0]})
    result = ran(lakehouse, table, validate=False)
    assert (result.rows_good, result.rows_refused) == (1, 1)
    assert table_rows(lakehouse)[0]["celsius"] == 99.0


def test_fields_that_the_schema_lacks_are_dropped_and_reported_once(lakehouse: Lakehouse) -> None:
    lines: list[str] = []
    declaration = cascade_ingestion(**ARGUMENTS)(lambda: [{**A, "extra": 1}, {**B, "extra": 2, "more": 3}]).declaration
    result = run_ingestion(
        declaration, lakehouse=lakehouse, window=window_for(declaration, DAY), run_id="run", log=lines.append
    )
    assert result.dropped_fields == ("extra", "more")
    assert lines == ["Fields that the schema lacks are dropped: extra, more."]


def test_a_required_column_that_is_absent_is_an_error(lakehouse: Lakehouse) -> None:
    with pytest.raises(MissingColumnError, match="stationId"):
        ran(lakehouse, {"stationId": "a", "at": AT})
    assert table_rows(lakehouse) == []


def test_data_other_than_rows_is_an_error(lakehouse: Lakehouse) -> None:
    with pytest.raises(SourceError, match=r"raw.readings: the function returned int 3"):
        ran(lakehouse, 3)


def test_g4_drift_is_refused_before_the_source_is_read(lakehouse: Lakehouse) -> None:
    class Other(BaseModel):
        station: str
        at: AwareDatetime
        celsius: str | None = None

    ran(lakehouse, A)
    with pytest.raises(SchemaDriftError, match="celsius: double in the table, string"):
        ran(lakehouse, function=lambda: pytest.fail("the source was asked"), validation_schema=Other)


def test_g4_a_new_optional_column_is_applied(lakehouse: Lakehouse) -> None:
    class Extended(Reading):
        note: str | None = None

    ran(lakehouse, A)
    result = ran(lakehouse, {**B, "note": "x"}, A, validation_schema=Extended)
    assert (result.rows_inserted, result.rows_updated) == (1, 0)
    assert [row["note"] for row in table_rows(lakehouse)] == [None, "x"]


class Narrow(BaseModel):
    id: int
    price: Annotated[Decimal, Field(max_digits=10, decimal_places=2)]
    name: str


class Wide(BaseModel):
    id: int
    price: Annotated[Decimal, Field(max_digits=12, decimal_places=2)] | None
    name: str | None


def test_g4_a_wider_decimal_and_an_optional_column_keep_the_rows_that_are_there(lakehouse: Lakehouse) -> None:
    rows = [{"id": n, "price": Decimal(f"{n}.25"), "name": "x"} for n in range(3)]
    ran(lakehouse, *rows, validation_schema=Narrow, unique_key="id")
    assert not ran(lakehouse, *rows, validation_schema=Wide, unique_key="id").committed
    rows[1:] = [
        {"id": 1, "price": None, "name": None},
        {"id": 2, "price": Decimal("9999999999.99"), "name": "x"},
    ]
    result = ran(lakehouse, *rows, validation_schema=Wide, unique_key="id")
    assert (result.rows_updated, result.rows_inserted) == (2, 0)
    assert table_rows(lakehouse) == rows


def test_a_schema_of_the_whole_frame_sees_the_whole_partition(lakehouse: Lakehouse) -> None:
    import pandera.polars as pa_polars
    import polars as pl

    class Unique(pa_polars.DataFrameModel):
        station: str
        n: int

        class Config:
            unique: ClassVar[list[str]] = ["station"]

    def pages() -> Iterator[object]:
        yield {"station": "a", "n": 1}
        yield pl.DataFrame({"station": ["b", "a"], "n": [2, 3]})

    result = ran(lakehouse, function=pages, validation_schema=Unique, unique_key="n")
    assert (result.rows_in, result.rows_refused) == (3, 2)
    assert stations(lakehouse) == ["b"]


def test_rows_without_partitions(lakehouse: Lakehouse) -> None:
    result = ran(lakehouse, A, HOT, partitions=None, partition_start=None, key=None)
    assert result.partition is None
    assert stations(lakehouse) == ["a"]
    assert table_rows(lakehouse, "readings__quarantine")[0]["partition"] is None


def test_a_run_that_takes_too_long_is_stopped(lakehouse: Lakehouse) -> None:
    def slow() -> Iterator[object]:
        yield A
        time.sleep(30)

    start = time.monotonic()
    with pytest.raises(RunTooLongError, match="max_runtime_seconds=1"):
        ran(lakehouse, function=slow, max_runtime_seconds=1)
    assert time.monotonic() - start < 15
    assert table_rows(lakehouse) == []


def test_an_error_of_the_function_is_not_wrapped(lakehouse: Lakehouse) -> None:
    def broken() -> Iterator[object]:
        yield A
        raise LookupError("no such station")

    with pytest.raises(LookupError, match="no such station"):
        ran(lakehouse, function=broken)
    assert table_rows(lakehouse) == []


def test_a_merge_of_another_writer_meanwhile_is_kept(lakehouse: Lakehouse) -> None:
    def meanwhile() -> Iterator[object]:
        yield A
        other = pa.table({"station": ["z"], "at": pa.array([AT]), "celsius": [0.0]})
        merge_rows(lakehouse, READINGS, other, ["station", "at"], run_id="other")

    ran(lakehouse, function=meanwhile)
    assert stations(lakehouse) == ["a", "z"]
