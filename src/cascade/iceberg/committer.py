"""One commit: plan, write and send it, until it lands or cannot."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from cascade.clock import Clock
from cascade.exceptions import CommitError, CommitRefusedError
from cascade.fault_points import FaultPoint, reach
from cascade.iceberg.attempt import Sendable, change_properties, prepared
from cascade.iceberg.branches import table_with
from cascade.iceberg.changes import FileChange, Planner, Properties
from cascade.iceberg.commit_outcomes import Outcome, described, outcome_of
from cascade.iceberg.concessions import Concessions
from cascade.iceberg.files import remove_files
from cascade.iceberg.landing import Sent, landed
from cascade.iceberg.turns import Turn
from cascade.table_ref import MAIN_BRANCH

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table

    from cascade.iceberg.catalog import Lakehouse
    from cascade.iceberg.heads import AuditBranch
    from cascade.table_ref import TableRef

_NEWEST_FORMAT = 2
# So many plans are made while others commit. The next one is made while they wait.
_PLANS_IN_VAIN = 2
# A gateway's timeout takes a minute, so the attempts are counted.
_UNANSWERED_ATTEMPTS = 5
_UNANSWERED_WAIT_SECONDS = 0.5

P = TypeVar("P")


@dataclass(frozen=True)
class Committed(Generic[P]):
    """The result of a commit.

    Args:
        plan: the plan that was carried out.
        table: the table afterwards, on its branch; on the audit branch if there is one and something changed.
        snapshot_id: the new snapshot; None if nothing had to change.
        attempts: number of attempts.
        seconds: seconds spent on the steps `plan`, `write` and `commit`, which includes waiting for other writers.
    """

    plan: P
    table: Table
    snapshot_id: int | None
    attempts: int
    seconds: Mapping[str, float]


@dataclass
class Committer(Generic[P]):
    """Carries out one commit.

    Args:
        lakehouse: the lakehouse that holds the table.
        ref: the table and the branch.
        planner: decides what changes.
        summary: properties of the snapshot's summary.
        properties: decides which properties of the table change.
        audit: the branch that gets the snapshot, in place of the branch of `ref`; None to publish it at once.
        patient_until: the time of the monotonic clock after which a lost race is not tried again.
        turn: the turn of this writer.
        clock: measures the steps.
        sent: the snapshots that were sent to the catalog.
        unanswered: how often the catalog did not answer.
    """

    lakehouse: Lakehouse
    ref: TableRef
    planner: Planner[P]
    summary: Mapping[str, str]
    properties: Properties | None
    audit: AuditBranch | None
    patient_until: float
    turn: Turn
    clock: Clock = field(default_factory=Clock)
    sent: list[Sent[P]] = field(default_factory=list)
    unanswered: int = 0

    def __post_init__(self) -> None:
        self.concessions = Concessions(self.lakehouse.uri)

    def run(self, inspect: Callable[[Committed[P]], None] | None = None) -> Committed[P]:
        """Plan, write and commit, until the commit lands.

        Args:
            inspect: see `commit_planned`.
        """
        table = self.lakehouse.require(self.ref)
        self._check_format(table)
        for plans in itertools.count(1):
            with self.clock.timed("plan"):
                plan = self.planner.plan(table)
            with self.clock.timed("write"):
                change = self.planner.write(table, plan)
            if inspect is not None:
                self._inspect(inspect, table, plan, change)
            if not change:
                with self.clock.timed("commit"):
                    table, holds = self._change_properties(plan, table)
                if holds:
                    return self._done(plan, table, None)
                continue
            reach(FaultPoint.WRITE, self.ref.full_name)
            found = self._carry_out(table, plan, change)
            if isinstance(found, Committed):
                return found
            table = found
            if plans < _PLANS_IN_VAIN:
                self.turn.end()
        raise AssertionError("unreachable")

    def _check_format(self, table: Table) -> None:
        version = table.metadata.format_version
        if version > _NEWEST_FORMAT:
            raise CommitRefusedError(
                f"The table {self.ref} has Iceberg's format version {version}, which Cascade cannot write yet.",
                hint=f"Use a table of version {_NEWEST_FORMAT}, the default of tables that Cascade creates.",
            )

    def _carry_out(self, table: Table, plan: P, change: FileChange) -> Committed[P] | Table:
        """Commit a plan. Return the table if another writer changed it, and the plan must be made again."""
        may_arrive = False
        with self.clock.timed("commit"):
            others_came_first = self.turn.take()
            if others_came_first:
                table = self.lakehouse.require(self.ref)
        if others_came_first and not self._holds(plan, table):
            remove_files(table, change.added)
            return table
        while True:
            with self.clock.timed("commit"):
                attempt = self._prepared(table, change, () if may_arrive else change.added)
                self.sent.append(Sent(attempt.snapshot_id, attempt.parent_id, plan))
                try:
                    table = self.lakehouse.at(attempt.send(), self.ref)
                except Exception as error:
                    outcome = outcome_of(error)
                    may_arrive |= outcome in (Outcome.UNKNOWN, Outcome.UNEXPECTED)
                    table, arrived = self._reloaded(table, error)
                    if arrived is None:
                        self._give_up(table, outcome, error, attempt, () if may_arrive else change.added)
                        self._wait()
                        table, arrived = self._reloaded(table, error)
                else:
                    arrived = self.sent[-1]
                    self.concessions.landed(attempt)
            if arrived is not None:
                reach(FaultPoint.PUBLISH if self.audit is None else FaultPoint.AUDIT, self.ref.full_name)
                return self._done(arrived.plan, table, arrived.snapshot_id)
            if not self._holds(plan, table):
                if not may_arrive:
                    remove_files(table, change.added)
                return table

    def _inspect(self, inspect: Callable[[Committed[P]], None], table: Table, plan: P, change: FileChange) -> None:
        if not change:
            inspect(self._done(plan, table, None))
            return
        attempt = None
        try:
            attempt = prepared(table, self.ref.branch, change, {**self.summary, **change.summary})
            inspect(self._done(plan, self.lakehouse.at(attempt.preview(), self.ref), attempt.snapshot_id))
        except BaseException:
            remove_files(table, change.added)
            raise
        finally:
            if attempt is not None:
                attempt.discard()

    def _holds(self, plan: P, table: Table) -> bool:
        with self.clock.timed("plan"):
            return self.planner.still_holds(plan, table)

    def _prepared(self, table: Table, change: FileChange, unused: Sequence[DataFile]) -> Sendable:
        try:
            return self._attempt(table, change)
        except Exception:
            # Nothing refers to the data files, for example because the disk has no space for the manifests.
            remove_files(table, unused)
            raise

    def _attempt(self, table: Table, change: FileChange) -> Sendable:
        # Snapshots expire when the audited one is published, and those of main when main is written.
        expires = self.audit is None and self.lakehouse.branch == MAIN_BRANCH and self.concessions.expires
        return prepared(
            table,
            self.ref.branch,
            change,
            {**self.summary, **change.summary},
            audit=self.audit,
            retention=self.lakehouse.retention if expires else None,
            properties=self.properties,
            sets_properties=self.concessions.sets_properties,
        )

    def _change_properties(self, plan: P, table: Table) -> tuple[Table, bool]:
        """Change properties alone, as a plan changes no file. Return the table, and whether the plan still holds."""
        if self.properties is None or self.audit is not None:
            return table, True
        waits = True
        while self.concessions.sets_properties and (change := self.properties.alone(table, self.ref.branch)):
            if waits and self.turn.take():
                waits, table = False, self.lakehouse.require(self.ref)
                if not self.planner.still_holds(plan, table):
                    return table, False
                continue
            try:
                table = self.lakehouse.at(change_properties(table, self.ref.branch, change), self.ref)
            except Exception as error:
                outcome = outcome_of(error)
                if outcome is Outcome.REFUSED:
                    self.concessions.refused_properties()
                    break
                self._check_again(table, outcome, error)
                self._wait()
                table, _ = self._reloaded(table, error)
                if not self.planner.still_holds(plan, table):
                    return table, False
            else:
                reach(FaultPoint.PUBLISH, self.ref.full_name)
                break
        return table, True

    def _reloaded(self, table: Table, error: Exception) -> tuple[Table, Sent[P] | None]:
        """Load the table, and find out which of the snapshots that were sent is in it."""
        while True:
            try:
                table = self.lakehouse.require(self.ref)
                break
            except Exception as again:
                if outcome_of(again) is not Outcome.UNKNOWN:
                    raise again from error
                self._count_unanswered(again)
                self._wait()
        return table, self._landed(table)

    def _landed(self, table: Table) -> Sent[P] | None:
        return landed(table, self.ref, self.sent)

    def _give_up(
        self, table: Table, outcome: Outcome, error: Exception, attempt: Sendable, unused: Sequence[DataFile]
    ) -> None:
        """Raise an error unless the commit is to be tried again, and remove what can never arrive."""
        goes_on = self.concessions.concedes(attempt, outcome)
        if outcome not in (Outcome.UNKNOWN, Outcome.UNEXPECTED):
            attempt.discard()
        if outcome is Outcome.REFUSED and not goes_on:
            remove_files(table, unused)
            raise CommitRefusedError(
                f"The catalog refused to commit to {self.ref}: {described(error)}",
                hint="Check the permissions and the credentials of the catalog's user, then run it again.",
            ) from error
        self._check_again(table, outcome, error, unused)

    def _check_again(self, table: Table, outcome: Outcome, error: Exception, unused: Sequence[DataFile] = ()) -> None:
        """Raise an error unless the commit is to be tried again."""
        if outcome is Outcome.UNEXPECTED:
            raise error
        if outcome is Outcome.UNKNOWN:
            self._count_unanswered(error)
            return
        self.unanswered = 0
        if time.monotonic() > self.patient_until:
            remove_files(table, unused)
            raise CommitError(
                f"Could not commit to {self.ref} in {max(1, len(self.sent))} attempts: "
                "another writer committed first every time.",
                hint="Run it again. If that fails too, run fewer partitions at the same time.",
            ) from error

    def _count_unanswered(self, error: Exception) -> None:
        self.unanswered += 1
        if self.unanswered >= _UNANSWERED_ATTEMPTS:
            raise CommitError(
                f"The catalog did not answer {self.unanswered} times, so it is not known whether the commit to "
                f"{self.ref} will still arrive. Its last error: {described(error)}",
                hint="Run it again when the catalog answers: rows that have arrived by then are not written twice.",
            ) from error

    def _wait(self) -> None:
        if self.unanswered:
            time.sleep(random.uniform(0.2, 1.0) * _UNANSWERED_WAIT_SECONDS * 2**self.unanswered)
        self.turn.wait(max(1, len(self.sent)))

    def _done(self, plan: P, table: Table, snapshot_id: int | None) -> Committed[P]:
        steps = ("plan", "write", "commit")
        if self.audit is not None and snapshot_id is not None:
            table = table_with(table, current_snapshot_id=snapshot_id)
        seconds = {step: self.clock.seconds.get(step, 0.0) for step in steps}
        return Committed(plan, table, snapshot_id, max(1, len(self.sent)), seconds)
