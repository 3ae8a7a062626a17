from __future__ import annotations

import signal
from itertools import count
from pathlib import Path
from typing import Any

import dlt
import pytest
from pydantic import BaseModel, Field

from cascade.fault_points import FaultPoint, SimulatedCrash, fault_point_armed
from cascade.iceberg import open_lakehouse
from cascade.iceberg.catalog import Lakehouse
from cascade.iceberg.conftest import Settings
from cascade.ingestion import cascade_ingestion
from cascade.ingestion.conftest import DAY, table_rows
from cascade.ingestion.run import run_ingestion
from cascade.partitions import window_for
from cascade.runs.report import RunReport
from cascade.scaffold.conftest import python
from cascade.testing import test_workflow, throwaway_lakehouse

TABLE = "raw.clicks"
NEXT_DAY = "2013-01-16"
_runs = count()


class Click(BaseModel):
    number: int = Field(le=100)
    page: str = "/"


def clicks(
    lakehouse: Lakehouse, *numbers: int, function: Any = None, key: str | None = DAY, **arguments: Any
) -> RunReport:
    start: dict[str, Any] = {"partitions": None} if key is None else {"partition_start": "2013-01-01"}
    declaration = cascade_ingestion(
        table_name="clicks",
        group="web",
        validation_schema=Click,
        write_disposition="append",
        **start,
        **arguments,
    )(function or (lambda: [{"number": number} for number in numbers])).declaration
    window, run_id = window_for(declaration, key), f"run-{next(_runs)}"
    return run_ingestion(declaration, lakehouse=lakehouse, window=window, run_id=run_id)


def found(lakehouse: Lakehouse) -> list[int]:
    return sorted(lakehouse.read(TABLE)["number"].to_list())


def test_every_row_lands_and_a_full_run_replaces_those_of_its_partition(lakehouse: Lakehouse) -> None:
    report = clicks(lakehouse, 1, 1, 2)
    assert (report.rows_inserted, report.partition_rows, report.table_rows) == (3, 3, 3)
    assert report.sample.columns == (("number", "int"), ("page", "string"))
    clicks(lakehouse, 1, key=NEXT_DAY)
    report = clicks(lakehouse, 1, 3)
    assert (report.rows_inserted, report.rows_removed, report.table_rows) == (2, 3, 3)
    assert found(lakehouse) == [1, 1, 3]
    assert {row["_cascade_partition"] for row in table_rows(lakehouse, "clicks")} == {DAY, NEXT_DAY}


def test_g1_an_identical_run_changes_nothing(lakehouse: Lakehouse) -> None:
    first = clicks(lakehouse, 1, 2, 1)
    files = sorted(Path(lakehouse.warehouse.removeprefix("file://")).rglob("*"))
    again = clicks(lakehouse, 2, 1, 1)
    assert (again.committed, again.rows_inserted, again.rows_removed) == (False, 0, 0)
    assert again.snapshot_id == first.snapshot_id
    assert sorted(Path(lakehouse.warehouse.removeprefix("file://")).rglob("*")) == files


def test_none_changes_nothing_and_an_empty_source_empties_the_partition(lakehouse: Lakehouse) -> None:
    clicks(lakehouse, 1, 2)
    clicks(lakehouse, 3, key=NEXT_DAY)
    assert not clicks(lakehouse, function=lambda: None).committed
    assert found(lakehouse) == [1, 2, 3]
    assert clicks(lakehouse).rows_removed == 2
    assert found(lakehouse) == [3]


def test_a_workflow_without_partitions_adds_what_it_did_not_add_before(lakehouse: Lakehouse) -> None:
    clicks(lakehouse, 1, 2, key=None)
    assert not clicks(lakehouse, 2, 1, key=None).committed
    assert not clicks(lakehouse, key=None).committed
    clicks(lakehouse, 2, 3, key=None)
    assert found(lakehouse) == [1, 2, 2, 3]


