"""Rows of a workflow with blocking checks are visible only after the checks have passed (G6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest
from pydantic import BaseModel

from cascade.config import CascadeConfig
from cascade.contributor import LoadedProject
from cascade.iceberg import Lakehouse, merge_rows, publishing
from cascade.iceberg.publishing import head_of
from cascade.iceberg.table_branches import drop_branch
from cascade.ingestion import IngestionWorkflow, cascade_ingestion
from cascade.ingestion.contributor import IngestionContributor
from cascade.ingestion.run import run_ingestion
from cascade.quality import NotNull, Range, RowCount, Sql, cascade_check, cascade_quality
from cascade.table_ref import TableRef

READINGS = TableRef("raw", "readings")
Rows = dict[int, float | None]


class Reading(BaseModel):
    id: int
    celsius: float | None


def workflow_of(rows: Rows, before: Callable[[], object] = lambda: None, **arguments: Any) -> Any:
    keyed = {} if arguments.get("write_disposition") == "append" else {"unique_key": "id"}
    options: dict[str, Any] = {**keyed, "partitions": None, **arguments}

    @cascade_ingestion(table_name="readings", group="g", validation_schema=Reading, **options)
    def readings() -> list[dict[str, float | None]]:
        before()
        return [{"id": number, "celsius": value} for number, value in rows.items()]

    return readings


@cascade_quality(table="readings", group="g", checks=[Range("celsius", max=60), NotNull("celsius")])
def plausible() -> None:
    """Check that readings are temperatures on Earth."""


def materialized(
    lakehouse: Lakehouse, workflow: IngestionWorkflow[..., Any], *checks: Any, **options: Any
) -> tuple[dg.ExecuteInProcessResult, dict[str, dg.AssetCheckEvaluation]]:
    project = LoadedProject(CascadeConfig(), {}, (workflow, *checks))
    contribution = IngestionContributor().contribute(project)
    assert not contribution.failures
    result = dg.materialize(
        list(contribution.assets), resources={"lakehouse": lakehouse}, raise_on_error=False, **options
    )
    return result, {found.check_name: found for found in result.get_asset_check_evaluations()}


def rows_of(lakehouse: Lakehouse, branch: str = "main") -> Rows:
    found = lakehouse.read("raw.readings", columns=["id", "celsius"], branch=branch)
    return dict(sorted(found.rows()))


def error_of(result: dg.ExecuteInProcessResult) -> str:
    [failure] = result.get_step_failure_events()
    error = failure.step_failure_data.error
    assert error is not None
    return str(error.cause.message if error.cause else error.message)


DISPOSITIONS: list[dict[str, Any]] = [
    {},
    {"write_disposition": "replace"},
    {"write_disposition": "append"},
]


@pytest.fixture(params=[True, False], ids=["branches", "no branches"])
def branches(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Return whether the catalog keeps branches."""
    monkeypatch.setattr(publishing, "keeps_branches", lambda lakehouse, ref: request.param)
    return bool(request.param)


@pytest.mark.parametrize("arguments", DISPOSITIONS)
def test_rows_that_pass_are_published(lakehouse: Lakehouse, branches: bool, arguments: dict[str, Any]) -> None:
    result, found = materialized(lakehouse, workflow_of({1: 20.0, 2: 30.0}, **arguments), plausible)
    assert result.success
    assert rows_of(lakehouse) == {1: 20.0, 2: 30.0}
    assert {name: check.passed for name, check in found.items()} == {
        "validation": True,
        "plausible__range_celsius": True,
        "plausible__not_null_celsius": True,
    }
    assert found["plausible__range_celsius"].blocking
    assert set(lakehouse.require(READINGS).metadata.refs) == {"main"}
    assert len(lakehouse.require(READINGS).snapshots()) == 1


