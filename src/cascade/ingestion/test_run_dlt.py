from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dlt
import pandas
import pyarrow as pa
import pytest
from pydantic import BaseModel

from cascade.exceptions import CascadeError, RunTooLongError, SourceError
from cascade.fault_points import FaultPoint, SimulatedCrash, fault_point_armed
from cascade.iceberg.catalog import Lakehouse
from cascade.ingestion import cascade_ingestion
from cascade.ingestion.run import run_ingestion
from cascade.partitions import window_for
from cascade.runs.dlt_session import dlt_session, quiet_dlt
from cascade.runs.report import RunReport

DAY = "2013-01-15"


class Event(BaseModel):
    id: int
    createdAt: int


ARGUMENTS: dict[str, Any] = {
    "table_name": "events",
    "unique_key": "id",
    "group": "events",
    "validation_schema": Event,
    "partition_start": "2013-01-01",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "dlt-data"))


def ran(lakehouse: Lakehouse, function: Any, key: str = DAY, **arguments: Any) -> RunReport:
    declaration = cascade_ingestion(**{**ARGUMENTS, **arguments})(function).declaration
    return run_ingestion(declaration, lakehouse=lakehouse, window=window_for(declaration, key), run_id="run")


def ids(lakehouse: Lakehouse) -> list[int]:
    return sorted(lakehouse.catalog.load_table("raw.events").scan().to_arrow().column("id").to_pylist())


class Source:
    """An incremental source: each extraction sees the events after its cursor."""

    def __init__(self, *events: dict[str, Any]) -> None:
        self.events = list(events)
        self.cursors: list[int] = []

    def __call__(self) -> Any:
        @dlt.resource(name="events", primary_key="id")
        def events(created: Any = dlt.sources.incremental("createdAt", initial_value=0)) -> Iterator[object]:  # noqa: B008
            self.cursors.append(created.last_value)
            yield [event for event in self.events if event["createdAt"] > created.last_value]

        return events()


class Unfiltered(Source):
    """An incremental source that leaves it to dlt to compare with the cursor."""

    def __call__(self) -> Any:
        created = dlt.sources.incremental("createdAt", initial_value=0)
        return dlt.resource(self.events, name="events", primary_key="id", incremental=created)


ONE: dict[str, Any]
ONE, TWO, THREE = ({"id": n, "createdAt": n} for n in (1, 2, 3))


def test_a_resource_and_a_source_land_with_their_own_names(lakehouse: Lakehouse) -> None:
    @dlt.source
    def shop() -> Any:
        return dlt.resource([ONE, TWO], name="events"), dlt.resource([THREE], name="others")

    assert ran(lakehouse, lambda: dlt.resource([ONE], name="events")).rows_inserted == 1
    assert ran(lakehouse, lambda: shop().with_resources("events")).rows_inserted == 1
    table = lakehouse.catalog.load_table("raw.events").scan().to_arrow()
    assert table.column_names == ["id", "createdAt"]


def test_several_selected_resources_are_listed(lakehouse: Lakehouse) -> None:
    @dlt.source
    def shop() -> Any:
        return dlt.resource([ONE], name="events"), dlt.resource([TWO], name="others")

    with pytest.raises(SourceError) as caught:
        ran(lakehouse, shop)
    assert 'the dlt source "shop" has 2 selected resources (events, others)' in str(caught.value)
    assert '.with_resources("events")' in str(caught.value)


def test_a_transformer_returns_its_own_rows(lakehouse: Lakehouse) -> None:
    @dlt.resource
    def pages() -> Iterator[object]:
        yield [1, 2]

    @dlt.transformer
    def details(page: list[int]) -> Iterator[object]:
        yield [{"id": n, "createdAt": 0} for n in page]

    ran(lakehouse, lambda: pages | details)
    assert ids(lakehouse) == [1, 2]


def test_rows_reach_validation_as_the_source_returned_them(lakehouse: Lakehouse) -> None:
    mixed = [ONE, {"id": "three", "createdAt": 1}, {"id": [4], "createdAt": 1}, {"id": 5, "createdAt": {"a": 1}}]
    result = ran(lakehouse, lambda: dlt.resource(mixed, name="events"))
    assert (result.rows_good, result.rows_refused) == (1, 3)
    assert [json.loads(row.row_json) for row in result.refused] == mixed[1:]