def test_refused_rows_are_set_aside(lakehouse: Lakehouse) -> None:
    assert clicks(lakehouse, 1, 999).rows_refused == 1
    assert (found(lakehouse), len(table_rows(lakehouse, "clicks__quarantine"))) == ([1], 1)
    clicks(lakehouse, 1, 99)
    assert (found(lakehouse), len(table_rows(lakehouse, "clicks__quarantine"))) == ([1, 99], 0)


def since(*numbers: int) -> Any:
    """Return a function whose source returns the numbers beyond those that earlier runs returned."""

    def source() -> Any:
        resource = dlt.resource([{"number": number} for number in numbers], name="clicks")
        return resource.apply_hints(incremental=dlt.sources.incremental("number", initial_value=0)) or resource

    return source


@pytest.mark.parametrize("key", [DAY, None])
def test_an_incremental_run_adds(lakehouse: Lakehouse, key: str | None) -> None:
    clicks(lakehouse, function=since(1, 2), key=key)
    clicks(lakehouse, function=since(1, 2, 3, 999), key=key)
    assert not clicks(lakehouse, function=since(1, 2, 3), key=key).committed
    report = clicks(lakehouse, function=since(1, 2, 3), key=key)
    assert (found(lakehouse), report.table_rows) == ([1, 2, 3], 3)
    assert len(table_rows(lakehouse, "clicks__quarantine")) == 1


@pytest.mark.parametrize("key", [DAY, None])
@pytest.mark.parametrize("point", [FaultPoint.COMMIT, FaultPoint.PUBLISH, FaultPoint.STATE])
def test_g2_an_interrupted_incremental_run_is_not_added_twice(
    lakehouse: Lakehouse, key: str | None, point: FaultPoint
) -> None:
    for numbers in ((1, 2), (1, 2, 3, 4)):
        with pytest.raises(SimulatedCrash), fault_point_armed(point, TABLE):
            clicks(lakehouse, function=since(*numbers), key=key)
        clicks(lakehouse, function=since(*numbers, numbers[-1] + 1), key=key)
        clicks(lakehouse, function=since(*numbers, numbers[-1] + 1), key=key)
        assert found(lakehouse) == [*numbers, numbers[-1] + 1]


RUN = """
import os, sys
from pathlib import Path
from cascade.fault_points import arm_from
from cascade.iceberg import open_lakehouse
from cascade.iceberg.conftest import Settings
from cascade.ingestion.test_append import clicks

arm_from(os.environ)
clicks(open_lakehouse(Settings(Path(sys.argv[1]))), 2, 3, key=None if sys.argv[2] == "None" else sys.argv[2])
"""


@pytest.mark.parametrize("key", [DAY, None])
@pytest.mark.parametrize("point", [FaultPoint.WRITE, FaultPoint.PUBLISH])
def test_g2_a_killed_run_converges(tmp_path: Path, key: str | None, point: FaultPoint) -> None:
    lakehouse = open_lakehouse(Settings(tmp_path))
    clicks(lakehouse, 1, 2, key=key)
    killed = python(tmp_path, "-c", RUN, str(tmp_path), str(key), **point.environment(TABLE))
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    after = [2, 3] if key else [1, 2, 2, 3]
    assert found(lakehouse) == (after if point is FaultPoint.PUBLISH else [1, 2])
    results = [clicks(lakehouse, 2, 3, key=key) for _ in range(2)]
    assert found(lakehouse) == after
    assert [result.committed for result in results] == [point is not FaultPoint.PUBLISH, False]


def test_a_test_of_a_workflow_sees_the_rows_without_hidden_columns() -> None:
    workflow = cascade_ingestion(
        table_name="clicks",
        group="web",
        validation_schema=Click,
        write_disposition="append",
        partition_start="2013-01-01",
    )(lambda: [{"number": 2}, {"number": 1}])
    with throwaway_lakehouse() as lakehouse:
        result = test_workflow(workflow, lakehouse=lakehouse)
        assert result, result
        assert result.rows.to_pylist() == [{"number": 2, "page": "/"}, {"number": 1, "page": "/"}]
        assert not test_workflow(workflow, lakehouse=lakehouse).committed
