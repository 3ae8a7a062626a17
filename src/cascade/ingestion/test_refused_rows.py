"""What a run leaves in the quarantine, and which rows of a key land (G5): a row is never nowhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dlt
import pandera.polars as pa_polars
import polars as pl
import pyarrow as pa
import pytest
from pydantic import BaseModel, Field, create_model, model_validator

from cascade.exceptions import RowsRefusedError
from cascade.fault_points import FaultPoint, SimulatedCrash, fault_point_armed
from cascade.iceberg.catalog import Lakehouse
from cascade.ingestion.conftest import HOT, A, B, ran, stations, table_rows
from cascade.runs.report import RunReport


class Event(BaseModel):
    id: int
    at: int
    celsius: float = Field(lt=60)


def event(number: int, at: int, celsius: float = 1.0) -> dict[str, Any]:
    return {"id": number, "at": at, "celsius": celsius}


class Events:
    """An unpartitioned source that returns the events after its cursor."""

    def __init__(self, *events: dict[str, Any]) -> None:
        self.events = list(events)

    def __call__(self) -> Any:
        @dlt.resource(name="events", primary_key="id")
        def events(at: Any = dlt.sources.incremental("at", initial_value=0)) -> Iterator[object]:  # noqa: B008
            yield [event for event in self.events if event["at"] > at.last_value]

        return events()


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "dlt-data"))


def run(lakehouse: Lakehouse, source: Any, run_id: str = "run") -> RunReport:
    arguments: dict[str, Any] = {"partitions": None, "partition_start": None, "unique_key": "id"}
    return ran(lakehouse, function=source, key=None, run_id=run_id, validation_schema=Event, **arguments)


def quarantined(lakehouse: Lakehouse) -> list[tuple[int, str]]:
    rows = table_rows(lakehouse, "readings__quarantine")
    return sorted((json.loads(row["row"])["id"], row["run_id"]) for row in rows)


def landed(lakehouse: Lakehouse) -> dict[int, float]:
    return {row["id"]: row["celsius"] for row in table_rows(lakehouse)}


def test_an_incremental_run_keeps_the_rows_that_earlier_runs_refused(lakehouse: Lakehouse) -> None:
    source = Events(event(1, 1), event(2, 2, 99.0))
    run(lakehouse, source, "first")
    source.events += [event(3, 3), event(4, 4, 98.0)]
    run(lakehouse, source, "second")
    assert quarantined(lakehouse) == [(2, "first"), (4, "second")]
    source.events.append(event(5, 5))
    run(lakehouse, source, "third")
    run(lakehouse, source, "without new rows")
    assert quarantined(lakehouse) == [(2, "first"), (4, "second")]
    assert landed(lakehouse) == {1: 1.0, 3: 1.0, 5: 1.0}


def test_an_incremental_run_removes_a_refused_row_whose_key_lands(lakehouse: Lakehouse) -> None:
    source = Events(event(1, 1), event(2, 2, 99.0), event(3, 3, 99.0))
    run(lakehouse, source)
    source.events.append(event(2, 4, 20.0))
    run(lakehouse, source)
    assert landed(lakehouse) == {1: 1.0, 2: 20.0}
    assert quarantined(lakehouse) == [(3, "run")]


def test_an_incremental_run_keeps_what_it_refused_itself(lakehouse: Lakehouse) -> None:
    source = Events(event(1, 1))
    run(lakehouse, source)
    source.events += [event(2, 2, 99.0), event(2, 3, 20.0)]
    run(lakehouse, source)
    assert (landed(lakehouse), quarantined(lakehouse)) == ({1: 1.0, 2: 20.0}, [(2, "run")])


def test_a_refused_row_that_is_extracted_again_is_not_added_twice(lakehouse: Lakehouse) -> None:
    source = Events(event(1, 1))
    run(lakehouse, source)
    source.events += [event(2, 2), event(3, 3, 99.0)]
    with pytest.raises(SimulatedCrash), fault_point_armed(FaultPoint.STATE):
        run(lakehouse, source, "crashed")
    run(lakehouse, source, "next")
    assert quarantined(lakehouse) == [(3, "crashed")]


def test_a_row_stays_in_the_quarantine_until_its_valid_version_is_published(lakehouse: Lakehouse) -> None:
    source = Events(event(1, 1), event(2, 2, 99.0))
    run(lakehouse, source)
    source.events.append(event(2, 3, 20.0))
    for point in (FaultPoint.WRITE, FaultPoint.COMMIT):
        with pytest.raises(SimulatedCrash), fault_point_armed(point, "raw.readings"):
            run(lakehouse, source)
        assert (landed(lakehouse), quarantined(lakehouse)) == ({1: 1.0}, [(2, "run")])
    with pytest.raises(SimulatedCrash), fault_point_armed(FaultPoint.PUBLISH, "raw.readings"):
        run(lakehouse, source)
    assert (landed(lakehouse), quarantined(lakehouse)) == ({1: 1.0, 2: 20.0}, [(2, "run")])
    run(lakehouse, source)
    assert quarantined(lakehouse) == []


def test_a_full_run_replaces_what_earlier_runs_refused_after_it_is_published(lakehouse: Lakehouse) -> None:
    ran(lakehouse, A, HOT)
    with pytest.raises(SimulatedCrash), fault_point_armed(FaultPoint.COMMIT, "raw.readings"):
        ran(lakehouse, A, {**HOT, "celsius": 9.0}, {**HOT, "station": "d"})
    assert len(table_rows(lakehouse, "readings__quarantine")) == 2
    ran(lakehouse, A, {**HOT, "celsius": 9.0}, {**HOT, "station": "d"})
    [row] = table_rows(lakehouse, "readings__quarantine")
    assert json.loads(row["row"])["station"] == "d"
    assert stations(lakehouse) == ["a", "c"]


def test_a_full_dlt_source_replaces_them_too(lakehouse: Lakehouse) -> None:
    for rows in ([event(1, 1, 99.0), event(2, 1)], [event(3, 1, 99.0), event(2, 1)]):
        run(lakehouse, lambda rows=rows: dlt.resource(rows, name="events"))
    assert quarantined(lakehouse) == [(3, "run")]


def test_a_source_that_loses_its_cursor_replaces_them(lakehouse: Lakehouse) -> None:
    run(lakehouse, Events(event(1, 1, 99.0), event(2, 2)))
    run(lakehouse, lambda: dlt.resource([event(2, 2), event(3, 3, 99.0)], name="events"))
    assert quarantined(lakehouse) == [(3, "run")]


@pytest.mark.parametrize("empty", [[], pa.table({"station": pa.array([], pa.string())})], ids=["list", "table"])
def test_a_source_that_is_now_empty_clears_the_refused_rows_of_its_partition(lakehouse: Lakehouse, empty: Any) -> None:
    ran(lakehouse, A, HOT)
    ran(lakehouse, A, HOT, key="2013-01-16")
    ran(lakehouse, function=lambda: empty)
    assert [row["partition"] for row in table_rows(lakehouse, "readings__quarantine")] == ["2013-01-16"]
    assert stations(lakehouse) == ["a"]


def test_none_changes_nothing(lakehouse: Lakehouse) -> None:
    ran(lakehouse, A, HOT)
    ran(lakehouse, function=lambda: None)
    assert len(table_rows(lakehouse, "readings__quarantine")) == 1


def test_a_run_of_refused_rows_alone_replaces_those_of_the_last_run(lakehouse: Lakehouse) -> None:
    for station in ("x", "y"):
        with pytest.raises(RowsRefusedError):
            ran(lakehouse, {**HOT, "station": station})
    [row] = table_rows(lakehouse, "readings__quarantine")
    assert json.loads(row["row"])["station"] == "y"


def test_the_newest_row_of_a_key_decides_in_a_batch_and_across_batches(lakehouse: Lakehouse) -> None:
    bad_b = {**B, "celsius": 99.0}
    result = ran(lakehouse, A, B, bad_b, HOT, {**HOT, "celsius": 9.0})
    assert stations(lakehouse) == ["a", "c"]
    assert (result.rows_good, result.rows_refused, result.rows_inserted) == (3, 2, 2)
    messages = [row["message"] for row in table_rows(lakehouse, "readings__quarantine")]
    assert sum("an older row with the same key is valid" in message for message in messages) == 1

    def pages() -> Iterator[object]:
        yield from (pa.Table.from_pylist([row]) for row in (A, {**B, "celsius": 5.0}, bad_b))

    ran(lakehouse, function=pages, key="2013-01-16")
    assert stations(lakehouse) == ["a", "c"]


def test_the_newest_row_of_a_key_decides_in_a_frame(lakehouse: Lakehouse) -> None:
    class Frame(pa_polars.DataFrameModel):
        id: int
        celsius: float = pa_polars.Field(lt=60)

    frame = pl.DataFrame({"id": [1, 2, 1, 3, 3], "celsius": [5.0, 7.0, 99.0, 98.0, 8.0]})
    ran(lakehouse, frame, validation_schema=Frame, unique_key="id")
    assert (landed(lakehouse), quarantined(lakehouse)) == ({2: 7.0, 3: 8.0}, [(1, "run"), (3, "run")])


def test_a_newer_row_with_a_later_cursor_decides(lakehouse: Lakehouse) -> None:
    source = Events(event(1, 1, 5.0), event(2, 2), event(1, 3, 99.0))
    run(lakehouse, source)
    assert (landed(lakehouse), quarantined(lakehouse)) == ({2: 1.0}, [(1, "run")])
    # A version that landed in an earlier run stays until a valid one replaces it.
    source.events.append(event(2, 4, 99.0))
    with pytest.raises(RowsRefusedError):
        run(lakehouse, source)
    assert (landed(lakehouse), quarantined(lakehouse)) == ({2: 1.0}, [(1, "run"), (2, "run")])


def test_a_generator_may_yield_one_dict_again_and_again(lakehouse: Lakehouse) -> None:
    def source() -> Iterator[object]:
        row: dict[str, object] = {}
        for number, celsius in enumerate((1.0, 99.0, 3.0)):
            row.update(event(number, 1, celsius))
            yield row

    run(lakehouse, source)
    assert (landed(lakehouse), quarantined(lakehouse)) == ({0: 1.0, 2: 3.0}, [(1, "run")])


def test_a_row_is_kept_as_the_source_gave_it(lakehouse: Lakehouse) -> None:
    class Popping(BaseModel):
        id: int
        celsius: float

        @model_validator(mode="before")
        @classmethod
        def renamed(cls, data: Any) -> Any:
            data["celsius"] = data.pop("temperature")
            return data

    rows = [{"id": 1, "temperature": 1.0}, {"id": 2, "temperature": "hot"}]
    ran(lakehouse, *rows, validation_schema=Popping, unique_key="id")
    [row] = table_rows(lakehouse, "readings__quarantine")
    assert json.loads(row["row"]) == {"id": 2, "temperature": "hot"}
    assert rows == [{"id": 1, "temperature": 1.0}, {"id": 2, "temperature": "hot"}]


def test_a_run_fails_if_a_newer_refused_row_keeps_out_every_valid_one(lakehouse: Lakehouse) -> None:
    older = {**HOT, "celsius": 1.0}
    with pytest.raises(
        RowsRefusedError, match=r"1 of 2 rows were refused.*; a refused row .* is newer than the other 1"
    ):
        ran(lakehouse, older, HOT)
    assert stations(lakehouse) == []


@pytest.mark.parametrize("name", ["cascade_number", "cascade_good_before", "row", "at", "partition"])
def test_a_key_may_be_called_like_what_a_run_adds(lakehouse: Lakehouse, name: str) -> None:
    schema = create_model("Rows", **{name: (int, ...), "value": (int, ...)})  # type: ignore[call-overload]
    rows = [{name: 1, "value": 1}, {name: 2, "value": 2}, {name: 1, "value": "x"}]
    report = ran(lakehouse, *rows, validation_schema=schema, unique_key=name)
    assert report.rows_refused == 1
    assert table_rows(lakehouse) == [{name: 2, "value": 2}]


def test_the_longest_name_of_a_table_has_a_quarantine(lakehouse: Lakehouse) -> None:
    report = ran(lakehouse, A, HOT, table_name="t" * 120, namespace="n" * 120)
    assert (report.rows_good, report.rows_refused) == (1, 1)
