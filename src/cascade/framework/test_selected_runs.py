"""The order of the runs of selected assets, and what a failure stops."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from cascade.dbt.variables import TAKES_PARTITION
from cascade.framework.runs import RunOutcome
from cascade.framework.selected_runs import PlannedRun, plan_runs, run_planned

DAYS = dg.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-10")
LATER_DAYS = dg.DailyPartitionsDefinition("2024-01-03", end_date="2024-01-10")
FIRST, SECOND = "2024-01-05", "2024-01-06"


class Lineage:
    """Workflows without days and with days of their own, two models in one op, and an asset with days below them.

    airlines -> flights; flights, weather -> delays -> mart -> report
    """

    def __init__(self, *, takes_partition: bool = False) -> None:
        self.failing: set[tuple[str, str | None]] = set()
        self.ran: list[tuple[str, str | None]] = []

        def ran(context: dg.AssetExecutionContext, name: str) -> None:
            partition = context.partition_key if context.has_partition_key else None
            self.ran.append((name, partition))
            if (name, partition) in self.failing or (name, None) in self.failing:
                raise ValueError(f"{name} is down")

        @dg.asset
        def airlines(context: dg.AssetExecutionContext) -> None:
            ran(context, "airlines")

        @dg.asset(deps=["airlines"], partitions_def=DAYS)
        def flights(context: dg.AssetExecutionContext) -> None:
            ran(context, "flights")

        @dg.asset(partitions_def=LATER_DAYS)
        def weather(context: dg.AssetExecutionContext) -> None:
            ran(context, "weather")

        @dg.multi_asset(
            specs=[
                dg.AssetSpec("delays", deps=["flights", "weather"], skippable=True),
                dg.AssetSpec("mart", deps=["delays"], skippable=True),
            ],
            can_subset=True,
            op_tags={TAKES_PARTITION: "true"} if takes_partition else None,
        )
        def models(context: dg.AssetExecutionContext) -> Any:
            for name in ("delays", "mart"):
                if dg.AssetKey(name) in context.selected_asset_keys:
                    ran(context, name)
                    yield dg.MaterializeResult(asset_key=name, metadata={"dagster/row_count": 3})

        @dg.asset(deps=["mart"], partitions_def=DAYS)
        def report(context: dg.AssetExecutionContext) -> None:
            ran(context, "report")

        self.definitions = dg.Definitions([airlines, flights, weather, models, report])
        self.graph: Any = self.definitions.resolve_asset_graph()

    def plan(self, names: str, *partitions: str) -> list[tuple[str, str | None]]:
        return [(" ".join(key.path[0] for key in run.keys), run.partition) for run in self.runs(names, *partitions)]

    def runs(self, names: str, *partitions: str) -> list[PlannedRun]:
        return plan_runs(self.graph, [dg.AssetKey(name) for name in names.split()], partitions)

    def run(self, runs: Sequence[PlannedRun]) -> dict[tuple[str, str | None], RunOutcome]:
        with dg.DagsterInstance.ephemeral() as instance:
            outcomes = list(run_planned(self.definitions, runs, instance=instance))
        return {(outcome.asset, outcome.partition): outcome for outcome in outcomes}


def test_one_partition_is_one_run() -> None:
    assert Lineage().plan("mart flights delays", FIRST) == [("flights delays mart", FIRST)]
    assert Lineage().plan("mart delays") == [("delays mart", None)]


def test_partitions_that_are_defined_differently_are_runs_of_their_own_and_models_wait_for_both() -> None:
    first, second = Lineage().plan("mart delays weather flights", FIRST)
    assert {first[0], second[0]} in ({"flights", "weather delays mart"}, {"weather", "flights delays mart"})
    assert first[0] in ("flights", "weather")


def test_of_several_partitions_models_run_once_at_the_end() -> None:
    expected: list[tuple[str, str | None]] = [("flights", FIRST), ("flights", SECOND), ("delays mart", None)]
    assert Lineage().plan("flights delays mart", FIRST, SECOND) == expected


def test_models_that_read_the_partition_run_for_each() -> None:
    found = Lineage(takes_partition=True).plan("flights delays mart", FIRST, SECOND)
    assert found == [("flights delays mart", FIRST), ("flights delays mart", SECOND)]


def test_what_partitions_are_built_from_runs_for_each() -> None:
    found = Lineage().plan("flights delays mart report", FIRST, SECOND)
    assert found == [("flights delays mart report", FIRST), ("flights delays mart report", SECOND)]


def test_what_partitions_are_built_from_and_does_not_depend_on_them_runs_once_before() -> None:
    expected: list[tuple[str, str | None]] = [("flights", FIRST), ("flights", SECOND), ("delays mart", None)]
    assert Lineage().plan("airlines flights delays mart", FIRST, SECOND) == [("airlines", None), *expected]
    assert Lineage().plan("airlines flights", FIRST) == [("airlines flights", FIRST)]


def test_if_what_runs_before_all_partitions_fails_none_that_is_built_from_it_runs() -> None:
    lineage = Lineage()
    lineage.failing.add(("airlines", None))
    outcomes = lineage.run(lineage.runs("airlines flights weather delays", FIRST, SECOND))
    assert {place for place, outcome in outcomes.items() if outcome.success} == {
        ("weather", FIRST),
        ("weather", SECOND),
    }
    assert [name for name, _ in lineage.ran] == ["airlines", "weather", "weather"]
    assert "did not run, because airlines failed" in str(outcomes["flights", SECOND].error)


def test_models_of_one_op_share_its_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    def stats(self: object, run_id: str, step_keys: object = None) -> list[Any]:
        return [SimpleNamespace(step_key=key, start_time=10.0, end_time=14.0) for key in ("flights", "models")]

    monkeypatch.setattr(dg.DagsterInstance, "get_run_step_stats", stats)
    lineage = Lineage()
    outcomes = lineage.run(lineage.runs("flights delays mart", FIRST))
    assert {name: outcome.seconds for (name, _), outcome in outcomes.items()} == {
        "flights": 4.0,
        "delays": 2.0,
        "mart": 2.0,
    }


def test_every_asset_has_an_outcome() -> None:
    lineage = Lineage()
    outcomes = lineage.run(lineage.runs("flights weather delays mart", FIRST, SECOND))
    assert all(outcome.success for outcome in outcomes.values())
    assert set(outcomes) == {
        *((name, day) for name in ("flights", "weather") for day in (FIRST, SECOND)),
        ("delays", None),
        ("mart", None),
    }
    assert outcomes["mart", None].rows == 3
    assert outcomes["mart", None].run_id == outcomes["delays", None].run_id
    assert lineage.ran[-2:] == [("delays", None), ("mart", None)]


@pytest.mark.parametrize("days", [(FIRST,), (FIRST, SECOND)])
def test_what_is_built_from_a_failed_asset_does_not_run(days: tuple[str, ...]) -> None:
    lineage = Lineage()
    lineage.failing.add(("flights", FIRST))
    outcomes = lineage.run(lineage.runs("flights weather delays mart", *days))
    errors = {place: str(outcome.error) for place, outcome in outcomes.items() if not outcome.success}
    assert set(errors) == {("flights", FIRST), ("delays", None), ("mart", None)}
    assert "flights is down" in errors["flights", FIRST]
    assert "did not run, because" in errors["delays", None]
    # The other workflow and the other days do not depend on it.
    assert {name for name, _ in lineage.ran} == {"flights", "weather"}
    assert [place for place in lineage.ran if place[0] == "weather"] == [("weather", day) for day in days]


def test_a_failed_model_has_the_reason_and_the_one_below_it_follows() -> None:
    lineage = Lineage()
    lineage.failing.add(("mart", None))
    outcomes = lineage.run(lineage.runs("flights delays mart report", FIRST))
    assert {place for place, outcome in outcomes.items() if outcome.success} == {("flights", FIRST), ("delays", None)}
    assert "mart is down" in str(outcomes["mart", None].error)
    assert "did not run, because mart failed" in str(outcomes["report", FIRST].error)
