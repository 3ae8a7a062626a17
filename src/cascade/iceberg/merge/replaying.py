"""Merge rows that a run refused once, unless somebody wrote a newer version of their keys meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from cascade.exceptions import UsageError
from cascade.iceberg.changes import FileChange
from cascade.iceberg.columns import arrow_schema, conform
from cascade.iceberg.commit import REPLAY
from cascade.iceberg.diff import point_of
from cascade.iceberg.files import read_file
from cascade.iceberg.keys import key_frame, key_names, last_of_each_key, matching
from cascade.iceberg.merge.batch_keys import BatchKeys, file_bounds
from cascade.iceberg.merge.merging import MergePlanner
from cascade.iceberg.merge.plan import MergePlan
from cascade.iceberg.merge.versions import newer
from cascade.iceberg.same import same_rows
from cascade.iceberg.snapshot.tasks import data_files

if TYPE_CHECKING:
    from pyiceberg.table import Table


@dataclass(frozen=True)
class ReplayPlan(MergePlan):
    """The changes that merge rows of a quarantine.

    Args:
        undecided: positions of the given rows that neither land nor leave the quarantine: the table has their key, and
            nobody knows whether its version is newer.
    """

    undecided: frozenset[int] = frozenset()


@dataclass
class ReplayPlanner(MergePlanner):
    """Plans and writes merges of refused rows.

    Args:
        given: the rows, in the order in which they were refused.
        refused_at: when each of them was refused; None if it is not known.
        older: positions of those of which a run has landed a newer version at the time.
    """

    given: pa.Table = field(default_factory=lambda: pa.table({}))
    refused_at: Sequence[datetime | None] = ()
    older: frozenset[int] = frozenset()

    @classmethod
    def of(
        cls, rows: pa.Table, refused_at: Sequence[datetime | None], older: Iterable[int], **how: Any
    ) -> ReplayPlanner:
        """Return the planner of some rows; see the class for its arguments, and `MergePlanner` for the others."""
        return cls(rows.slice(0, 0), given=rows, refused_at=refused_at, older=frozenset(older), **how)

    def plan(self, table: Table) -> ReplayPlan:
        """Choose the rows that are the newest of their keys, and find what changes in each file."""
        outdated, undecided = self.unfit(table)
        unfit = outdated | undecided
        fit = self.given.filter(pa.array([at not in unfit for at in range(self.given.num_rows)], pa.bool_()))
        self.rows = self.versions.newest(fit, self.unique_key)
        plan = super().plan(table)
        return ReplayPlan(
            **{each.name: getattr(plan, each.name) for each in fields(MergePlan)}, undecided=frozenset(undecided)
        )

    def unfit(self, table: Table) -> tuple[set[int], set[int]]:
        """Return the positions of rows that are older than the table's, and of those of which nobody knows it.

        Args:
            table: the table.
        """
        outdated: set[int] = set()
        undecided: set[int] = set()
        given = conform(self.given, arrow_schema(table))
        for moment in dict.fromkeys(self.refused_at):
            at = [position for position, time in enumerate(self.refused_at) if time == moment]
            rows = given.take(pa.array(at, pa.int64()))
            now = rows_of_keys(table, rows, self.unique_key)
            before = None if moment is None else _state_at(table, moment)
            present = {at[index] for index in matching(rows, now, self.unique_key)}
            marked = self.older & set(at)
            # Of a run that has published nothing, the newer version is not in the table.
            outdated |= marked & present
            undecided |= marked - present
            if before is None:
                changed = present
            else:
                keys = _changed_keys(rows_of_keys(before, rows, self.unique_key), now, self.unique_key)
                changed = {at[index] for index in matching(rows, keys, self.unique_key)}
            if self.versions.dedup_sort is not None:
                changed -= self._with_larger_version(at, rows, now)
            if before is None:
                # A replay that was interrupted has landed those that are there as they are.
                same = _same_keys(rows, now, self.unique_key)
                arrived = {at[index] for index in matching(rows, same, self.unique_key)}
                outdated |= changed & arrived
                undecided |= changed - outdated
            else:
                outdated |= changed - undecided
        return outdated, undecided

    def write(self, table: Table, plan: MergePlan) -> FileChange:
        """Write the rows. The snapshot has no digest, so the next run of the partition compares its rows."""
        return replace(super().write(table, plan), summary={REPLAY: "true"})

    def _with_larger_version(self, at: list[int], rows: pa.Table, now: pa.Table) -> set[int]:
        assert self.versions.dedup_sort is not None
        names = key_names(self.unique_key)
        pairs = key_frame(rows, self.unique_key, "row").join(key_frame(now, self.unique_key, "now"), on=names)
        mine, theirs = pairs["row"].to_arrow(), pairs["now"].to_arrow()
        column = self.versions.dedup_sort
        larger = newer(rows[column].take(mine), now[column].take(theirs))
        return {at[index] for index in pc.filter(mine, larger).to_pylist()}


def rows_of_keys(table: Table, rows: pa.Table, unique_key: Sequence[str]) -> pa.Table:
    """Return the rows of a table that have the keys of some rows. Files that cannot have one are not opened.

    Args:
        table: the table.
        rows: the rows, in the table's schema.
        unique_key: the columns of the key.
    """
    found = [arrow_schema(table).empty_table()]
    wanted = last_of_each_key(rows, unique_key)
    if wanted.num_rows:
        keys, schema = BatchKeys.of(wanted, unique_key), table.schema()
        for task in data_files(table):
            if len(keys.within(file_bounds(schema, task.file, unique_key))):
                part = read_file(table, task)
                found.append(part.take(pa.array(matching(part, wanted, unique_key), pa.int64())))
    return pa.concat_tables(found)


def _state_at(table: Table, moment: datetime) -> Table | None:
    """Return a table as it was at a time; None if its snapshot has expired."""
    try:
        return point_of(table, moment.isoformat()).table
    except UsageError:
        return None


def _same_keys(rows: pa.Table, now: pa.Table, unique_key: Sequence[str]) -> pa.Table:
    """Return the keys of which the last given row is the table's."""
    names, wanted = key_names(unique_key), last_of_each_key(rows, unique_key)
    pairs = key_frame(wanted, unique_key, "row").join(key_frame(now, unique_key, "now"), on=names)
    left, right = pairs["row"].to_arrow(), pairs["now"].to_arrow()
    same = same_rows(wanted.take(left), now.take(right))
    return wanted.select(list(unique_key)).take(left.filter(same))


def _changed_keys(before: pa.Table, now: pa.Table, unique_key: Sequence[str]) -> pa.Table:
    """Return the keys whose row is another one than before, is new, or is gone."""
    names = key_names(unique_key)
    old, new = key_frame(before, unique_key, "old"), key_frame(now, unique_key, "new")
    pairs = old.join(new, on=names, how="inner")
    left, right = pairs["old"].to_arrow(), pairs["new"].to_arrow()
    differ = pc.invert(same_rows(before.take(left), now.take(right)))
    gone = old.join(new, on=names, how="anti")["old"].to_arrow()
    come = new.join(old, on=names, how="anti")["new"].to_arrow()
    keys = list(unique_key)
    changed = [before.select(keys).take(gone), now.select(keys).take(come), now.select(keys).take(right.filter(differ))]
    return pa.concat_tables(changed)
