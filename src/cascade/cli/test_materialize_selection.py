"""`materialize` with a selection, from a workflow to what is built from it."""

from __future__ import annotations

import pytest

from cascade.cli.conftest import Cascade, program
from cascade.framework.conftest import THINGS, SampleProject

__all__ = ["program"]

BELOW = """
    import dagster as dg

    @dg.asset(deps=["things"], group_name="gold")
    def gold_things(context):
        \"\"\"Stand in for a model.\"\"\"
        if context.run.tags.get("dagster/partition") == "2024-01-05":
            raise ValueError("no mart on this day")
        return dg.MaterializeResult(metadata={"dagster/row_count": 4})

    @dg.asset_check(asset="gold_things")
    def has_rows():
        return dg.AssetCheckResult(passed=False, description="no row", severity=dg.AssetCheckSeverity.WARN)
"""


@pytest.fixture(autouse=True)
def lineage(project: SampleProject) -> None:
    project.write("things.py", THINGS)
    project.write("below.py", BELOW)


def test_a_selection_runs_the_workflow_and_then_what_is_built_from_it(cascade: Cascade) -> None:
    found = cascade.json("materialize", "+gold_things", "--partition", "2024-01-01")
    assert [(run["asset"], run["partition"]) for run in found["runs"]] == [
        ("things", "2024-01-01"),
        ("gold_things", None),
    ]
    assert len({run["run_id"] for run in found["runs"]}) == 1
    assert (found["success"], found["totals"]["rows_in"], found["totals"]["failed"]) == (True, 7, [])
    (check,) = found["runs"][1]["checks"]
    assert (check["name"], check["passed"]) == ("has_rows", False)


def test_the_last_line_tells_the_rows_of_a_model(cascade: Cascade) -> None:
    result = cascade("materialize", "gold_things")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1].startswith("4 rows, seconds ")


def test_of_several_partitions_the_workflow_runs_for_each(cascade: Cascade) -> None:
    result = cascade("materialize", "raw.things or group:gold", "--partition-range", "2024-01-01...2024-01-02")
    assert result.exit_code == 0, result.output
    lines = [line for line in result.stdout.splitlines() if line != "a line of the workflow"]
    assert [line.partition(":")[0] for line in lines[:3]] == ["things 2024-01-01", "things 2024-01-02", "gold_things"]
    assert "Materialized gold_things, things, 2 partitions successfully." in result.stdout
    assert "gold_things: the check has_rows failed: no row" in result.stderr


def test_a_failure_stops_what_is_built_from_it_and_is_exit_code_1(cascade: Cascade) -> None:
    result = cascade("materialize", "things+", "--partition", "2024-01-03")
    assert result.exit_code == 1, result.output
    assert "things 2024-01-03 failed: " in result.stderr and "the source is down" in result.stderr
    assert "gold_things failed: it did not run, because things failed." in result.stderr
    assert "Failed: 2 of 2: things 2024-01-03, gold_things" in result.stdout
    result = cascade("materialize", "things+", "--partition", "2024-01-05")
    assert result.exit_code == 1, result.output
    assert "gold_things failed: " in result.stderr and "no mart on this day" in result.stderr
    assert "Materialized things 2024-01-05 successfully." in result.stdout


@pytest.mark.usefixtures("program")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("+gold_thing", "--partition", "2024-01-01"), 'Did you mean "gold_things"?'),
        (("group:gld",), 'names the group "gld", which no asset has. Did you mean "gold"?'),
        (("things gold_things",), '"things gold_things" is neither an asset nor a selection of assets.'),
        (("+gold_things",), "things is partitioned (daily), but no partition was given."),
        (("+gold_things", "--partition", "2023-01-01"), "2023-01-01 is not a partition of things (daily)."),
        (("group:gold", "--partition", "2024-01-01"), 'No asset of "group:gold" has partitions'),
    ],
)
def test_a_selection_that_cannot_run_is_exit_code_2(cascade: Cascade, arguments: tuple[str, ...], said: str) -> None:
    result = cascade("materialize", *arguments)
    assert result.exit_code == 2, result.output
    assert said in result.stderr
    assert result.stdout == ""
