"""The states of partitions, after runs as a team would start them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import dagster as dg
import pytest

from cascade.config import CascadeConfig
from cascade.framework.conftest import SampleProject
from cascade.framework.contents import load_contents
from cascade.framework.definitions import build_definitions
from cascade.framework.instance import open_instance
from cascade.framework.partition_states import PartitionStates, partition_states
from cascade.framework.published_branch import record_published_branch
from cascade.framework.runs import run_partitions
from cascade.iceberg import open_lakehouse
from cascade.iceberg.table_branches import Branch
from cascade.ingestion.replay import REPLAY_TAG
from cascade.table_ref import TableRef

FLOWS = """
    from pathlib import Path
    from pydantic import BaseModel
    from cascade.ingestion import cascade_ingestion

    class Row(BaseModel):
        id: int
        name: str

    COMMON = dict(unique_key="id", validation_schema=Row, group="g")
    DAYS = dict(partition_start="2024-01-01", partition_end="2024-01-06")

    @cascade_ingestion(table_name="things", **COMMON, **DAYS)
    def things(partition_date):
        if partition_date in Path("down").read_text():
            raise ValueError("the source is down")
        return [{"id": int(partition_date[-2:]), "name": "a"}, {"id": "x", "name": "refused"}]

    @cascade_ingestion(table_name="copies", deps=[things], **COMMON, **DAYS)
    def copies(partition_date):
        return [{"id": int(partition_date[-2:]), "name": "b"}]

    @cascade_ingestion(table_name="names", deps=[things], partitions=None, freshness_hours=(1, 2), **COMMON)
    def names():
        if "names" in Path("down").read_text():
            raise ValueError("the source is down")
        return [{"id": 1, "name": "c"}]