def test_arrow_passes_through(lakehouse: Lakehouse) -> None:
    ran(lakehouse, lambda: dlt.resource([pa.Table.from_pylist([ONE, TWO])], name="events"))
    assert ids(lakehouse) == [1, 2]


class Maybe(BaseModel):
    id: int
    createdAt: int | None = None


@pytest.mark.parametrize(
    ("kind", "missing", "leading"),
    [
        ("table", "include", 0),
        ("table", "exclude", 1),
        ("batch", "include", 1),
        ("polars", "include", 0),
        ("pandas", "exclude", 0),
    ],
)
def test_a_bounded_cursor_reads_past_a_batch_without_cursor_values(
    lakehouse: Lakehouse, kind: str, missing: Any, leading: int
) -> None:
    import polars as pl

    convert: dict[str, Any] = {
        "table": lambda table: table,
        "batch": lambda table: table.to_batches()[0],
        "polars": pl.from_arrow,
        "pandas": lambda table: table.to_pandas(types_mapper={pa.int64(): pandas.Int64Dtype()}.get),
    }
    first: list[tuple[int, int | None]] = [(1, 1)]
    others: list[list[tuple[int, int | None]]] = [[(7, None), (8, None)], [(9, 5), (10, 9)], [(11, 10)]]
    pages = [first] * leading + others
    requested: list[int] = []

    def bounded() -> Any:
        @dlt.resource(name="events")
        def events(
            created: Any = dlt.sources.incremental(  # noqa: B008
                "createdAt", initial_value=0, end_value=10, row_order="asc", on_cursor_value_missing=missing
            ),
        ) -> Iterator[object]:
            for number, page in enumerate(pages):
                requested.append(number)
                ids, cursors = zip(*page, strict=True)
                yield convert[kind](
                    pa.table({"id": pa.array(ids, pa.int64()), "createdAt": pa.array(cursors, pa.int64())})
                )
            pytest.fail("the source was asked for more rows after the end of the cursor")

        return events()

    ran(lakehouse, bounded, validation_schema=Maybe)
    assert requested == list(range(len(pages)))
    assert ids(lakehouse) == [*range(1, leading + 1), *([7, 8] if missing == "include" else []), 9, 10]


def test_a_generator_may_yield_resources(lakehouse: Lakehouse) -> None:
    def both() -> Iterator[object]:
        yield ONE
        yield dlt.resource([TWO], name="events")
        yield THREE

    assert ran(lakehouse, both).rows_in == 3
    assert ids(lakehouse) == [1, 2, 3]


def test_a_resource_that_is_yielded_twice_is_read_twice(lakehouse: Lakehouse) -> None:
    shared = dlt.resource(lambda: [ONE, TWO], name="events")
    assert ran(lakehouse, lambda: shared).rows_in == 2
    assert ran(lakehouse, lambda: shared).rows_in == 2


def test_a_cursor_moves_with_the_table(lakehouse: Lakehouse) -> None:
    source = Source(ONE, TWO)
    ran(lakehouse, source)
    source.events.append(THREE)
    result = ran(lakehouse, source)
    assert source.cursors == [0, 2]
    assert (result.rows_in, result.rows_inserted) == (1, 1)
    assert ids(lakehouse) == [1, 2, 3]


def test_g9_a_cursor_is_not_ahead_of_a_commit_that_failed(lakehouse: Lakehouse) -> None:
    def broken() -> None:
        raise OSError("no space left")

    source = Source(ONE)
    ran(lakehouse, source)
    source.events.append(TWO)
    with fault_point_armed(FaultPoint.COMMIT, stop=broken), pytest.raises(OSError, match="no space left"):
        ran(lakehouse, source)
    result = ran(lakehouse, source)
    assert source.cursors == [0, 1, 1]
    assert result.rows_inserted == 1
    assert ids(lakehouse) == [1, 2]


def test_g9_a_cursor_is_not_ahead_of_refused_rows(lakehouse: Lakehouse) -> None:
    source = Source(ONE, {"id": "x", "createdAt": 2})
    with pytest.raises(CascadeError, match="1 of 2 rows were refused"):
        ran(lakehouse, source, on_invalid="fail")
    source.events[1] = TWO
    ran(lakehouse, source, on_invalid="fail")
    assert source.cursors == [0, 0]
    assert ids(lakehouse) == [1, 2]


