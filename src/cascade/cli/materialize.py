"""`materialize`: run assets, one Dagster run per partition."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from cascade.cli.completion import complete_assets
from cascade.cli.context import Invocation
from cascade.cli.options import json_option
from cascade.collector import collector_paused
from cascade.exceptions import CascadeError
from cascade.framework.project import unknown_name
from cascade.terminal.output import Output
from cascade.terminal.words import counted

if TYPE_CHECKING:
    import dagster as dg

    from cascade.framework.runs import RunOutcome
    from cascade.runs.report import Refusal, RunReport

_SAMPLE_ROWS = 5
_COUNTS = ("rows_in", "rows_good", "rows_refused")


@click.command(short_help="Run assets for the given partitions.")
@click.argument("assets", metavar="ASSET...", nargs=-1, required=True, shell_complete=complete_assets)
@click.option("--partition", "keys", metavar="KEY", multiple=True, help="A partition to run. May be repeated.")
@click.option(
    "--partition-range", "ranges", metavar="FIRST...LAST", multiple=True, help="Partitions to run, both ends included."
)
@click.option("--verbose", "-v", is_flag=True, help="Show Dagster's log.")
@json_option
@click.pass_obj
def materialize(
    invocation: Invocation,
    out: Output,
    assets: tuple[str, ...],
    keys: Sequence[str],
    ranges: Sequence[str],
    verbose: bool,
) -> None:
    """Run ASSET, such as weather_observations, for each given partition. A dbt model is an asset too.

    \b
        cascade materialize weather_observations --partition 2024-01-15
        cascade materialize weather_observations --partition-range 2024-01-01...2024-01-31

    `cascade dev` shows every run. The runs are sequential, and a run that fails does not stop the rest. You can
    safely run a partition again: rows that are already in the table are not written twice.

    Prints the first rows, and the numbers of rows read from the source, accepted, and refused by the schema. The
    asset's checks run as well; a check that fails is a warning unless it is blocking. Exits with 1 if a run failed.
    """
    with ExitStack() as stack:
        with out.waiting("loading the project"), collector_paused(for_good=True):
            import dagster as dg

            from cascade.framework.instance import open_instance
            from cascade.framework.run_errors import INTERRUPTED
            from cascade.framework.runs import run_partitions
            from cascade.framework.stale import end_stale_runs
            from cascade.iceberg.catalog import import_libraries
            from cascade.partition_keys import choose_partitions

            # Only a model needs the dbt project.
            invocation.with_dbt = not all(map(invocation.workflow_named, assets))
            definitions, failures = invocation.definitions(), invocation.failures
            chosen = [_find(invocation, definitions, name) for name in assets]
            graph, command = definitions.resolve_asset_graph(), f"{invocation.program} materialize"
            packages = tuple(dict.fromkeys(name.partition(".")[0] for name in invocation.module_names))
            if any(invocation.workflow_named(name) is not None for name in assets):
                import_libraries()
            instance = stack.enter_context(open_instance(invocation.config))
        outcomes: list[RunOutcome] = []
        # The instance records the keys of an asset's dynamic partitions.
        stack.enter_context(dg.partition_loading_context(dynamic_partitions_store=instance))
        plan = [
            (key, choose_partitions(key.to_user_string(), graph.get(key).partitions_def, keys, ranges, command))
            for key in chosen
        ]
        for failure in failures:
            out.warn(f"not loaded: {failure}")
        total = sum(len(partitions) for _, partitions in plan)
        begin = stack.enter_context(out.progress("materialize", total))
        for run_id in end_stale_runs(instance):
            out.warn(f"the run {run_id} was interrupted and is now marked as failed.")
        for key, partitions in plan:
            if any(outcome.error and outcome.error.kind == INTERRUPTED for outcome in outcomes):
                break
            name = key.to_user_string()
            for outcome in run_partitions(
                definitions,
                key,
                partitions,
                instance=instance,
                packages=packages,
                verbose=verbose,
                starting=lambda partition, name=name: begin(f"{name} {partition or ''}"),  # type: ignore[misc]
            ):
                outcomes.append(outcome)
                report_outcome(out, outcome, alone=total == 1, traceback=invocation.debug or verbose)
    out.json(runs_document(outcomes))
    _summary(invocation, out, outcomes)
    if not all(outcome.success for outcome in outcomes):
        raise click.exceptions.Exit(1)


def _find(invocation: Invocation, definitions: dg.Definitions, name: str) -> dg.AssetKey:
    import dagster as dg

    workflow = invocation.workflow_named(name)
    if workflow is not None:
        return workflow.key
    graph = definitions.resolve_asset_graph()
    key = dg.AssetKey.from_user_string(name)
    if graph.has(key) and graph.get(key).is_materializable:
        return key
    broken = invocation.broken_named(name)
    if broken is not None:
        why = broken.failure
        raise CascadeError(f"{name} cannot run. {why.message}", location=why.location, hint=why.hint)
    known = sorted(key.to_user_string() for key in graph.materializable_asset_keys)
    raise unknown_name("asset", name, known, invocation.failures, f"{invocation.program} list")


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
            out.warn(f"{name}: {check}")
    if outcome.error is not None:
        out.warn(f"{name} failed: {outcome.error}") if not alone else out.error(f"{name} failed: {outcome.error}")
        if traceback and outcome.error.traceback:
            click.echo(outcome.error.traceback, err=True)
        return
    if not alone:
        out.say(f"{name}: {_numbers(outcome.counts)}{_snapshot(outcome)}, {outcome.seconds:.2f} s")
    for text in outcome.report.notices if outcome.report is not None else ():
        out.warn(f"{name}: {text}")
    if outcome.report is not None and outcome.report.rows_refused:
        out.warn(f"{name}: {_refused_text(outcome.report)}")
    if outcome.report is not None and outcome.report.overwritten is not None:
        out.warn(f"{name}: {outcome.report.overwritten}")


def _refused_text(report: RunReport) -> str:
    shown = "" if len(report.refused) == report.rows_refused else f". The first {len(report.refused)}"
    lines = [f"{counted(report.rows_refused, 'row')} refused, now in {report.ref.quarantine}{shown}:"]
    for row in report.refused:
        # A message about several fields names each of them.
        where = f"{row.field}: " if row.field and not row.message.startswith(f"{row.field}: ") else ""
        lines.append(f"  {where}{row.message}  {row.row_json}")
    return "\n".join(lines)


def _summary(invocation: Invocation, out: Output, outcomes: Sequence[RunOutcome]) -> None:
    succeeded = [outcome for outcome in outcomes if outcome.success]
    failed = [outcome for outcome in outcomes if not outcome.success]
    last = succeeded[-1].report if succeeded else None
    if last is not None and last.sample.rows:
        rows = [dict(row) for row in last.sample.rows[:_SAMPLE_ROWS]]
        out.table(list(rows[0]), [list(row.values()) for row in rows], fit=True)
        out.say()
    if succeeded:
        names = sorted({outcome.asset for outcome in succeeded})
        partitions = [outcome.partition for outcome in succeeded if outcome.partition]
        what = (
            f" {partitions[0]}"
            if len(partitions) == 1
            else f", {counted(len(partitions), 'partition')}"
            if partitions
            else ""
        )
        out.say(f"Materialized {', '.join(names)}{what} successfully." + _unchanged(succeeded))
    if len(failed) and len(outcomes) > 1:
        listed = ", ".join(outcome.partition or outcome.asset for outcome in failed)
        out.say(f"Failed: {len(failed)} of {len(outcomes)}: {listed}")
    if succeeded:
        totals = _totals(succeeded)
        seconds = sum(outcome.seconds for outcome in outcomes)
        # Each table has its own snapshots.
        snapshot = _snapshot(succeeded[-1]) if len({outcome.asset for outcome in succeeded}) == 1 else ""
        out.say(f"{_numbers(totals)}{snapshot}, seconds {seconds:.2f}")


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


def _numbers(counts: Any) -> str:
    if not counts:
        return "no rows reported"
    return ", ".join(f"{name.replace('_', ' ')} {counts.get(name, 0)}" for name in _COUNTS)


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
                "run_id": outcome.run_id,
                "success": outcome.success,
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
            "failed": [outcome.partition or outcome.asset for outcome in outcomes if not outcome.success],
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
