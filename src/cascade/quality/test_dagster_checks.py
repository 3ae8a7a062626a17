"""Declared checks in Dagster: specs, results, and checks that run by themselves."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest

from cascade.config import CascadeConfig
from cascade.contributor import LoadedProject
from cascade.framework.collect import declared_checks, gather
from cascade.framework.contributors import contribute
from cascade.iceberg.catalog import Lakehouse
from cascade.ingestion import cascade_ingestion
from cascade.quality import (
    CheckResult,
    NotNull,
    Range,
    RowCount,
    Subject,
    cascade_check,
    cascade_quality,
    judge,
)
from cascade.quality.conftest import Reading
from cascade.quality.contributor import QualityContributor, checks_of
from cascade.quality.dagster_checks import asset_check_result, check_specs_of, plain_checks
from cascade.runs.report import Preview


@cascade_quality(table="readings", checks=[NotNull("celsius"), RowCount(min=1)], owners=["team:data"], deps=["other"])
def plausible() -> None:
    """Plausible readings."""


@cascade_check(table="readings", blocking=False, warn_threshold=0.1)
def warm(rows: pa.Table) -> float:
    """Warm readings."""
    return 0.5


BOTH = [plausible.declaration, warm.declaration]


def module(name: str, **values: Any) -> ModuleType:
    found = ModuleType(name)
    vars(found).update(values)
    return found


def project(**values: Any) -> LoadedProject:
    modules = {__name__: module(__name__, **values)}
    return LoadedProject(CascadeConfig.model_construct(), modules, gather(modules).decorated, complete=True)


def test_each_check_is_a_check_of_the_asset_of_its_table() -> None:
    specs = check_specs_of(BOTH)
    assert [spec.name for spec in specs] == ["plausible__not_null_celsius", "plausible__row_count", "warm"]
    assert {spec.asset_key for spec in specs} == {dg.AssetKey("readings")}
    assert [spec.blocking for spec in specs] == [True, True, False]
    assert specs[0].description == "Plausible readings.\n\n`NotNull(column='celsius')`"
    assert specs[2].description == "Warm readings."
    assert specs[0].metadata == {"cascade/group": "quality", "cascade/owners": "team:data"}
    assert [dep.asset_key for dep in specs[0].additional_deps] == [dg.AssetKey("other")]


def test_a_result_has_readable_metadata() -> None:
    result = CheckResult(
        passed=False,
        message="1 of 2 rows fail.",
        severity="warn",
        failing=1,
        share=0.5,
        numbers={"less than": 1},
        sql="SELECT 1",
        sample=Preview((("id", "int"),), ({"id": 7},)),
        rows=2,
        name="plausible",
        check="not_null_id",
        table="mart.readings",
        scope="partition",
    )
    found = asset_check_result(result)
    assert (found.asset_key, found.check_name) == (dg.AssetKey(["mart", "readings"]), "plausible__not_null_id")
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert found.description == "1 of 2 rows fail."
    sample = found.metadata["cascade/sample"]
    assert isinstance(sample, dg.TableMetadataValue)
    assert [record.data for record in sample.records] == [{"id": 7}]
    metadata = {name: value.value for name, value in found.metadata.items() if value is not sample}
    assert metadata == {
        "cascade/judged": "the rows of the run",
        "cascade/rows": 2,
        "cascade/failing": 1,
        "cascade/share": 0.5,
        "cascade/less_than": 1,
        "cascade/sql": "```sql\nSELECT 1\n```",
        "cascade/seconds": 0.0,
    }


def executed(lakehouse: Lakehouse, *names: str) -> dict[str, Any]:
    selection = None
    if names:
        selection = dg.AssetSelection.checks(*(dg.AssetCheckKey(dg.AssetKey("readings"), name) for name in names))
    definitions = dg.Definitions(
        asset_checks=plain_checks(BOTH, Reading),
        resources={"lakehouse": dg.ResourceDefinition.hardcoded_resource(lakehouse)},
        jobs=[dg.define_asset_job("checks", selection or dg.AssetSelection.all_asset_checks())],
    )
    result = definitions.resolve_job_def("checks").execute_in_process(raise_on_error=False)
    return {each.check_name: each for each in result.get_asset_check_evaluations()}


def test_checks_of_a_table_run_in_one_step_by_themselves(readings: Lakehouse) -> None:
    found = executed(readings)
    assert {name: (each.passed, each.severity.value) for name, each in found.items()} == {
        "plausible__not_null_celsius": (False, "ERROR"),
        "plausible__row_count": (True, "ERROR"),
        "warm": (False, "WARN"),
    }
    assert found["plausible__not_null_celsius"].description == "1 of 3 rows fail (33.3 %): celsius is null."


def test_one_check_can_run_alone(readings: Lakehouse) -> None:
    assert list(executed(readings, "plausible__row_count")) == ["plausible__row_count"]


def test_a_project_contributes_its_checks(readings: Lakehouse) -> None:
    loaded = project(plausible=plausible, warm=warm)
    assert checks_of(loaded) == BOTH
    contribution = QualityContributor().contribute(loaded)
    (checks,) = contribution.asset_checks
    assert sorted(key.name for key in checks.check_keys) == sorted(spec.name for spec in check_specs_of(BOTH))
    collected = gather(loaded.modules)
    assert [name for name, _ in declared_checks(collected)] == [
        f"readings:{spec.name}" for spec in check_specs_of(BOTH)
    ]
    assert collected.workflows == () and collected.home(warm) == __name__
    assert contribute(collected, loaded).missing_resources == ()


def test_two_checks_with_one_name_are_reported_with_both_places() -> None:
    again = cascade_quality(table="readings", checks=[NotNull("celsius")])(plausible.declaration.function)
    contribution = QualityContributor().contribute(project(plausible=plausible, again=again))
    (failure,) = contribution.failures
    assert "raw.readings already has a check called plausible__not_null_celsius, at " in failure.message
    assert len(contribution.asset_checks) == 1


@cascade_ingestion(table_name="readings", unique_key="id", validation_schema=Reading)
def readings_workflow() -> None: ...


@pytest.mark.parametrize(
    ("table", "check", "problems"),
    [
        ("readings", NotNull("celcius"), ['checks: "celcius" is not a field of Reading. Did you mean "celsius"?']),
        ("readings", Range("celsius", 1), []),
        ("readinsg", NotNull("id"), ['table: no workflow of the project fills "readinsg". Did you mean "readings"?']),
        ("readings2", NotNull("id"), []),
        ("mart.summary", NotNull("id"), []),
    ],
)
def test_tables_and_columns_are_checked_without_running(table: str, check: Any, problems: list[str]) -> None:
    checked = cascade_quality(table=table, checks=[check])(plausible.declaration.function)
    found = list(QualityContributor().problems(project(checked=checked, readings=readings_workflow)))
    assert [problem.message for problem in found] == [f"@cascade_quality: {problem}" for problem in problems]
    assert all(problem.location is not None and problem.location.file == __file__ for problem in found)


def test_a_part_of_a_project_knows_the_columns_of_a_workflow_that_it_is_given_and_no_other_tables() -> None:
    function = plausible.declaration.function
    given = cascade_quality(table=readings_workflow, checks=[NotNull("celcius")])(function)
    named = cascade_quality(table="readinsg", checks=[NotNull("x")])(function)
    part = LoadedProject(CascadeConfig.model_construct(), {}, (given, named))
    (problem,) = QualityContributor().problems(part)
    assert 'Did you mean "celsius"?' in problem.message


def test_samples_lack_what_the_schema_of_the_given_workflow_marks(readings: Lakehouse) -> None:
    @cascade_quality(table=readings_workflow, checks=[Range("id", max=1)])
    def first() -> None: ...

    (result,) = judge([first.declaration], Subject(readings, first.declaration.table_ref))
    assert result.failing == 2 and "phone" not in result.sample.rows[0]
