"""What `backfill` prints: its choice, each run, and a summary."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from cascade.cli.states import ranges_text
from cascade.terminal.words import counted

if TYPE_CHECKING:
    from cascade.framework.backfill_selection import Selection
    from cascade.framework.partition_states import PartitionStates
    from cascade.processes.partition_results import PartitionResult
    from cascade.terminal.output import Output

_COUNTS = ("rows_in", "rows_good", "rows_refused")
_FAILURES_SHOWN = 10


def tell_selection(out: Output, states: PartitionStates, selection: Selection) -> None:
    """Print which partitions would run, and why."""
    if not selection.partitions:
        kinds = " or ".join(selection.kinds)
        which = f"of {counted(len(selection.candidates), 'partition')}, none" if states.declaration.partitions else "it"
        out.say(f"Nothing to do for {states.asset}: {which} is {kinds if which != 'it' else f'not {kinds}'}.")
        return
    total = counted(len(selection.candidates), "partition")
    out.say(f"A backfill of {states.asset} would run {len(selection.partitions)} of {total}.")
    tell_reasons(out, selection)


def tell_reasons(out: Output, selection: Selection) -> None:
    """Print why partitions would run, a line for each reason."""
    for reason, found in selection.reasons.items():
        keys = ranges_text(found.ranges)
        out.say(f"  {reason}: {len(found)}{f', {keys}' if keys else ''}")


def report(out: Output, states: PartitionStates, result: PartitionResult) -> None:
    """Print what a run did."""
    name = f"{states.asset} {result.partition or ''}".rstrip()
    if result.interrupted:
        out.warn(f"{name} was stopped.")
    elif not result.success:
        out.warn(f"{name} failed: {result.error}")
    else:
        out.say(f"{name}: {_numbers(result.counts)}, {result.seconds:.2f} s")
    for notice in result.notices:
        out.warn(f"{name}: {notice}")


def summarize(
    out: Output,
    states: PartitionStates,
    selection: Selection,
    results: Sequence[PartitionResult],
    again: str,
    program: str,
    *,
    stopped: bool,
) -> None:
    """Print what the backfill did, its failures with the next command of each, and how to go on.

    Args:
        out: where to print.
        states: the states before the backfill.
        selection: what it had to run.
        results: what its runs did.
        again: the command that goes on.
        program: the command line's name.
        stopped: whether the user stopped it.
    """
    good, failed = _good(results), _failed(results)
    counts = _totals(good)
    out.say(f"Backfilled {len(good)} of {counted(len(selection.partitions), 'partition')} of {states.asset}.")
    out.say(f"{_numbers(counts)}, seconds {sum(result.seconds for result in results):.2f}")
    if counts.get("rows_refused"):
        out.say(f"See the refused rows: {program} quarantine show {states.declaration.table}")
    if failed:
        out.say(f"Failed: {len(failed)}. See the error of one with its traceback:")
        for result in failed[:_FAILURES_SHOWN]:
            partition = f" --partition {shlex.quote(result.partition)}" if result.partition else ""
            out.say(f"  {program} --debug materialize {shlex.quote(states.asset)}{partition}")
        if len(failed) > _FAILURES_SHOWN:
            out.say(f"  and {len(failed) - _FAILURES_SHOWN} more")
    if stopped:
        left = len(selection.partitions) - len(good) - len(failed)
        out.say(f"Stopped. {counted(left, 'partition')} did not run. Go on: {again}")
    elif failed:
        out.say(f"Run what failed again: {again}")


def selection_document(states: PartitionStates, selection: Selection) -> dict[str, Any]:
    """Return the document of a dry run."""
    return {
        "asset": states.asset,
        "table": states.declaration.table,
        "partitions": list(selection.partitions),
        "reasons": {reason: list(found) for reason, found in selection.reasons.items()},
        "problem": states.problem,
    }


def result_document(
    states: PartitionStates,
    selection: Selection,
    results: Sequence[PartitionResult],
    backfill_id: str | None,
    *,
    stopped: bool,
) -> dict[str, Any]:
    """Return the document of a backfill."""
    done = {result.partition for result in results if not result.interrupted}
    return {
        "asset": states.asset,
        "table": states.declaration.table,
        "backfill_id": backfill_id,
        "success": not stopped and all(result.success for result in results),
        "stopped": stopped,
        "reasons": {reason: list(found) for reason, found in selection.reasons.items()},
        "runs": [asdict(result) for result in results],
        "not_run": [key for key in selection.partitions if key not in done],
        "totals": {
            **_totals(_good(results)),
            "partitions": len(selection.partitions),
            "succeeded": len(_good(results)),
            "failed": [result.partition or states.asset for result in _failed(results)],
            "seconds": round(sum(result.seconds for result in results), 3),
        },
    }


def _good(results: Sequence[PartitionResult]) -> list[PartitionResult]:
    return [result for result in results if result.success]


def _failed(results: Sequence[PartitionResult]) -> list[PartitionResult]:
    return [result for result in results if not result.success and not result.interrupted]


def _totals(results: Sequence[PartitionResult]) -> dict[str, int]:
    totals: dict[str, int] = {}
    for result in results:
        for name, value in result.counts.items():
            totals[name] = totals.get(name, 0) + value
    return totals


def _numbers(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {counts.get(name, 0)}" for name in _COUNTS)