@pytest.mark.parametrize("arguments", DISPOSITIONS)
def test_a_failed_check_leaves_main_at_its_snapshot_and_fails_the_run(
    lakehouse: Lakehouse, branches: bool, arguments: dict[str, Any]
) -> None:
    materialized(lakehouse, workflow_of({1: 20.0}, **arguments), plausible)
    before = head_of(lakehouse.require(READINGS))
    result, found = materialized(lakehouse, workflow_of({1: 20.0, 2: 99.0, 3: None}, **arguments), plausible)
    assert not result.success
    assert not result.get_asset_materialization_events()
    assert head_of(lakehouse.require(READINGS)) == before
    assert rows_of(lakehouse) == {1: 20.0}
    too_hot = found["plausible__range_celsius"]
    assert (too_hot.passed, too_hot.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert too_hot.metadata["cascade/failing"].value == 1
    assert found["validation"].passed and found["validation"].metadata["cascade/rows_in"].value == 3
    text = error_of(result)
    assert "raw.readings: 2 blocking checks failed, so its rows were not published." in text
    assert "plausible__range_celsius: 1 of" in text
    branch = f"audit_{result.run_id}"
    if branches:
        assert too_hot.metadata["cascade/branch"].value == branch
        assert rows_of(lakehouse, branch)[2] == 99.0
        assert f"cascade branch diff raw.readings {branch}" in text
    else:
        assert set(lakehouse.require(READINGS).metadata.refs) == {"main"}
        assert "branch diff" not in text


def test_a_failed_check_is_not_retried(lakehouse: Lakehouse) -> None:
    runs: list[int] = []
    workflow = workflow_of({1: 99.0}, lambda: runs.append(1), max_retries=2, retry_delay_seconds=0)
    result, found = materialized(lakehouse, workflow, plausible)
    assert not result.success and runs == [1]
    assert not found["plausible__range_celsius"].passed


def test_a_check_that_does_not_block_tells_and_publishes_in_one_commit(lakehouse: Lakehouse) -> None:
    @cascade_quality(table="readings", group="g", checks=[Range("celsius", max=60)], blocking=False)
    def plausible() -> None: ...

    result, found = materialized(lakehouse, workflow_of({1: 99.0}), plausible)
    assert result.success
    assert rows_of(lakehouse) == {1: 99.0}
    assert not found["plausible__range_celsius"].passed
    assert len(lakehouse.require(READINGS).metadata.metadata_log) == 1, "the rows took more than one commit"


def test_a_workflow_without_checks_keeps_its_own_asset() -> None:
    workflow = workflow_of({1: 1.0})
    project = LoadedProject(CascadeConfig(), {}, (workflow,))
    [asset] = IngestionContributor().contribute(project).assets
    assert asset is workflow.asset


def test_rows_that_were_there_before_are_judged_too(lakehouse: Lakehouse) -> None:
    materialized(lakehouse, workflow_of({1: 99.0}))
    before = head_of(lakehouse.require(READINGS))
    result, found = materialized(lakehouse, workflow_of({1: 99.0}), plausible)
    assert not result.success and not found["plausible__range_celsius"].passed
    assert "failed, on rows that were published before." in error_of(result)
    assert error_of(result).rstrip().endswith("cascade table history raw.readings")
    assert head_of(lakehouse.require(READINGS)) == before


def test_checks_of_the_table_see_the_rows_of_others_and_those_of_the_run_do_not(lakehouse: Lakehouse) -> None:
    @cascade_quality(
        table="readings",
        group="g",
        checks=[RowCount(max=2, scope="partition"), Sql("select * from readings where celsius > 60", scope="table")],
    )
    def counted() -> None: ...

    materialized(lakehouse, workflow_of({1: 20.0, 2: 20.0, 3: 20.0}))
    result, _ = materialized(lakehouse, workflow_of({4: 20.0}), counted)
    assert result.success, error_of(result)
    result, _ = materialized(lakehouse, workflow_of({5: 99.0}), counted)
    assert not result.success
    assert rows_of(lakehouse) == {1: 20.0, 2: 20.0, 3: 20.0, 4: 20.0}


def test_a_function_judges_what_readers_would_see(lakehouse: Lakehouse, branches: bool) -> None:
    seen: list[list[int]] = []

    @cascade_check(table="readings", group="g", scope="table")
    def looks(rows: pa.Table) -> bool:
        seen.append(sorted(rows["id"].to_pylist()))
        assert rows_of(lakehouse) == {1: 20.0}
        return True

    materialized(lakehouse, workflow_of({1: 20.0}))
    result, _ = materialized(lakehouse, workflow_of({2: 20.0}), looks)
    assert result.success, error_of(result)
    assert seen == [[1, 2]]


def test_a_writer_that_comes_first_is_kept_and_what_it_changed_is_judged(lakehouse: Lakehouse, branches: bool) -> None:
    counts: list[int] = []

    @cascade_check(table="readings", group="g", scope="table")
    def whole(rows: pa.Table) -> bool:
        counts.append(rows.num_rows)
        if len(counts) == 1:
            other = pa.table({"id": pa.array([9], pa.int64()), "celsius": [9.0]})
            merge_rows(lakehouse, READINGS, other, ["id"], run_id="other")
        return True

    parts: list[int] = []

    @cascade_check(table="readings", group="g", scope="partition")
    def part(rows: pa.Table) -> bool:
        parts.append(rows.num_rows)
        return True

    materialized(lakehouse, workflow_of({1: 20.0}))
    result, _ = materialized(lakehouse, workflow_of({2: 20.0}), whole, part)
    assert result.success, error_of(result)
    assert rows_of(lakehouse) == {1: 20.0, 2: 20.0, 9: 9.0}
    assert counts == [2, 3]
    assert parts == [1], "the rows of the run did not change, and were judged again"


def test_a_check_that_cannot_run_blocks(lakehouse: Lakehouse) -> None:
    @cascade_check(table="readings", group="g")
    def broken(rows: pa.Table) -> bool:
        raise KeyError("kelvin")

    result, found = materialized(lakehouse, workflow_of({1: 20.0}), broken)
    assert not result.success
    assert "The check could not run" in str(found["broken"].description)
    assert rows_of(lakehouse) == {}


def test_a_storage_that_does_not_answer_lets_the_run_be_tried_again(lakehouse: Lakehouse) -> None:
    runs: list[int] = []

    @cascade_check(table="readings", group="g")
    def remote(rows: pa.Table) -> bool:
        runs.append(1)
        if len(runs) == 1:
            raise TimeoutError("the storage does not answer")
        return True

    workflow = workflow_of({1: 20.0}, max_retries=1, retry_delay_seconds=0)
    result, found = materialized(lakehouse, workflow, remote)
    assert result.success, error_of(result)
    assert found["remote"].passed and runs == [1, 1]
    assert set(lakehouse.require(READINGS).metadata.refs) == {"main"}


def test_a_branch_that_is_dropped_during_its_checks_is_not_published(lakehouse: Lakehouse) -> None:
    @cascade_check(table="readings", group="g")
    def dropping(rows: pa.Table) -> bool:
        [audit] = set(lakehouse.require(READINGS).metadata.refs) - {"main"}
        drop_branch(lakehouse, READINGS, audit)
        return True

    result, _ = materialized(lakehouse, workflow_of({1: 20.0}), dropping)
    assert not result.success
    assert "was dropped before its rows were published" in error_of(result)
    assert rows_of(lakehouse) == {}


def test_a_large_run_is_judged_in_parts(lakehouse: Lakehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_ingestion, "__kwdefaults__", {**(run_ingestion.__kwdefaults__ or {}), "large_bytes": 1})
    rows: Rows = {number: 20.0 for number in range(3000)}
    result, found = materialized(lakehouse, workflow_of(rows), plausible)
    assert result.success, error_of(result)
    assert found["plausible__range_celsius"].metadata["cascade/rows"].value == 3000
    assert len(rows_of(lakehouse)) == 3000
