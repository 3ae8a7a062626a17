"""Runs that are killed: readers see the table as before the run or as after it, and the next run recovers.

A campaign kills one run after the other of one workflow, so that each kill finds what the ones before it left behind.
"""

from __future__ import annotations

import itertools
import json
import random
import signal
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cascade.fault_points import FaultPoint
from cascade.testing.trials import children
from cascade.testing.trials.cases import CASES, REFUSED, Case, Row, run_armed, run_case
from cascade.testing.trials.model import Model
from cascade.testing.trials.sites import Site, refused_in, rows_in, snapshot_of

if TYPE_CHECKING:
    from cascade.iceberg import Lakehouse

AT_RANDOM = "a random instant"
_LANDED = (FaultPoint.PUBLISH, FaultPoint.STATE)
_QUARANTINED = (FaultPoint.WRITE, FaultPoint.COMMIT, FaultPoint.PUBLISH)


@dataclass
class Campaign:
    """Kills runs of one workflow.

    Args:
        site: where its table is.
        case: the workflow.
        seed: decides the rows, the points and the instants. Where a random instant falls differs all the same.

    Attributes:
        kills: how many runs were killed, by the point.
        survived: how many runs ended before they could be killed.
    """

    site: Site
    case: Case
    seed: int
    kills: Counter[str] = field(default_factory=Counter, init=False)
    survived: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.random = random.Random(f"{self.case} {self.seed}")
        self.ref = self.site.table(self.case)
        self.lakehouse: Lakehouse = self.site.open()
        self.model = Model(self.case)
        self.sources: dict[str | None, tuple[Row, ...]] = {}
        self.numbers = itertools.count(1)
        self.longest = 1.0
        """Seconds within which most runs end, as far as is known."""

    def run(self, kills: int) -> None:
        """Kill runs.

        Args:
            kills: how many. Every other one is killed at a random instant, and the others at one point after the other.

        Raises:
            AssertionError: a reader saw something else than a whole snapshot, or the next run did not recover.
        """
        points = itertools.cycle(self._points())
        while self.kills.total() < kills:
            self.kill(None if self.kills.total() % 2 else next(points))

    def kill(self, point: tuple[FaultPoint, str] | None) -> bool:
        """Kill one run, look at what it left, run it again, and look again.

        Args:
            point: the fault point and its table; None for a random instant.

        Returns:
            Whether the run was killed: it can end before the instant, or not reach the point.
        """
        partition = self.random.choice(self.case.partitions)
        rows, before = self._more(partition, refused=point), self.model
        run_id = f"run {next(self.numbers)}"
        child = children.start(run_armed, self.site, self.case, self.ref, partition, rows, run_id, point)
        instant = 0.0
        if point is None:
            instant = self.random.uniform(0, self.longest)
            time.sleep(instant)
            child.kill()
        killed = child.wait() == -signal.SIGKILL
        what = f"{self.ref}, seed {self.seed}, {run_id} of {partition}, killed at {point or f'{instant:.3f} s'}"
        self._learn(point, killed)
        self.model = self._left(before, before.after(partition, rows), point, killed, what)
        if self.random.random() < 0.3:
            # The source has changed before the next run.
            rows = self._more(partition)
        self._recover(partition, rows, what)
        return killed

    def _recover(self, partition: str | None, rows: tuple[Row, ...], what: str) -> None:
        self.model = self.model.after(partition, rows)
        run_case(self.lakehouse, self.case, self.ref, partition, rows, f"run {next(self.numbers)}")
        _same(rows_in(self.lakehouse, self.ref), self.model.rows, f"rows after the next run; {what}")
        _same(self._quarantined(), self.model.quarantined(), f"refused rows after the next run; {what}")
        state = self.lakehouse.dlt_directory / f"dlt_{self.ref.namespace}__{self.ref.name}"
        copies = [path.name for path in state.glob("*/work-*")]
        assert copies == [], f"copies of dlt's state are left: {copies}; {what}"
        if self.random.random() < 0.25:
            heads = snapshot_of(self.lakehouse, self.ref)
            report = run_case(self.lakehouse, self.case, self.ref, partition, rows, f"run {next(self.numbers)}")
            assert not report.committed, f"an identical run committed; {what}"
            assert snapshot_of(self.lakehouse, self.ref) == heads, f"an identical run made a snapshot; {what}"

    def _left(
        self, before: Model, after: Model, point: tuple[FaultPoint, str] | None, killed: bool, what: str
    ) -> Model:
        """Check what readers see after a kill, and return the model of it."""
        found, refused = rows_in(self.lakehouse, self.ref), self._quarantined()
        landed = found == after.rows
        if not killed or (point is not None and point[1] == self.ref.full_name and point[0] in _LANDED):
            _same(found, after.rows, f"rows of a run that landed; {what}")
        elif point is not None:
            _same(found, before.rows, f"rows before a run landed; {what}")
        else:
            assert landed or found == before.rows, f"rows of no whole run: {found}; {what}"
        both = before.quarantined() | after.quarantined()
        allowed = [both, after.quarantined()] if landed else [before.quarantined(), both]
        assert refused in allowed, f"refused rows of no whole run: {refused}, not one of {allowed}; {what}"
        return after if landed else before

    def _more(self, partition: str | None, refused: tuple[FaultPoint, str] | None = None) -> tuple[Row, ...]:
        """Return the rows that a source has now. There is at least one good row that it did not have before."""
        known = self.sources.get(partition, ())
        if not self.case.incremental:
            known = tuple(row for row in known if self.random.random() < 0.7)
        rows = {row.seq if self.case.incremental else row.id: row for row in known}
        needs_refused = refused is not None and refused[1] != self.ref.full_name
        for number in range(self.random.randint(1, 4)):
            seq = next(self.numbers)
            bad = number > 0 and self.random.random() < 0.3
            # Ids of refused rows are new, so that no other version of them lands.
            row = Row(10_000 + seq if bad else self.random.randint(1, 12), seq, REFUSED if bad else float(seq))
            rows[seq if self.case.incremental else row.id] = row
        if needs_refused:
            seq = next(self.numbers)
            rows[seq if self.case.incremental else 10_000 + seq] = Row(10_000 + seq, seq, REFUSED)
        self.sources[partition] = tuple(sorted(rows.values(), key=lambda row: row.seq))
        return self.sources[partition]

    def _points(self) -> list[tuple[FaultPoint, str]]:
        points = [(point, self.ref.full_name) for point in FaultPoint if point.is_of_every_run]
        points += [(point, self.ref.quarantine.full_name) for point in _QUARANTINED]
        self.random.shuffle(points)
        return points

    def _learn(self, point: tuple[FaultPoint, str] | None, killed: bool) -> None:
        """Count a kill, and let more random instants fall into a run."""
        if killed:
            quarantine = point is not None and point[1] != self.ref.full_name
            self.kills[AT_RANDOM if point is None else f"{point[0].value}{' (quarantine)' * quarantine}"] += 1
        else:
            self.survived += 1
        if point is None:
            self.longest *= 1.02 if killed else 0.9

    def _quarantined(self) -> Counter[tuple[str | None, int]]:
        return Counter((partition, json.loads(row)["seq"]) for partition, row in refused_in(self.lakehouse, self.ref))


def campaigns(site: Site, cases: Sequence[Case], kills: int, seed: int) -> Counter[str]:
    """Kill runs of several workflows, one workflow after the other.

    Args:
        site: where their tables are.
        cases: the workflows.
        kills: how many runs of each to kill.
        seed: see `Campaign`.

    Returns:
        How many runs were killed, by the point.
    """
    killed: Counter[str] = Counter()
    for case in cases:
        campaign = Campaign(site, case, seed)
        campaign.run(kills)
        killed += campaign.kills
    return killed


def in_lanes(site: Site, lanes: int, kills: int, seed: int) -> Counter[str]:
    """Kill runs of all workflows, in several processes at a time.

    Args:
        site: where their tables are.
        lanes: how many processes.
        kills: how many runs to kill at least; each workflow gets its share.
        seed: see `Campaign`.

    Returns:
        How many runs were killed, by the point.
    """
    each = -(-kills // len(CASES))
    started = [children.start(campaigns, site, CASES[lane::lanes], each, seed) for lane in range(lanes)]
    return sum((child.result() for child in started), Counter[str]())


def _same(found: object, expected: object, what: str) -> None:
    assert found == expected, f"{what}\nfound    {found}\nexpected {expected}"
