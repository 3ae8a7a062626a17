"""Maintenance leaves each row of a table without a key where its runs and replays find it (G1, G7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule, run_state_machine_as_test

from cascade.iceberg.append import append_rows
from cascade.iceberg.append.replaying import AppendReplayPlanner, run_before
from cascade.iceberg.commit import commit_planned, run_summary
from cascade.iceberg.conftest import MACHINE
from cascade.iceberg.hidden import PARTITION_COLUMN, SINCE_COLUMN, hidden_properties, with_hidden
from cascade.iceberg.maintenance.conftest import HOUR, MaintainedMachine, pass_time
from cascade.iceberg.tables import ensure_table
from cascade.iceberg.test_commit import NAME, SCHEMA, batch

PARTITIONS = st.sampled_from(["a", "b"])
IDS = st.lists(st.integers(0, 9), min_size=1, max_size=6)


@dataclass
class Batch:
    """The rows that a run added from one state of its source, and those that it refused."""

    since: str | None
    run_id: str
    ids: list[int]
    replayed: set[int] = field(default_factory=set)


class Machine(MaintainedMachine):
    """A table that is appended to, and the batches of which its rows should be."""

    def __init__(self) -> None:
        super().__init__()
        ensure_table(self.lakehouse, NAME, with_hidden(SCHEMA), properties=hidden_properties())
        self.batches: dict[str, list[Batch]] = {"a": [], "b": []}
        self.number = 0

    def _append(self, partition: str, ids: Sequence[int], since: str | None) -> Batch:
        self.number += 1
        run_id = f"run {self.number}"
        append_rows(
            self.lakehouse,
            NAME,
            batch(list(ids), 0),
            run_id=run_id,
            partition=partition,
            incremental=since is not None,
            since=since,
        )
        return Batch(since, run_id, list(ids))

    @rule(partition=PARTITIONS, ids=IDS)
    def run_all(self, partition: str, ids: list[int]) -> None:
        self.batches[partition] = [self._append(partition, ids, None)]

    @rule(partition=PARTITIONS, ids=IDS)
    def run_what_is_new(self, partition: str, ids: list[int]) -> None:
        self.batches[partition].append(self._append(partition, ids, f"state {self.number}"))

    @rule(partition=PARTITIONS, ids=IDS)
    def run_again_from_the_same_state(self, partition: str, ids: list[int]) -> None:
        if self.batches[partition] and (since := self.batches[partition][-1].since) is not None:
            self.batches[partition][-1] = self._append(partition, ids, since)

    @rule(partition=PARTITIONS, number=st.integers(100, 102))
    def replay(self, partition: str, number: int) -> None:
        if not self.batches[partition]:
            return
        last = self.batches[partition][-1]
        kept = {"row": str(number), "run_id": last.run_id, SINCE_COLUMN: last.since}
        before = run_before(self.lakehouse.require(NAME), partition)
        planner = AppendReplayPlanner.of(batch([number], 0), [kept], partition, before)
        commit_planned(self.lakehouse, NAME, planner, summary=run_summary(f"replay {self.number}", partition))
        last.replayed.add(number)

    @rule()
    def pass_a_day(self) -> None:
        pass_time(self.lakehouse, 25 * HOUR)

    @invariant()
    def every_row_is_there_once(self) -> None:
        rows = self.lakehouse.require(NAME).scan().to_arrow().select(["id", PARTITION_COLUMN]).to_pylist()
        for partition, batches in self.batches.items():
            there = sorted(row["id"] for row in rows if row[PARTITION_COLUMN] == partition)
            assert there == sorted(number for each in batches for number in (*each.ids, *each.replayed))


def test_no_order_of_events_loses_or_doubles_a_row() -> None:
    run_state_machine_as_test(Machine, settings=settings(MACHINE, max_examples=10, stateful_step_count=12))
