"""Replay the refused rows of a partition: judge them by the schema of now, and land those that pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from cascade.clock import Clock
from cascade.declarations import IngestionDeclaration
from cascade.exceptions import RowsRefusedError
from cascade.iceberg import Lakehouse, ensure_table
from cascade.iceberg.append.replaying import AppendReplayPlan, run_before
from cascade.iceberg.commit import run_summary
from cascade.iceberg.gate import Gate, commit_gated
from cascade.iceberg.heads import AuditBranch
from cascade.iceberg.merge.replaying import ReplayPlan
from cascade.iceberg.quarantine import contents
from cascade.iceberg.quarantined_rows import (
    no_quarantined_rows,
    of_partition,
    quarantined_rows,
    settle_replayed,
)
from cascade.iceberg.row_count import live_rows
from cascade.ingestion.dispositions import table_schema
from cascade.ingestion.rejudging import Judged, check_replayable, command_to_run, judge_again
from cascade.ingestion.replay_rows import NEWER_UNKNOWN, notices_of, planner_of, waiting_rows
from cascade.ingestion.run import Judge
from cascade.partitions import PartitionWindow
from cascade.program import typed
from cascade.runs.candidate import Candidate, RunGate
from cascade.runs.deadline import deadline
from cascade.runs.report import SHOWN_REFUSED, SHOWN_ROWS, Preview, Refusal, RunReport
from cascade.schemas.sensitive import without_sensitive
from cascade.terminal.words import counted

if TYPE_CHECKING:
    from cascade.iceberg import Committed
    from cascade.iceberg.changes import Planner

REPLAY_TAG = "cascade/replay"
"""The tag of a Dagster run that replays the refused rows of its partition."""


def replay(
    declaration: IngestionDeclaration,
    *,
    lakehouse: Lakehouse,
    window: PartitionWindow | None,
    run_id: str,
    judge: Judge | None = None,
    warn: Callable[[str], None] = lambda line: None,
) -> RunReport:
    """Replay the refused rows of a partition. The source is not asked, and its cursor stays where it is.

    A row leaves the quarantine in a commit after the one that lands it. If a replay is interrupted between the two, the
    next one finds it in the table.

    Args:
        declaration: the workflow's declaration, which merges or appends.
        lakehouse: the lakehouse that holds its table.
        window: the partition; None for a workflow without partitions.
        run_id: the run.
        judge: judges the table with the replayed rows; see `run_ingestion`.
        warn: called with each warning for the user.

    Returns:
        What the replay did: its `rows_good` have left the quarantine, its `rows_refused` are still there.

    Raises:
        RowsRefusedError: no row left the quarantine. Those that broke another rule now are there with that.
        ChecksFailedError: a blocking check failed. Readers see the table as it was, and the quarantine is unchanged.
        UsageError: only another run can land the rows; see `check_replayable`.
        CascadeError: see `cascade.exceptions`.
    """
    check_replayable(declaration)
    partition = None if window is None else window.key
    clock, ref = Clock(), declaration.table_ref
    with deadline(declaration.max_runtime_seconds, declaration.table, declaration.location):
        with clock.timed("open"):
            # Drift is refused before anything is written.
            ensure_table(lakehouse, ref, table_schema(declaration), partition_spec=declaration.partition_spec)
            # The table first: a run that lands one of the rows meanwhile must be noticed.
            before = run_before(lakehouse.require(ref), partition)
            found = quarantined_rows(lakehouse, ref.quarantine)
            rows = no_quarantined_rows() if found is None else found
        with clock.timed("validate"):
            judged = judge_again(declaration, of_partition(rows, partition))
            waiting = waiting_rows(declaration, judged, rows)
        fit = [index for index in range(len(judged.good_at)) if index not in waiting]
        planner = planner_of(declaration, judged, fit, partition, before)
        landed = _land(declaration, lakehouse, planner, run_id, partition, judge if fit else None, clock)
        undecided = {fit[place] for place in landed.plan.undecided}
        left = [judged.good_at[index] for index in fit if index not in undecided]
        with clock.timed("quarantine"):
            _settle(lakehouse, declaration, judged, left, run_id, partition)
    plan = landed.plan
    reasons = plan.stay if isinstance(plan, AppendReplayPlan) else dict.fromkeys(plan.undecided, NEWER_UNKNOWN)
    notices = notices_of(judged, len(waiting), reasons)
    for text in notices:
        warn(text)
    snapshot = landed.table.current_snapshot()
    still = judged.kept.num_rows - len(left)
    first = _first_refused(judged, left)
    if still and not left:
        raise _nothing_left(declaration, partition, still, notices, first)
    return RunReport(
        ref=lakehouse.target(ref),
        partition=partition,
        run_id=run_id,
        rows_in=judged.kept.num_rows,
        rows_good=len(left),
        rows_refused=still,
        rows_inserted=plan.inserted,
        rows_updated=plan.updated,
        rows_removed=plan.removed,
        snapshot_id=snapshot.snapshot_id if snapshot else None,
        committed=landed.snapshot_id is not None,
        partition_rows=plan.landed.num_rows,
        table_rows=live_rows(snapshot) or 0,
        seconds=clock.total,
        refused=first,
        notices=notices,
        sample=Preview.of(without_sensitive(plan.landed.slice(0, SHOWN_ROWS), declaration.validation_schema)),
        timings=clock.timings,
    )


def _land(
    declaration: IngestionDeclaration,
    lakehouse: Lakehouse,
    planner: Planner[Any],
    run_id: str,
    partition: str | None,
    judge: Judge | None,
    clock: Clock,
) -> Committed[ReplayPlan | AppendReplayPlan]:
    def check(candidate: Candidate) -> None:
        assert judge is not None
        with clock.timed("check"):
            judge.judge(candidate)

    gate: Gate[Any] | None = None
    if judge is not None and judge.blocks:
        audit = AuditBranch.of(run_id, lakehouse.branch_retention, lakehouse.branch)
        gate = RunGate(audit, check).on(lambda plan: iter([plan.landed]))
    # The ledger says which partitions a run has published, and a replay is none.
    landed = commit_gated(lakehouse, declaration.table_ref, planner, summary=run_summary(run_id, partition), gate=gate)
    if judge is not None and not judge.blocks:
        check(Candidate(landed.table, None, landed.snapshot_id is not None, lambda: iter([landed.plan.landed])))
    return landed


def _settle(
    lakehouse: Lakehouse,
    declaration: IngestionDeclaration,
    judged: Judged,
    left: Sequence[int],
    run_id: str,
    partition: str | None,
) -> None:
    """Let rows leave the quarantine, and give those that are refused for another reason now their new one."""
    if not left and not judged.refused:
        return
    digests = contents(judged.kept)
    gone = {digests[at] for at in (*left, *judged.refused)}
    settle_replayed(
        lakehouse,
        declaration.table_ref.quarantine,
        gone=gone,
        add=judged.still_refused(),
        run_id=run_id,
        partition=partition,
    )


def _first_refused(judged: Judged, left: Sequence[int]) -> tuple[Refusal, ...]:
    gone = set(left)
    stay = [at for at in range(judged.kept.num_rows) if at not in gone][:SHOWN_REFUSED]
    rows = judged.kept.take(pa.array(stay, pa.int64())).to_pylist() if stay else []
    return tuple(
        Refusal(now.rule, now.field, now.message, now.row_json)
        if (now := judged.refused.get(at)) is not None
        else Refusal(row["rule"], row["field"], row["message"], row["row"])
        for at, row in zip(stay, rows, strict=True)
    )


def _nothing_left(
    declaration: IngestionDeclaration,
    partition: str | None,
    rows: int,
    notices: Sequence[str],
    first: Sequence[Refusal],
) -> RowsRefusedError:
    reasons = dict.fromkeys(f"{row.rule}{f' in {row.field}' if row.field else ''}: {row.message}" for row in first)
    lines = list(reasons)
    if rows > len(first):
        lines.append(f"see the others: {typed(f'quarantine show {declaration.table}')}")
    place = declaration.table_ref.quarantine
    message = f"{declaration.table}: none of {counted(rows, 'row')} can leave {place}."
    return RowsRefusedError(
        message + "".join(f"\n  - {line}" for line in (*notices, *lines)),
        refused=rows,
        total=rows,
        hint="Correct the schema and replay them again, or correct the source and run it again: "
        + command_to_run(declaration, partition),
    )