def test_a_source_without_new_rows_keeps_the_refused_rows(lakehouse: Lakehouse) -> None:
    source = Source(ONE, {"id": "x", "createdAt": 2})
    ran(lakehouse, source)
    assert ran(lakehouse, source).rows_in == 0
    assert lakehouse.catalog.load_table("raw.events__quarantine").scan().to_arrow().num_rows == 1


def test_each_partition_and_table_has_its_own_state(lakehouse: Lakehouse) -> None:
    source = Source(ONE)
    ran(lakehouse, source)
    ran(lakehouse, source, key="2013-01-16")
    ran(lakehouse, source, table_name="other_events")
    assert source.cursors == [0, 0, 0]


def test_an_interrupted_extraction_leaves_nothing_that_blocks_the_next(lakehouse: Lakehouse) -> None:
    def interrupted() -> Any:
        def events() -> Iterator[object]:
            yield ONE
            raise LookupError("the server went away")

        return dlt.resource(events, name="events")

    for _ in range(2):
        with pytest.raises(LookupError, match="the server went away"):
            ran(lakehouse, interrupted)
    assert ran(lakehouse, Source(TWO)).rows_in == 1
    assert ids(lakehouse) == [2]


def test_the_explanation_of_dlt_for_a_wrong_cursor_is_kept(lakehouse: Lakehouse) -> None:
    with pytest.raises(Exception, match=r"Could not coerce.*at path `createdAt` with type `str`.*add_map"):
        ran(lakehouse, Unfiltered(ONE, {"id": 2, "createdAt": "x"}))


def test_the_explanation_of_dlt_for_a_missing_key_is_kept(lakehouse: Lakehouse) -> None:
    with pytest.raises(Exception, match="Primary key column `id` was not found in extracted data item"):
        ran(lakehouse, Source({"createdAt": 2}))


def test_an_extraction_that_takes_too_long_is_stopped(lakehouse: Lakehouse) -> None:
    def slow() -> Any:
        def events() -> Iterator[object]:
            import time

            yield ONE
            time.sleep(30)

        return dlt.resource(events, name="events")

    with pytest.raises(RunTooLongError):
        ran(lakehouse, slow, max_runtime_seconds=2)
    assert ran(lakehouse, Source(TWO)).rows_in == 1


def test_only_small_state_files_are_kept(lakehouse: Lakehouse) -> None:
    source = Source(ONE)
    for _ in range(3):
        ran(lakehouse, source)
    kept = sorted(path.name for path in lakehouse.dlt_directory.rglob("*") if path.is_file())
    assert kept == [".lock", "current", "dlt_events.schema.json", "state.json"]


def test_g9_a_crash_while_the_state_is_kept_leaves_the_cursor_behind_the_rows(lakehouse: Lakehouse) -> None:
    source = Source(ONE)
    ran(lakehouse, source)
    source.events.append(TWO)
    with fault_point_armed(FaultPoint.STATE), pytest.raises(SimulatedCrash):
        ran(lakehouse, source)
    assert ids(lakehouse) == [1, 2]
    again = ran(lakehouse, source)
    assert source.cursors == [0, 1, 1]
    assert (ids(lakehouse), again.committed) == ([1, 2], False)


def test_a_kept_state_survives_a_crash_before_the_pointer_moved(lakehouse: Lakehouse) -> None:
    source = Source(ONE)
    ran(lakehouse, source)
    home = lakehouse.dlt_directory / "dlt_events" / DAY
    (home / "kept-half").mkdir()
    (home / ".kept-half").write_text("kept-half")
    ran(lakehouse, source)
    assert source.cursors == [0, 1]


def test_settings_of_the_user_are_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "true")
    monkeypatch.delenv("DLT_DATA_DIR")
    quiet_dlt(tmp_path)
    assert os.environ["RUNTIME__DLTHUB_TELEMETRY"] == "true"
    assert os.environ["DLT_DATA_DIR"] == str(tmp_path / "data")


def test_keys_that_differ_only_in_punctuation_have_different_directories(lakehouse: Lakehouse) -> None:
    declaration = cascade_ingestion(**ARGUMENTS)(Source()).declaration
    homes = set()
    for key in ("2013-11-03-01:00-0400", "2013-11-03-01:00-0500", "2013-11-03-01_00-0500", None):
        with dlt_session(declaration, lakehouse.dlt_directory, key) as session:
            homes.add(session.state.home)
    assert len(homes) == 4
