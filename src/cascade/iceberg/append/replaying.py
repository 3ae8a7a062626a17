"""Add rows that a run refused once to the rows that it added, each of them once.

Rows without a key are told apart by where they come from: the partition, the state from which the run that refused them
started, and the row as its source gave it. The hidden column of the run has a digest of that, so a replay finds what
earlier ones have landed. A row lands beside the others of its run, so that whatever replaces those replaces it too.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from cascade.iceberg.changes import FileChange
from cascade.iceberg.columns import arrow_schema, conform
from cascade.iceberg.commit import REPLAY, RUN_ID
from cascade.iceberg.hidden import HIDDEN, PARTITION_COLUMN, RUN_COLUMN, SINCE_COLUMN, visible
from cascade.iceberg.history import last_run
from cascade.iceberg.publishing import head_of
from cascade.iceberg.replace import Both, EqualTo, NoRows, ReplacePlan, ReplacePlanner, Scope
from cascade.iceberg.replace.finding import Found, candidates_of, find_rows, read_rows
from cascade.iceberg.replace.unordered import row_hashes
from cascade.iceberg.snapshot.tasks import data_files

if TYPE_CHECKING:
    from pyiceberg.table import Table

_PREFIX = "replay "

ANOTHER_RUN = "another run of the partition has published meanwhile"
WHOLE_TABLE = "the next run adds all rows of the source again"
UNPUBLISHED = "its run published nothing, so the next one reads the same rows again"
MAY_BE_THERE = "a later run added an equal row, which may be the same one"


@dataclass(frozen=True)
class AppendReplayPlan(ReplacePlan[pa.Table]):
    """The changes that add rows of a quarantine.

    Args:
        stay: the given rows that neither land nor leave the quarantine, by their positions, and why.
    """

    stay: Mapping[int, str] = field(default_factory=dict)

    @property
    def undecided(self) -> frozenset[int]:
        """Positions of the given rows that neither land nor leave the quarantine."""
        return frozenset(self.stay)

    @property
    def landed(self) -> pa.Table:
        """The rows that land, without the hidden columns."""
        return self.rows.select(visible(self.rows.column_names))

    @property
    def inserted(self) -> int:
        """Number of rows that land."""
        count: int = self.rows.num_rows
        return count

    @property
    def updated(self) -> int:
        """No row replaces another one."""
        return 0


@dataclass
class AppendReplayPlanner(ReplacePlanner):
    """Plans and writes additions of refused rows.

    Args:
        given: the rows, in the order in which they were refused.
        kept: for each of them, its row in the quarantine.
        before: the last run of the partition when the quarantine was read; see `run_before`.
    """

    given: pa.Table = field(default_factory=lambda: pa.table({}))
    kept: Sequence[Mapping[str, Any]] = ()
    before: str | None = None
    _base: int | None = field(default=None, init=False)

    @classmethod
    def of(
        cls, rows: pa.Table, kept: Sequence[Mapping[str, Any]], partition: str | None, before: str | None
    ) -> AppendReplayPlanner:
        """Return the planner of some rows; see the class for its arguments."""
        return cls(rows.slice(0, 0), NoRows(), partition=partition, hidden=HIDDEN, given=rows, kept=kept, before=before)

    def plan(self, table: Table) -> AppendReplayPlan:
        """Choose the rows that are not in the table, and that no run adds again."""
        self._base = head_of(table)
        stay, fit = self.sort_out(table)
        rows = self.given.take(pa.array(list(fit), pa.int64()))
        for name, values in (
            (PARTITION_COLUMN, [self.partition] * len(fit)),
            (RUN_COLUMN, [_PREFIX + digest for digest in fit.values()]),
            (SINCE_COLUMN, [self.kept[at][SINCE_COLUMN] for at in fit]),
        ):
            rows = rows.append_column(name, pa.array(values, pa.string()))
        self.rows = rows
        plan = super().plan(table)
        return AppendReplayPlan(**{each.name: getattr(plan, each.name) for each in fields(ReplacePlan)}, stay=stay)

    def sort_out(self, table: Table) -> tuple[dict[int, str], dict[int, str]]:
        """Return which rows stay in the quarantine, and why, and the digest of each of those that land.

        The others are in the table already.

        Args:
            table: the table.
        """
        if run_before(table, self.partition) != self.before:
            return dict.fromkeys(range(len(self.kept)), ANOTHER_RUN), {}
        given = conform(self.given, arrow_schema(table).empty_table().select(self.given.column_names).schema)
        hashes = row_hashes(given, given.column_names)
        stay: dict[int, str] = {}
        fit: dict[int, str] = {}
        for since in dict.fromkeys(row[SINCE_COLUMN] for row in self.kept):
            at = [position for position, row in enumerate(self.kept) if row[SINCE_COLUMN] == since]
            if self.partition is None and since is None:
                stay |= dict.fromkeys(at, WHOLE_TABLE)
                continue
            there = self._runs(table, since, {hashes[position] for position in at}, given.column_names)
            replayed = {run for run in there if run.startswith(_PREFIX)}
            if since is not None and there.keys() == replayed:
                stay |= dict.fromkeys(at, UNPUBLISHED)
                continue
            for position in at:
                digest = _digest(self.partition, since, self.kept[position]["row"])
                mine = {*replayed, self.kept[position]["run_id"]}
                if _PREFIX + digest in replayed or digest in fit.values():
                    continue
                if any(hashes[position] in found for run, found in there.items() if run not in mine):
                    stay[position] = MAY_BE_THERE
                else:
                    fit[position] = digest
        return stay, fit

    def still_holds(self, plan: ReplacePlan[pa.Table], table: Table) -> bool:
        """Return whether nobody has committed since: another replay may have landed the same rows."""
        return head_of(table) == self._base

    def write(self, table: Table, plan: ReplacePlan[pa.Table]) -> FileChange:
        """Write the rows. The snapshot has no digest, so the next run of the partition compares its rows."""
        change = super().write(table, plan)
        return replace(change, summary={REPLAY: "true"}) if change else change

    def digest_in(self, table: Table) -> str:
        """Return nothing, since the rows are only a part of those of a run."""
        return ""

    def _same(self, table: Table, found: Found, rows: pa.Table) -> bool:
        return not rows.num_rows

    def _runs(self, table: Table, since: str | None, wanted: set[int], columns: Sequence[str]) -> dict[str, set[int]]:
        """Return the runs that added rows from a state of the source, with the hashes of those that are wanted."""
        scope: Scope = EqualTo(PARTITION_COLUMN, self.partition)
        if since is not None:
            scope = Both(scope, EqualTo(SINCE_COLUMN, since))
        found = find_rows(table, candidates_of(table, data_files(table), scope), scope, self.costs)
        there: dict[str, set[int]] = defaultdict(set)
        for part in read_rows(table, found):
            for run, value in zip(part[RUN_COLUMN].to_pylist(), row_hashes(part, columns), strict=True):
                # A row without a run was added by another tool.
                there[run or ""].update({value} & wanted)
        return there


def run_before(table: Table, partition: str | None) -> str | None:
    """Return the last run of a partition that added rows, and was not a replay; None if its snapshot has expired.

    Args:
        table: the table.
        partition: key of the partition; None for a table without partitions.
    """
    summary = last_run(table, partition, replays=False)
    return None if summary is None else summary.get(RUN_ID)


def _digest(partition: str | None, since: str | None, row: str) -> str:
    return hashlib.blake2b(repr((partition, since, row)).encode(errors="surrogatepass"), digest_size=16).hexdigest()
