"""A table and its ledger against a model, under races, crashes, lost answers, other writers, expiry and rollbacks."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import CommitStateUnknownException
from pyiceberg.schema import Schema
from pyiceberg.types import NestedField, StringType

from cascade.fault_points import FaultPoint, SimulatedCrash, fault_point_armed
from cascade.iceberg import committer
from cascade.iceberg.catalog import open_lakehouse
from cascade.iceberg.conftest import MACHINE, Settings
from cascade.iceberg.ledger import LedgerEntry, Scheme
from cascade.iceberg.ledger import entry as entries
from cascade.iceberg.ledger.state import CLAIM_PREFIX
from cascade.iceberg.merge import merge_rows
from cascade.iceberg.snapshot.retention import Retention
from cascade.iceberg.tables import ensure_table
from cascade.iceberg.test_commit import NAME, SCHEMA

DAYS = st.integers(0, 4)
VERSIONS = st.sampled_from(["v1", "v2"])
NUMBERS = st.sampled_from([None, 1, 2])
"""What the row of a run says; None for a run without rows."""


class LedgerMachine(RuleBasedStateMachine):
    """Runs of five partitions with one row each."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(committer, "_UNANSWERED_WAIT_SECONDS", 0.0)
        self.patch.setattr(entries, "_MOST_CLAIMS", 3)
        self.runs, self.others = count(), count(100)
        self.rows: dict[int, int | None] = {}
        self.ledger: dict[str, str] = {}
        # What was true when each snapshot became the head, and what was published on it without a snapshot.
        self.history: dict[int, tuple[dict[int, int | None], dict[str, str]]] = {}
        self.claims: set[tuple[int | None, str, str | None]] = set()
        self.last: int | None = None
        self.parents: dict[int | None, int | None] = {}

    @initialize(adopted=st.booleans(), snapshots=st.sampled_from([2, 50]), schema=st.just(SCHEMA))
    def make(self, adopted: bool, snapshots: int, schema: Schema) -> None:
        opened = open_lakehouse(Settings(Path(self.directory.name)))
        self.lakehouse = dataclasses.replace(opened, retention=Retention(snapshots=snapshots, days=0, least_age=0))
        ensure_table(self.lakehouse, NAME, schema)
        if adopted:
            self.another_writer_appends()

    def run_once(self, day: int, number: int | None, version: str) -> bool:
        """Run a partition, and return whether there is a new snapshot."""
        run, key = f"run {next(self.runs)}", f"2024-01-{day + 1:02}"
        table = self.lakehouse.require(NAME)
        rows = pa.table({"id": pa.array([day], pa.int64()), "n": pa.array([number], pa.int64())})
        if table.metadata.current_schema_id:
            rows = rows.append_column("more", pa.array([None], pa.string()))
        entry = LedgerEntry(run, Scheme("daily", "UTC"), key, version)
        rows = rows if number is not None else rows.slice(1)
        done = merge_rows(self.lakehouse, NAME, rows, ["id"], run_id=run, partition=key, ledger=entry)
        return done.snapshot_id is not None

    def ran(self, day: int, number: int | None, version: str) -> None:
        """Expect what a run does."""
        key, head = f"2024-01-{day + 1:02}", self.head
        if number is not None:
            self.rows = {**self.rows, day: number}
        self.ledger = {**self.ledger, key: version}
        if head is not None and head not in self.history:
            self.became_head(head)
        else:
            self.claims.add((head, key, version))

    def became_head(self, head: int) -> None:
        self.history[head] = (self.rows, self.ledger)
        self.parents[head], self.last = self.last, head

    @property
    def head(self) -> int | None:
        snapshot = self.lakehouse.require(NAME).current_snapshot()
        return snapshot.snapshot_id if snapshot else None

    def before_next_commit(self, act: Callable[[Callable[[], Any]], Any]) -> pytest.MonkeyPatch:
        patch, ordinary, acts = pytest.MonkeyPatch(), SqlCatalog.commit_table, iter([act])

        def commit_table(catalog: SqlCatalog, *args: Any) -> Any:
            for each in acts:
                return each(lambda: ordinary(catalog, *args))
            return ordinary(catalog, *args)

        patch.setattr(SqlCatalog, "commit_table", commit_table)
        return patch

    @rule(day=DAYS, number=NUMBERS, version=VERSIONS)
    def run_a_partition(self, day: int, number: int | None, version: str) -> None:
        self.run_once(day, number, version)
        self.ran(day, number, version)
        before = self.lakehouse.require(NAME).metadata_location
        assert not self.run_once(day, number, version)
        assert self.lakehouse.require(NAME).metadata_location == before, "an identical run commits nothing"

    @rule(first=st.tuples(DAYS, NUMBERS, VERSIONS), second=st.tuples(DAYS, NUMBERS, VERSIONS))
    def race(self, first: tuple[int, int | None, str], second: tuple[int, int | None, str]) -> None:
        """Run the second one after the first has planned, and before it commits."""
        moved: list[bool] = []

        def overtake(land: Callable[[], Any]) -> Any:
            moved.append(self.run_once(*second))
            self.ran(*second)
            return land()

        patch = self.before_next_commit(overtake)
        try:
            moves = self.run_once(*first)
        finally:
            patch.undo()
        self.ran(*first)
        if moved and not moves and first[0] == second[0]:
            # Neither changed what the other read last, so either may be the last.
            key = f"2024-01-{first[0] + 1:02}"
            seen = self.lakehouse.published("raw.counts").code_version(key)
            assert seen in (first[2], second[2])
            self.ledger = {**self.ledger, key: seen}

    @rule(day=DAYS, number=NUMBERS, version=VERSIONS, lands=st.booleans())
    def lose_an_answer(self, day: int, number: int | None, version: str, lands: bool) -> None:
        def lose(land: Callable[[], Any]) -> Any:
            if lands:
                land()
            raise CommitStateUnknownException("504 Gateway Timeout")

        patch = self.before_next_commit(lose)
        try:
            self.run_once(day, number, version)
        finally:
            patch.undo()
        self.ran(day, number, version)

    @rule(
        day=DAYS,
        number=NUMBERS,
        version=VERSIONS,
        point=st.sampled_from([FaultPoint.WRITE, FaultPoint.COMMIT, FaultPoint.PUBLISH]),
    )
    def crash(self, day: int, number: int | None, version: str, point: FaultPoint) -> None:
        try:
            with fault_point_armed(point):
                self.run_once(day, number, version)
        except SimulatedCrash:
            if point is not FaultPoint.PUBLISH:
                return
        self.ran(day, number, version)

    @rule()
    def another_writer_appends(self) -> None:
        table, number = self.lakehouse.require(NAME), next(self.others)
        rows = pa.table({"id": pa.array([number], pa.int64())})
        for name, kind in (("n", pa.int64()), ("more", pa.string()))[: len(table.schema().fields) - 1]:
            rows = rows.append_column(name, pa.array([None], kind))
        table.append(rows.cast(table.schema().as_arrow()))
        self.rows = {**self.rows, number: None}
        assert self.head is not None
        self.became_head(self.head)

    @rule(value=st.text(max_size=3))
    def another_writer_sets_a_property(self, value: str) -> None:
        with self.lakehouse.require(NAME).transaction() as transaction:
            transaction.set_properties({"owner": value})

    @rule()
    def add_a_column(self) -> None:
        more = NestedField(3, "more", StringType(), required=False)
        ensure_table(self.lakehouse, NAME, Schema(*SCHEMA.fields, more, identifier_field_ids=[1]))

    @rule(place=st.integers(0, 9))
    def roll_back(self, place: int) -> None:
        table = self.lakehouse.require(NAME)
        known = [each.snapshot_id for each in table.snapshots() if each.snapshot_id in self.history]
        if not known:
            return
        chosen = known[place % len(known)]
        table.manage_snapshots().set_current_snapshot(snapshot_id=chosen).commit()
        self.rows, self.ledger = self.history[chosen]
        self.last = chosen
        # Before its first snapshot a table has none, and runs without rows have published partitions on that.
        ancestors: set[int | None] = {None, chosen}
        while (parent := self.parents.get(chosen)) is not None:
            ancestors.add(chosen := parent)
        # What was published on these without a snapshot is true, but a rollback may make the ledger forget it.
        found = self.lakehouse.published("raw.counts")
        seen = {key: version for key in found if (version := found.code_version(key)) is not None and key is not None}
        for key in seen.keys() | self.ledger.keys():
            if seen.get(key) != self.ledger.get(key):
                either = {seen.get(key), self.ledger.get(key)}
                assert any((each, key, version) in self.claims for each in ancestors for version in either)
        self.ledger = seen

    @invariant()
    def ledger_and_rows_are_those_of_the_model(self) -> None:
        if not hasattr(self, "lakehouse"):
            return
        found = self.lakehouse.published("raw.counts")
        assert {key: found.code_version(key) for key in found} == self.ledger
        table = self.lakehouse.require(NAME)
        assert {row["id"]: row["n"] for row in table.scan().to_arrow().to_pylist()} == self.rows
        assert len([name for name in table.properties if name.startswith(CLAIM_PREFIX)]) <= 4

    def teardown(self) -> None:
        self.patch.undo()
        self.directory.cleanup()


LedgerMachine.TestCase.settings = MACHINE
TestLedger = LedgerMachine.TestCase
