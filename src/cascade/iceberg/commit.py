"""Commit a change of files as one snapshot, in competition with other writers.

A planner reads the table and decides what changes. The change is written, and committed on exactly the snapshot that
was read. If another writer commits first, the planner plans again, unless the plan is provably still valid.

A catalog's answer can be lost, and the snapshot then arrives later or never. All attempts of one commit require the
snapshot that they are based on, so at most one of them lands. Each time the table is loaded, every snapshot that was
sent is looked up in it. Files of a snapshot that may still arrive are never deleted here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from cascade.iceberg.changes import Planner, Properties
from cascade.iceberg.committer import Committed as Committed
from cascade.iceberg.committer import Committer
from cascade.iceberg.storage_errors import storage_errors_named
from cascade.iceberg.turns import Turn
from cascade.iceberg.working_branch import written

if TYPE_CHECKING:
    from cascade.iceberg.catalog import Lakehouse
    from cascade.iceberg.heads import AuditBranch
    from cascade.table_ref import TableRef

PATIENCE_SECONDS = 300.0
"""Seconds after which a lost race is not tried again."""

RUN_ID = "cascade.run-id"
PARTITION = "cascade.partition"
DIGEST = "cascade.digest"
REPLAY = "cascade.replay"


def run_summary(run_id: str, partition: str | None) -> dict[str, str]:
    """Return what the summary of a snapshot says about the run that made it.

    Args:
        run_id: the run.
        partition: key of the partition; None for a table without partitions.
    """
    return {RUN_ID: run_id} | ({PARTITION: partition} if partition is not None else {})


P = TypeVar("P")


def commit_planned(
    lakehouse: Lakehouse,
    ref: TableRef,
    planner: Planner[P],
    *,
    summary: Mapping[str, str],
    properties: Properties | None = None,
    audit: AuditBranch | None = None,
    inspect: Callable[[Committed[P]], None] | None = None,
    patience: float = PATIENCE_SECONDS,
) -> Committed[P]:
    """Plan, write and commit one snapshot, and try again if another writer commits first.

    Args:
        lakehouse: the lakehouse that holds the table.
        ref: the table and the branch to commit to.
        planner: decides what changes.
        summary: properties of the snapshot's summary.
        properties: decides which properties of the table change with the snapshot, or alone if no file changes.
        audit: the branch whose head the snapshot becomes, in place of the branch of `ref`: readers of `ref` do not see
            it, and no property changes. See `cascade.iceberg.publishing`.
        inspect: called with each plan that is written and not yet committed, and with the table as it would be then. It
            raises to keep the plan from being committed.
        patience: seconds after which a lost race is not tried again.

    Returns:
        The plan that was carried out, and the new snapshot. Properties that change alone make none.

    Raises:
        Exception: what `inspect` raised. Nothing was committed, and no file is left.
        CommitError: other writers committed first for `patience` seconds, or the catalog did not answer several times.
        CommitRefusedError: the catalog refused the commit for good, for example because a permission is missing.
        CascadeError: the disk is full, or cannot be written.
        UsageError: the table or its branch does not exist.
    """
    ref = written(lakehouse, ref)
    with storage_errors_named(lakehouse, ref), Turn.of(lakehouse.uri, ref) as turn:
        committer = Committer(lakehouse, ref, planner, summary, properties, audit, time.monotonic() + patience, turn)
        return committer.run(inspect)
