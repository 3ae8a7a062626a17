"""Runs whose rows do not fit in memory, with a limit that every run exceeds."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from cascade.fault_points import FaultPoint, SimulatedCrash, fault_point_armed
from cascade.iceberg.catalog import Lakehouse, open_lakehouse
from cascade.iceberg.conftest import Settings
from cascade.iceberg.hidden import HIDDEN
from cascade.iceberg.large import work_directory
from cascade.ingestion import cascade_ingestion
from cascade.ingestion.run import run_ingestion
from cascade.partitions import window_for
from cascade.runs.report import RunReport


class Reading(BaseModel):
    id: int
    at: int = 0
    celsius: float | None = Field(None, lt=60)
    gone: bool | None = None


Row = dict[str, Any]
WAYS: dict[str, dict[str, Any]] = {
    "merge": {"unique_key": ["id"]},
    "versions": {"unique_key": ["id"], "dedup_sort": "at", "hard_delete": "gone"},
    "append": {"write_disposition": "append"},
    "replace": {"write_disposition": "replace", "partitions": None},
    "replace by key": {"write_disposition": "replace", "partitions": None, "unique_key": ["id"]},
}


def ran(
    lakehouse: Lakehouse, source: Any, way: str, *, large: bool = True, key: str = "2013-01-15", run_id: str = "run"
) -> RunReport:
    arguments = {"table_name": "readings", "group": "weather", "validation_schema": Reading, **WAYS[way]}
    if "partitions" not in arguments:
        arguments["partition_start"] = "2013-01-01"
    declaration = cascade_ingestion(**arguments)(source).declaration
    window = window_for(declaration, key if declaration.partitions else None)
    return run_ingestion(
        declaration, lakehouse=lakehouse, window=window, run_id=run_id, large_bytes=0 if large else 1 << 60
    )


def stored(lakehouse: Lakehouse, name: str = "readings") -> list[str]:
    if lakehouse.catalog.table_exists(("raw", name)):
        rows = lakehouse.catalog.load_table(("raw", name)).scan().to_arrow()
        return sorted(map(repr, rows.select([n for n in rows.column_names if n not in HIDDEN]).to_pylist()))
    return []


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.integers(0, 6),
            "at": st.integers(0, 3),
            "celsius": st.sampled_from([None, 1.0, -0.0, 99.0]),
            "gone": st.sampled_from([None, None, True]),
        }
    ),
    max_size=12,
)


@settings(max_examples=8, deadline=None)
@given(
    way=st.sampled_from(sorted(WAYS)),
    batches=st.lists(st.lists(ROWS, max_size=3), min_size=1, max_size=3),
    keys=st.lists(st.sampled_from(["2013-01-15", "2013-01-16"]), min_size=3, max_size=3),
)
def test_a_run_reports_and_leaves_the_same_as_one_in_memory(
    way: str, batches: list[list[list[Row]]], keys: list[str]
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        memory, disk = (open_lakehouse(Settings(Path(directory) / name)) for name in ("memory", "disk"))
        for number, (rows, key) in enumerate(zip(batches, keys, strict=False)):
            results = []
            for lakehouse, large in ((memory, False), (disk, True)):
                tables = [pa.Table.from_pylist(part) for part in rows if part]
                try:
                    report = ran(lakehouse, partial(iter, tables), way, large=large, key=key, run_id=str(number))
                except Exception as error:
                    results.append(repr(error))
                else:
                    same = replace(report, seconds=0.0, timings={}, snapshot_id=None, rows_updated=0)
                    results.append(repr(same))
            assert results[0] == results[1]
            for name in ("readings", "readings__quarantine"):
                assert stored(disk, name) == stored(memory, name)


def shuffled(count: int, celsius: float = 1.0) -> Iterator[pa.Table]:
    for start in range(0, count, 100):
        ids = [number * 7 % count for number in range(start, start + 100)]
        yield pa.table({"id": ids, "celsius": [celsius] * 100})


@pytest.fixture
def lakehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lakehouse:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return open_lakehouse(Settings(tmp_path / ".cascade"))


@pytest.mark.parametrize("way", sorted(WAYS))
def test_g1_an_identical_run_writes_no_file_and_no_snapshot(lakehouse: Lakehouse, tmp_path: Path, way: str) -> None:
    first = ran(lakehouse, lambda: shuffled(1000), way)
    assert (first.rows_in, first.rows_inserted, first.committed, len(first.sample.rows)) == (1000, 1000, True, 10)
    before = sorted(tmp_path.rglob("*.parquet"))
    again = ran(lakehouse, lambda: shuffled(1000), way, run_id="again")
    assert (again.committed, again.snapshot_id, again.partition_rows) == (False, first.snapshot_id, 1000)
    assert sorted(tmp_path.rglob("*.parquet")) == before


def test_g2_a_run_that_stops_leaves_the_last_rows_and_no_temporary_files(lakehouse: Lakehouse, tmp_path: Path) -> None:
    ran(lakehouse, lambda: shuffled(1000), "merge")
    for point in (FaultPoint.WRITE, FaultPoint.COMMIT):
        with pytest.raises(SimulatedCrash), fault_point_armed(point, "raw.readings"):
            ran(lakehouse, lambda: shuffled(1000, 2.0), "merge")
    assert {"1.0"} == {row.split("'celsius': ")[1].split(",")[0] for row in stored(lakehouse)}
    assert [path.name for path in work_directory.home().iterdir()] == [".lock"]
    assert ran(lakehouse, lambda: shuffled(1000, 2.0), "merge").rows_updated == 1000


def test_a_row_of_another_partition_that_is_replaced_is_named(lakehouse: Lakehouse) -> None:
    ran(lakehouse, lambda: shuffled(1000), "merge")
    report = ran(lakehouse, lambda: shuffled(300, 2.0), "merge", key="2013-01-16")
    assert report.overwritten is not None and report.overwritten.partition == "2013-01-15"