"""


class Lab:
    """A project with three workflows, whose source can fail."""

    def __init__(self, project: SampleProject) -> None:
        project.write("flow.py", FLOWS)
        self.project, self.module = project, project.module("flow")
        self.down("")
        self.config = CascadeConfig.from_user_config()
        self.definitions = build_definitions([self.module], self.config)

    def down(self, text: str) -> None:
        (self.project.root / "down").write_text(text)

    def run(self, instance: dg.DagsterInstance, asset: str, *partitions: str | None) -> None:
        list(run_partitions(self.definitions, dg.AssetKey(asset), partitions, instance=instance))

    def replay(self, instance: dg.DagsterInstance, asset: str, partition: str | None) -> None:
        [outcome] = run_partitions(
            self.definitions, dg.AssetKey(asset), [partition], instance=instance, tags={REPLAY_TAG: "true"}
        )
        assert not outcome.success

    def states(self, instance: dg.DagsterInstance) -> dict[str, PartitionStates]:
        found = partition_states(
            [workflow.declaration for workflow in load_contents([self.module], self.config).collected.workflows],
            lakehouse=open_lakehouse(self.config),
            instance=instance,
            partition_start=date(2020, 1, 1),
        )
        return {state.asset: state for state in found}


@pytest.fixture
def lab(project: SampleProject) -> Lab:
    return Lab(project)


@pytest.fixture
def instance(lab: Lab) -> Iterator[dg.DagsterInstance]:
    with open_instance(lab.config) as opened:
        yield opened


def days(*numbers: int) -> list[str | None]:
    return [f"2024-01-{number:02}" for number in numbers]


def test_before_the_first_run_everything_is_missing(lab: Lab, instance: dg.DagsterInstance) -> None:
    states = lab.states(instance)
    assert list(states["things"].missing) == days(1, 2, 3, 4, 5)
    assert list(states["names"].missing) == [None]
    for state in states.values():
        assert not (state.published or state.failed or state.stale or state.running)
        assert (state.rows, state.refused, state.history.last_run, state.problem) == (None, 0, None, None)
    assert (states["names"].freshness, states["things"].freshness) == ("fail", None)


def test_a_failed_partition_is_failed_until_a_run_of_it_succeeds(lab: Lab, instance: dg.DagsterInstance) -> None:
    lab.down("2024-01-02 names")
    lab.run(instance, "things", *days(1, 2, 3))
    lab.run(instance, "names", None)
    things, names = lab.states(instance)["things"], lab.states(instance)["names"]
    assert list(things.published) == days(1, 3)
    assert list(things.failed) == days(2)
    assert list(things.missing) == days(2, 4, 5)
    assert list(names.failed) == [None]
    assert (things.rows, things.refused) == (2, 2)
    assert things.history.last_run is not None
    assert (things.history.last_run.status, things.history.last_run.partition) == ("SUCCESS", "2024-01-03")

    lab.down("2024-01-01")
    lab.run(instance, "things", *days(1, 2))
    lab.run(instance, "names", None)
    things, names = lab.states(instance)["things"], lab.states(instance)["names"]
    # Its rows are still there, but its last run failed.
    assert list(things.failed) == days(1)
    assert list(things.published) == days(1, 2, 3)
    assert list(names.failed) == []
    assert names.freshness == "fresh"


def test_a_replay_that_lands_nothing_makes_no_partition_failed(lab: Lab, instance: dg.DagsterInstance) -> None:
    lab.run(instance, "things", *days(1, 2))
    lab.down("2024-01-02 names")
    lab.run(instance, "things", *days(2, 3))
    lab.run(instance, "names", None)
    for partition in days(1, 2, 2):
        lab.replay(instance, "things", partition)
    things = lab.states(instance)["things"]
    # The run of the second day before the replays has failed, and that of the first one has not.
    assert list(things.failed) == days(2)
    assert (list(things.published), list(things.missing)) == (days(1, 2, 3), days(4, 5))
    assert things.history.last_run is not None and things.history.last_run.status == "FAILURE"


def test_what_somebody_publishes_by_hand_is_not_failed(lab: Lab, instance: dg.DagsterInstance) -> None:
    lab.down("2024-01-02 2024-01-03 names")
    lab.run(instance, "things", *days(2, 3))
    lab.run(instance, "names", None)
    for asset, partition in (("things", "2024-01-02"), ("names", None)):
        branch = Branch(
            table=TableRef("raw", asset, "audit_x"),
            name="audit_x",
            snapshot_id=1,
            written_at=datetime.now(UTC),
            rows=1,
            run_id="x",
            partition=partition,
            is_audit=True,
            expires_at=None,
            can_publish=True,
        )
        record_published_branch(instance, dg.AssetKey(asset), branch)
    states = lab.states(instance)
    assert (list(states["things"].failed), list(states["names"].failed)) == (days(3), [])
    last = states["names"].history.last_run
    assert last is not None and last.status == "FAILURE"
    # A later run counts again.
    lab.run(instance, "names", None)
    assert list(lab.states(instance)["names"].failed) == [None]


def test_an_edit_of_the_code_makes_what_it_published_stale(lab: Lab, instance: dg.DagsterInstance) -> None:
    lab.run(instance, "copies", *days(1, 2))
    assert not lab.states(instance)["copies"].stale
    lab.project.write("flow.py", FLOWS + "\n    # edited\n")
    assert not lab.states(instance)["copies"].stale
    lab.project.write("flow.py", FLOWS + "\n    EDITED = True\n")
    assert list(lab.states(instance)["copies"].stale) == days(1, 2)
    lab.run(instance, "copies", *days(2))
    assert list(lab.states(instance)["copies"].old_code) == days(1)


def test_a_later_run_of_an_upstream_partition_makes_it_stale(lab: Lab, instance: dg.DagsterInstance) -> None:
    lab.run(instance, "things", *days(1, 2, 3))
    lab.run(instance, "copies", *days(1, 2))
    lab.run(instance, "names", None)
    assert not lab.states(instance)["copies"].stale
    lab.run(instance, "things", *days(2, 3))
    states = lab.states(instance)
    assert {key: list(stale) for key, stale in states["copies"].old_input.items()} == {"things": days(2)}
    assert list(states["names"].stale) == [None]
    lab.run(instance, "copies", *days(2))
    assert not lab.states(instance)["copies"].stale


def test_a_run_that_has_not_ended_is_neither_failed_nor_published(lab: Lab, instance: dg.DagsterInstance) -> None:
    job = lab.definitions.resolve_implicit_global_asset_job_def()
    started = instance.create_run_for_job(
        job.get_subset(asset_selection={dg.AssetKey("things")}),
        tags={"dagster/partition": "2024-01-04"},
        status=dg.DagsterRunStatus.STARTED,
        asset_selection=frozenset({dg.AssetKey("things")}),
    )
    things = lab.states(instance)["things"]
    assert list(things.running) == days(4)
    assert not things.failed
    instance.report_run_failed(started)
    assert list(lab.states(instance)["things"].failed) == days(4)


def test_a_table_that_cannot_be_read_has_a_problem_and_hides_no_other(lab: Lab, instance: dg.DagsterInstance) -> None:
    lab.run(instance, "things", *days(1))
    lab.run(instance, "names", None)
    broken = open_lakehouse(lab.config).catalog.load_table(("raw", "names")).metadata_location
    with open(broken.removeprefix("file://"), "w") as metadata:
        metadata.write("{")
    states = lab.states(instance)
    assert states["names"].problem
    assert list(states["things"].published) == days(1)


def test_closed_partitions_end_before_now() -> None:
    from cascade.iceberg.ledger import PartitionSet

    partitions = dg.HourlyPartitionsDefinition(start_date="2024-01-01-00:00", end_offset=1)
    closed = PartitionSet.closed(partitions, datetime.now(UTC))
    listed = partitions.get_partition_keys()
    assert list(closed)[-1] == listed[-2]
    assert len(closed) == len(listed) - 1
