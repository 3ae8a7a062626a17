"""`backfill`: run the partitions of a workflow that are not published, or whose last run failed."""

from __future__ import annotations

import shlex
from contextlib import ExitStack
from typing import TYPE_CHECKING

import click

from cascade.cli.backfill_output import report, result_document, selection_document, summarize, tell_selection
from cascade.cli.completion import complete_assets
from cascade.cli.context import Invocation
from cascade.cli.options import branch_option, json_option
from cascade.collector import collector_paused
from cascade.exceptions import UsageError
from cascade.program import typed_program
from cascade.terminal.output import Output

if TYPE_CHECKING:
    from cascade.processes.partition_results import PartitionResult


@click.command(short_help="Run the partitions of a workflow that are missing or failed.")
@click.argument("asset", shell_complete=complete_assets)
@click.option("--from", "first", metavar="KEY", help="The first partition. Defaults to the first of the workflow.")
@click.option("--to", "last", metavar="KEY", help="The last partition. Defaults to the last one that has ended.")
@click.option("--partition-range", "span", metavar="FIRST...LAST", help="The same as --from FIRST --to LAST.")
@click.option(
    "--parallel", metavar="N", type=click.IntRange(min=1), default=1, show_default=True, help="How many runs at once."
)
@click.option("--missing", is_flag=True, help="Only partitions that are not published.")
@click.option("--failed", is_flag=True, help="Only partitions whose last run failed.")
@click.option("--stale", is_flag=True, help="Only partitions that older code or older input published.")
@branch_option
@click.option("--dry-run", is_flag=True, help="Print what would run, and run nothing.")
@click.option("--verbose", "-v", is_flag=True, help="Show Dagster's log.")
@json_option
@click.pass_obj
def backfill(
    invocation: Invocation,
    out: Output,
    asset: str,
    first: str | None,
    last: str | None,
    span: str | None,
    parallel: int,
    missing: bool,
    failed: bool,
    stale: bool,
    dry_run: bool,
    verbose: bool,
) -> None:
    """Run the partitions of ASSET that are missing or failed, and no others.

    \b
        cascade backfill weather_observations
        cascade backfill weather_observations --from 2024-01-01 --to 2024-03-31 --parallel 4
        cascade backfill weather_observations --stale --dry-run

    The ledger of the table says which partitions are published. You can stop a backfill at any time, with Ctrl-C too,
    and start it again: it goes on with what is left. A run that fails does not stop the others. With `--parallel`, a
    partition whose process is killed runs again in another. `cascade dev` shows the runs as one backfill.

    `--missing`, `--failed` and `--stale` can be combined. A partition is stale if another version of the code published
    it, or if an upstream asset was materialized later. Exits with 1 if a run failed, or if the backfill was stopped.
    """
    if span is not None:
        if first is not None or last is not None:
            raise UsageError("--partition-range has both ends, so it excludes --from and --to.")
        from cascade.partition_keys import ends_of_range

        first, last = ends_of_range(span)
    with ExitStack() as stack:
        with out.waiting("loading the project"), collector_paused(for_good=True):
            import dagster as dg

            from cascade.cli.states import open_states, workflow_declarations
            from cascade.framework.backfill_record import BackfillRecord
            from cascade.framework.backfill_selection import DEFAULT_KINDS, check_range, select
            from cascade.framework.stale import end_stale_runs
            from cascade.processes.backfill import run_backfill
            from cascade.processes.partition_worker import Job
            from cascade.processes.stop_signals import Stopped

            (declaration,) = workflow_declarations(invocation, asset)
            config, program = invocation.config, typed_program()
            given = {"missing": missing, "failed": failed, "stale": stale}
            options = [f"--{kind}" for kind in given if given[kind]]
            options += ["--parallel", str(parallel)] if parallel > 1 else []
            check_range(
                declaration,
                first,
                last,
                partition_start=config.partition_start,
                command=f"{program} backfill",
                options=[*options, *(["--dry-run"] if dry_run else [])],
            )
            instance, states_of = stack.enter_context(open_states(invocation))
            lost = end_stale_runs(instance)
            (states,) = states_of([declaration])
        selection = select(states, first, last, tuple(kind for kind in given if given[kind]) or DEFAULT_KINDS)
        for run_id in lost:
            out.warn(f"the run {run_id} was interrupted and is now marked as failed.")
        if states.problem:
            out.warn(f"the table {declaration.table} cannot be read: {states.problem}")
        partitions = list(selection.partitions)
        if dry_run or not partitions:
            out.json(selection_document(states, selection))
            tell_selection(out, states, selection)
            return
        invocation.with_dbt = False
        definitions, key = invocation.definitions(), dg.AssetKey(list(declaration.asset_key))
        for failure in invocation.failures:
            out.warn(f"not loaded: {failure}")
        named = [each for each in partitions if each is not None]
        record = BackfillRecord.create(instance, definitions, key, named) if named else None
        begin = stack.enter_context(out.progress(f"backfill {states.asset}", len(partitions)))
        results: list[PartitionResult] = []

        def tell_next() -> None:
            left = partitions[len(results) :] if parallel == 1 else []
            begin((left[0] or "") if left else "")

        def tell_lost(lost: PartitionResult) -> None:
            # To Dagster, the run would stay in progress, and fail after the one that takes its place.
            end_stale_runs(instance)
            out.warn(f"{states.asset} {lost.partition or ''}".rstrip() + f": {lost.error} It runs again in another.")

        tell_next()
        stopped = False
        try:
            for result in run_backfill(
                Job(states.asset, invocation.project.modules, dict(record.tags) if record else {}, verbose),
                partitions,
                parallel=parallel,
                definitions=definitions,
                instance=instance,
                packages=tuple(dict.fromkeys(name.partition(".")[0] for name in invocation.module_names)),
                stopping=lambda: out.warn(
                    "stopping: no further run starts, those under way are interrupted. Press Ctrl-C again to kill them."
                ),
                taken_again=tell_lost,
            ):
                results.append(result)
                tell_next()
                report(out, states, result)
        except Stopped:
            stopped = True
        if any(result.run_id is None for result in results):
            # The pool of the table must not stay taken by a run whose process is gone.
            end_stale_runs(instance)
        if record is not None:
            record.finish(
                materialized=[result.partition for result in results if result.success],
                failed=[result.partition for result in results if not result.success and not result.interrupted],
                stopped=stopped,
            )
    ends = [word for option, value in (("--from", first), ("--to", last)) if value for word in (option, value)]
    again = shlex.join(["backfill", states.asset, *ends, *options])
    out.json(result_document(states, selection, results, record.backfill_id if record else None, stopped=stopped))
    summarize(out, states, selection, results, f"{program} {again}", program, stopped=stopped)
    if stopped or not all(result.success for result in results):
        raise click.exceptions.Exit(1)
