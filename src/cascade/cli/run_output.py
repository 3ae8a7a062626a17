"""Print what runs did, for a person and as JSON."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from cascade.program import typed
from cascade.terminal.output import Output
from cascade.terminal.words import counted

if TYPE_CHECKING:
    from cascade.framework.runs import CheckOutcome, RunOutcome
    from cascade.runs.report import Refusal, RunReport

_SAMPLE_ROWS = 5
_COUNTS = ("rows_in", "rows_good", "rows_refused")


def report_outcome(out: Output, outcome: RunOutcome, *, alone: bool, traceback: bool) -> None:
    """Print what a run did, or why it failed.

    Args:
        out: the output of the command.
        outcome: the run.
        alone: whether it is the only run of the command, whose numbers are printed at the end.
        traceback: whether to print the traceback of an error.
    """
    from cascade.ingestion.validation_check import VALIDATION

    name = f"{outcome.asset} {outcome.partition}" if outcome.partition else outcome.asset
    for check in outcome.checks:
        # The refused rows are printed below, or are the error. A check that blocked is part of the error.
        told = outcome.error is not None and f"{check.name}: " in str(outcome.error)
        if not check.passed and check.name != VALIDATION and not told:
            out.warn(f"{name}: {check}{_query(check)}")
    if outcome.error is not None:
        out.warn(f"{name} failed: {outcome.error}") if not alone else out.error(f"{name} failed: {outcome.error}")
        if traceback and outcome.error.traceback:
            click.echo(outcome.error.traceback, err=True)
        return
    if not alone:
        out.say(f"{name}: {_numbers([outcome])}{_snapshot(outcome)}, {outcome.seconds:.2f} s")
    for text in outcome.report.notices if outcome.report is not None else ():
        out.warn(f"{name}: {text}")
    if outcome.report is not None and outcome.report.rows_refused:
        out.warn(f"{name}: {_refused_text(outcome.report)}")
    if outcome.report is not None and outcome.report.overwritten is not None:
        out.warn(f"{name}: {outcome.report.overwritten}")


def _query(check: CheckOutcome) -> str:
    """Return how to see the failing rows, if the check has SQL for them."""
    if not check.sql:
        return ""
    return f"\nTo see what it found: {typed(f'table query {shlex.quote(check.sql)}')}"


def _refused_text(report: RunReport) -> str:
    shown = "" if len(report.refused) == report.rows_refused else f". The first {len(report.refused)}"
    lines = [f"{counted(report.rows_refused, 'row')} refused, now in {report.ref.quarantine}{shown}:"]
    for row in report.refused:
        # A message about several fields names each of them.
        where = f"{row.field}: " if row.field and not row.message.startswith(f"{row.field}: ") else ""
        lines.append(f"  {where}{row.message}  {row.row_json}")
    return "\n".join(lines)


def summarize(out: Output, outcomes: Sequence[RunOutcome]) -> None:
    """Print the first rows of the last table, and what all runs did together.

    Args:
        out: the output of the command.
        outcomes: the runs.
    """
    succeeded = [outcome for outcome in outcomes if outcome.success]
    failed = [outcome for outcome in outcomes if not outcome.success]
    last = next((outcome.report for outcome in reversed(succeeded) if outcome.report is not None), None)
    if last is not None and last.sample.rows:
        rows = [dict(row) for row in last.sample.rows[:_SAMPLE_ROWS]]
        out.table(list(rows[0]), [list(row.values()) for row in rows], fit=True)
        out.say()
    if succeeded:
        names = sorted({outcome.asset for outcome in succeeded})
        partitions = list(dict.fromkeys(outcome.partition for outcome in succeeded if outcome.partition))
        what = (
            f" {partitions[0]}"
            if len(partitions) == 1
            else f", {counted(len(partitions), 'partition')}"
            if partitions
            else ""
        )
        out.say(f"Materialized {', '.join(names)}{what} successfully." + _unchanged(succeeded))
    if len(failed) and len(outcomes) > 1:
        listed = ", ".join(_failed(outcomes))
        out.say(f"Failed: {len(failed)} of {len(outcomes)}: {listed}")
    if succeeded:
        seconds = sum(outcome.seconds for outcome in outcomes)
        # Each table has its own snapshots.
        snapshot = _snapshot(succeeded[-1]) if len({outcome.asset for outcome in succeeded}) == 1 else ""
        out.say(f"{_numbers(succeeded)}{snapshot}, seconds {seconds:.2f}")
        refusing = sorted({each.report.table for each in succeeded if each.report and each.report.rows_refused})
        if refusing:
            command = f"quarantine show {refusing[0]}" if len(refusing) == 1 else "quarantine list"
            out.say(f"See the refused rows: {typed(command)}")


def _failed(outcomes: Sequence[RunOutcome]) -> list[str]:
    """Name the runs that failed: by partition, if they all are of one asset."""
    failed = [outcome for outcome in outcomes if not outcome.success]
    if len({outcome.asset for outcome in outcomes}) == 1:
        return [outcome.partition or outcome.asset for outcome in failed]
    return [" ".join(filter(None, (outcome.asset, outcome.partition))) for outcome in failed]


def _unchanged(outcomes: Sequence[RunOutcome]) -> str:
    if not all(outcome.report is not None and not outcome.report.committed for outcome in outcomes):
        return ""
    if not any(outcome.counts.get("rows_in") for outcome in outcomes):
        return " The source returned no rows, so no snapshot was written."
    return " The table already had these rows, so no snapshot was written."


def _totals(outcomes: Sequence[RunOutcome]) -> dict[str, int]:
    totals: dict[str, int] = {}
    for outcome in outcomes:
        for name, value in outcome.counts.items():
            totals[name] = totals.get(name, 0) + value
    return totals


def _numbers(outcomes: Sequence[RunOutcome]) -> str:
    """Return the numbers of rows that runs reported together. Those of workflows are enough to know about a lineage."""
    counts = _totals(outcomes)
    if counts:
        return ", ".join(f"{name.replace('_', ' ')} {counts.get(name, 0)}" for name in _COUNTS)
    # These are the rows of the whole table, whatever the run did.
    rows = {outcome.asset: outcome.rows for outcome in outcomes if outcome.rows is not None}
    return counted(sum(rows.values()), "row") if rows else "no rows reported"


def _snapshot(outcome: RunOutcome) -> str:
    snapshot_id = _snapshot_id(outcome.report)
    return f", snapshot id {snapshot_id}" if snapshot_id else ""


def _snapshot_id(report: RunReport | None) -> str | None:
    """Return the id as a string, because JavaScript cannot represent such large integers."""
    return str(report.snapshot_id) if report is not None and report.snapshot_id is not None else None


def runs_document(outcomes: Sequence[RunOutcome]) -> dict[str, Any]:
    """Return what runs did, as a JSON document.

    Args:
        outcomes: the runs.
    """
    return {
        "success": all(outcome.success for outcome in outcomes),
        "runs": [
            {
                "asset": outcome.asset,
                "table": outcome.report.table if outcome.report else None,
                "partition": outcome.partition,
                "run_id": outcome.run_id or None,
                "success": outcome.success,
                "rows": outcome.rows,
                **outcome.counts,
                "snapshot_id": _snapshot_id(outcome.report),
                "committed": outcome.report.committed if outcome.report else None,
                "seconds": outcome.seconds,
                "sample": [dict(row) for row in outcome.report.sample.rows] if outcome.report else [],
                "refused": [_refused(row) for row in outcome.report.refused] if outcome.report else [],
                "notices": list(outcome.report.notices) if outcome.report else [],
                "overwritten": _overwritten(outcome.report),
                "checks": [asdict(check) for check in outcome.checks],
                "error": _error(outcome),
            }
            for outcome in outcomes
        ],
        "totals": {
            **_totals([outcome for outcome in outcomes if outcome.success]),
            "runs": len(outcomes),
            "failed": _failed(outcomes),
            "seconds": round(sum(outcome.seconds for outcome in outcomes), 3),
        },
    }


def _refused(row: Refusal) -> dict[str, str | None]:
    return {"rule": row.rule, "field": row.field, "message": row.message, "row": row.row_json}


def _overwritten(report: RunReport | None) -> dict[str, str] | None:
    return asdict(report.overwritten) if report is not None and report.overwritten is not None else None


def _error(outcome: RunOutcome) -> dict[str, Any] | None:
    error = outcome.error
    if error is None:
        return None
    location = {"file": error.location.file, "line": error.location.line} if error.location else None
    return {"type": error.kind, "message": error.message, "location": location}
