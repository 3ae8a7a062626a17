"""Files with faults, through a run: what lands, what is refused, and what the user is told."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import dlt
import pandera.polars as pa
import polars as pl
import pyarrow.parquet as pq
import pytest
from pydantic import BaseModel, Field

from cascade.exceptions import RowsRefusedError
from cascade.iceberg.catalog import Lakehouse
from cascade.ingestion import cascade_ingestion
from cascade.ingestion.conftest import table_rows
from cascade.ingestion.run import run_ingestion
from cascade.partitions import PartitionWindow, window_for
from cascade.runs.report import RunReport
from cascade.schemas import RefusedRow
from cascade.sources.files import read_csv, read_jsonl, read_parquet


class Reading(BaseModel):
    meter: int
    measured_on: dt.date
    kwh: float | None = Field(default=None, ge=0)


def run(
    lakehouse: Lakehouse, function: Callable[..., object], partition: str = "2024-01-01", **arguments: Any
) -> tuple[RunReport, list[str]]:
    told: list[str] = []
    decorate = cascade_ingestion(
        **{
            "table_name": "readings",
            "unique_key": ("meter", "measured_on"),
            "group": "meters",
            "validation_schema": Reading,
            "partition_start": "2024-01-01",
            **arguments,
        }
    )
    declaration = decorate(function).declaration
    window = window_for(declaration, partition)
    report = run_ingestion(declaration, lakehouse=lakehouse, window=window, run_id="run", warn=told.append)
    return report, told


def test_json_lines_with_a_field_that_appears_late_land_with_its_values(lakehouse: Lakehouse, tmp_path: Path) -> None:
    lines = [json.dumps({"meter": meter, "measured_on": "2024-01-01"}) for meter in range(100)]
    lines.append('{"meter": 100, "measured_on": "2024-01-01", "kwh": 2.5}')
    (tmp_path / "rows.jsonl").write_text("\n".join(lines))
    report, _ = run(lakehouse, lambda: read_jsonl(tmp_path / "rows.jsonl"))
    assert (report.rows_good, report.rows_refused) == (101, 0)
    assert [row["kwh"] for row in table_rows(lakehouse) if row["meter"] == 100] == [2.5]


def test_a_csv_of_whole_numbers_may_go_on_with_others(lakehouse: Lakehouse, tmp_path: Path) -> None:
    lines = ["meter,measured_on,kwh", *(f"{meter},2024-01-01,{meter}" for meter in range(150))]
    (tmp_path / "rows.csv").write_text("\n".join([*lines, "150,2024-01-01,20.5", "151,2024-01-01,n/a"]))
    report, _ = run(lakehouse, lambda: read_csv(tmp_path / "rows.csv"))
    assert (report.rows_good, report.rows_refused) == (151, 1)
    assert report.refused[0].field == "kwh"
    assert [row["kwh"] for row in table_rows(lakehouse) if row["meter"] == 150] == [20.5]


def test_malformed_lines_are_in_the_quarantine_and_the_rest_lands(lakehouse: Lakehouse, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text('meter,measured_on,kwh\n1,2024-01-01,1.5\n2,2024-01-01\n3,"2024-01-01,1\n4,2024-01-01,-1\n')
    report, _ = run(lakehouse, lambda: read_csv(file))
    assert (report.rows_in, report.rows_good, report.rows_refused) == (4, 1, 3)
    quarantined = [(row["rule"], json.loads(row["row"])) for row in table_rows(lakehouse, "readings__quarantine")]
    assert ("malformed_line", {"malformed_line": {"file": str(file), "line": 3, "text": "2,2024-01-01"}}) in quarantined
    assert (
        "malformed_line",
        {"malformed_line": {"file": str(file), "line": 4, "text": '3,"2024-01-01,1'}},
    ) in quarantined
    assert len(quarantined) == 3
    # The next run of the partition, with a corrected file, empties it.
    file.write_text("meter,measured_on,kwh\n1,2024-01-01,1.5\n")
    run(lakehouse, lambda: read_csv(file))
    assert table_rows(lakehouse, "readings__quarantine") == []


def test_a_malformed_line_is_not_a_version_of_a_row(lakehouse: Lakehouse, tmp_path: Path) -> None:
    class Line(BaseModel):
        line: int
        text: str

    (tmp_path / "rows.csv").write_text("line,text\n1,a\n2,b\n3,c,d\n4,e\n")
    report, _ = run(lakehouse, lambda: read_csv(tmp_path / "rows.csv"), unique_key="line", validation_schema=Line)
    assert (report.rows_good, report.rows_refused) == (3, 1)
    # The malformed line is the fourth of the file.
    assert [row["line"] for row in table_rows(lakehouse)] == [1, 2, 4]


@pytest.mark.parametrize("validate", [True, False])
def test_on_invalid_fail_counts_malformed_lines(lakehouse: Lakehouse, tmp_path: Path, validate: bool) -> None:
    (tmp_path / "rows.csv").write_text("meter,measured_on\n1,2024-01-01\n2\n")
    with pytest.raises(RowsRefusedError, match=r"1 of 2 rows were refused.*\n.*rows.csv, line 3: expected 2 values"):
        run(lakehouse, lambda: read_csv(tmp_path / "rows.csv"), on_invalid="fail", validate=validate)
    assert table_rows(lakehouse) == []


def test_a_dlt_resource_may_pass_on_refused_rows(lakehouse: Lakehouse, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"meter": 1, "measured_on": "2024-01-01"}\nnope\n')

    @dlt.resource
    def readings() -> Iterator[object]:
        yield from read_jsonl(tmp_path / "rows.jsonl")

    report, _ = run(lakehouse, readings)
    assert (report.rows_good, report.rows_refused) == (1, 1)


def test_a_source_can_refuse_rows_itself(lakehouse: Lakehouse) -> None:
    good = {"meter": 1, "measured_on": "2024-01-01"}
    refused = RefusedRow("checksum", None, "The checksum of record 7 is wrong", {"record": 7})
    report, _ = run(lakehouse, lambda: [refused, good, [refused]])
    assert (report.rows_in, report.rows_good, report.rows_refused) == (3, 1, 2)


def test_a_partition_without_a_row_in_the_files_warns(lakehouse: Lakehouse, tmp_path: Path) -> None:
    pq.write_table(pl.DataFrame({"meter": [1], "measured_on": [dt.datetime(2024, 1, 1)]}).to_arrow(), tmp_path / "a")

    def readings(window: PartitionWindow) -> object:
        return read_parquet(tmp_path / "a", partition=window, partition_column="measured_on")

    found, told = run(lakehouse, readings)
    assert (found.rows_good, told) == (1, [])
    found, told = run(lakehouse, readings, "2024-01-02")
    assert found.rows_good == 0
    assert told == [f'No row of partition 2024-01-02 is in {tmp_path}/a. "measured_on" is 2024-01-01 there.']
    assert found.notices == tuple(told)
    assert RunReport.from_metadata(found.to_metadata()) == found
    assert [row["meter"] for row in table_rows(lakehouse)] == [1]


def test_text_becomes_the_types_of_a_pydantic_model(lakehouse: Lakehouse, tmp_path: Path) -> None:
    class Everything(BaseModel):
        id: int
        price: Decimal = Field(max_digits=30, decimal_places=20)
        valid: bool
        at: dt.datetime
        name: str
        note: str | None

    (tmp_path / "rows.csv").write_text(
        'id,price,valid,at,name,note\n 7,0.12345678901234567890,true,2024-01-01T05:00:00Z,"",\n'
    )
    arguments: dict[str, Any] = {"unique_key": "id", "validation_schema": Everything}
    report, _ = run(lakehouse, lambda: read_csv(tmp_path / "rows.csv"), **arguments)
    assert report.rows_refused == 0
    assert table_rows(lakehouse) == [
        {
            "id": 7,
            "price": Decimal("0.12345678901234567890"),
            "valid": True,
            "at": dt.datetime(2024, 1, 1, 5, tzinfo=dt.UTC),
            "name": "",
            "note": None,
        }
    ]


def test_text_becomes_the_types_of_a_pandera_model(lakehouse: Lakehouse, tmp_path: Path) -> None:
    class Typed(pa.DataFrameModel):
        id: pl.Int64
        on: pl.Date
        kwh: pl.Float64 = pa.Field(nullable=True, ge=0)

    (tmp_path / "rows.csv").write_text("id,on,kwh\n1,2024-01-01,20.5\n2,2024-01-01,\n3,2024-01-01,n/a\n4\n")
    arguments: dict[str, Any] = {"unique_key": "id", "validation_schema": Typed}
    report, _ = run(lakehouse, lambda: read_csv(tmp_path / "rows.csv"), **arguments)
    assert (report.rows_good, report.rows_refused) == (2, 2)
    assert [row["kwh"] for row in table_rows(lakehouse)] == [20.5, None]


def test_a_number_with_a_decimal_comma_is_refused_with_advice_which_works(lakehouse: Lakehouse, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("meter;measured_on;kwh\n7;2024-01-01;1.234,5\n8;2024-01-01;2\n")
    report, _ = run(lakehouse, lambda: read_csv(file))
    [refused] = report.refused
    assert 'read_csv(..., decimal_commas=[...]) reads "1.234,5"' in refused.message
    report, _ = run(lakehouse, lambda: read_csv(file, decimal_commas=["kwh"]))
    assert [row["kwh"] for row in table_rows(lakehouse)] == [1234.5, 2.0]
