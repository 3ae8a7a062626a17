"""Which events are worth an alert, shown with events that Dagster recorded."""

from __future__ import annotations

import sys
import time

import dagster as dg
import pytest
from dagster._core.definitions.freshness import FreshnessState, FreshnessStateChange

from cascade.config import CascadeConfig
from cascade.framework.conftest import SampleProject
from cascade.framework.instance import open_instance
from cascade.operations.conftest import Cascade, LoopbackServer
from cascade.operations.instance import ObservedInstance

CHECKS = """
    from cascade.quality import OneOf, RowCount, cascade_quality

    @cascade_quality(table="things", checks=[OneOf("name", ["n1"]), RowCount(min=1)])
    def names(): ...

    @cascade_quality(table="things", checks=[OneOf("id", [100])], blocking=False)
    def ids(): ...
"""


@pytest.fixture(autouse=True)
def settings(
    things: SampleProject, receiver: LoopbackServer, program: None, monkeypatch: pytest.MonkeyPatch
) -> SampleProject:
    monkeypatch.setenv("CASCADE_ALERT_WEBHOOK", f"{receiver.url}/hook")
    return things


def test_blocked_rows_are_one_alert_that_names_the_checks(
    cascade: Cascade, settings: SampleProject, receiver: LoopbackServer
) -> None:
    settings.write("checks.py", CHECKS)
    assert cascade("materialize", "things", "--partition", "2024-01-01").exit_code == 1
    alerts = {alert["kind"]: alert for alert in receiver.documents("/hook")}
    assert set(alerts) == {"blocked", "check"}
    blocked = alerts["blocked"]
    assert "1 blocking check failed, so its rows were not published. Failed: names__one_of_name." in blocked["message"]
    assert "n3" not in str(blocked) and blocked["command"] == "cascade branch list"
    assert alerts["check"]["message"].startswith("The check ids__one_of_id failed: ")


def test_a_refused_change_of_the_schema_names_the_columns(
    cascade: Cascade, settings: SampleProject, receiver: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    cascade("materialize", "things", "--partition", "2024-01-01")
    path = settings.root / settings.package / "things.py"
    path.write_text(path.read_text().replace("name: str", "name: int"))
    monkeypatch.delitem(sys.modules, settings.module("things"))
    cascade("materialize", "things", "--partition", "2024-01-01")
    alerts = receiver.documents("/hook")
    assert [alert["kind"] for alert in alerts] == ["drift"]
    assert "name: string" in alerts[0]["message"]


def test_an_asset_that_is_late_and_a_run_that_was_killed_are_alerts(receiver: LoopbackServer) -> None:
    with open_instance(CascadeConfig.from_user_config()) as instance:
        assert isinstance(instance, ObservedInstance)
        for state in (FreshnessState.FAIL, FreshnessState.PASS):
            change = FreshnessStateChange(
                key=dg.AssetKey("things"),
                new_state=state,
                previous_state=FreshnessState.UNKNOWN,
                state_change_timestamp=time.time(),
            )
            instance._report_runless_asset_event(change)
        run = instance.create_run_for_job(dg.JobDefinition(graph_def=dg.GraphDefinition("daily"), name="daily"))
        instance.report_run_failed(run, "The process of this run ended without reporting. Run it again.")
    late, failed = receiver.documents("/hook")
    assert (late["kind"], late["asset"], late["run_id"]) == ("late", "things", None)
    assert (failed["kind"], failed["message"]) == (
        "failed",
        "The process of this run ended without reporting. Run it again.",
    )


def test_many_alerts_of_one_kind_become_a_few(
    cascade: Cascade, receiver: LoopbackServer, settings: SampleProject
) -> None:
    path = settings.root / settings.package / "things.py"
    path.write_text(path.read_text().replace("day == 3", "day").replace("2024, 1, 6", "2024, 1, 9"))
    cascade("materialize", "things", "--partition-range", "2024-01-01...2024-01-08")
    alerts = receiver.documents("/hook")
    assert [alert["partition"] for alert in alerts] == [f"2024-01-0{day}" for day in range(1, 6)]
    assert "no more of these alerts follow from this process" in alerts[-1]["message"]


def test_runs_on_a_branch_send_nothing(
    cascade: Cascade, receiver: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CASCADE_BRANCH", "me")
    cascade("materialize", "things", "--partition", "2024-01-03")
    assert receiver.bodies == []
