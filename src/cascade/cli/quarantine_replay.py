"""`quarantine replay`: land refused rows that pass now."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from cascade.cli.completion import complete_tables
from cascade.cli.context import Invocation
from cascade.cli.options import json_option
from cascade.cli.quarantine_named import check_refused_keys
from cascade.cli.run_output import report_outcome, runs_document
from cascade.cli.table_named import open_table
from cascade.collector import collector_paused
from cascade.exceptions import UsageError
from cascade.table_ref import QUARANTINE_SUFFIX
from cascade.terminal.output import Output
from cascade.terminal.words import counted

if TYPE_CHECKING:
    from cascade.framework.runs import RunOutcome
    from cascade.iceberg.quarantined_rows import Quarantined
    from cascade.ingestion import IngestionWorkflow
    from cascade.ingestion.replay_rows import Foretold
    from cascade.table_ref import TableRef


@click.command(short_help="Land the refused rows that pass now.")
@click.argument("name", metavar="TABLE", shell_complete=complete_tables)
@click.option("--partition", "keys", metavar="KEY", multiple=True, help="Only this partition. May be repeated.")
@click.option("--dry-run", is_flag=True, help="Only count the rows that would leave the quarantine.")
@json_option
@click.pass_obj
def replay(invocation: Invocation, out: Output, name: str, keys: Sequence[str], dry_run: bool) -> None:
    """Judge the refused rows of TABLE again, and land those that pass now.

    \b
        cascade quarantine replay weather_observations
        cascade quarantine replay weather_observations --partition 2024-01-15 --dry-run

    Correct the schema first. The rows are judged as the source gave them, without asking the source again, and land
    as in a run, unless somebody has written a newer version of their keys meanwhile. Rows that are still refused
    stay, with the rule that refuses them now. You can safely replay again.

    Each partition is one Dagster run, with the checks of the table. Exits with 1 if a run failed, or if no row of a
    partition could leave the quarantine.
    """
    from cascade.iceberg.quarantined_rows import quarantined_partitions, quarantined_rows
    from cascade.ingestion.rejudging import check_replayable

    lakehouse, ref, _ = open_table(invocation, name.removesuffix(QUARANTINE_SUFFIX))
    workflow = _workflow(invocation, ref)
    check_replayable(workflow.declaration)
    rows = quarantined_rows(lakehouse, ref.quarantine)
    found = [] if rows is None else quarantined_partitions(rows, ref)
    check_refused_keys(ref, keys, [each.partition for each in found])
    # If partitions refused the same key, its newest row comes first, and older ones do not wait for it.
    found.sort(key=lambda each: each.refused_at.timestamp() if each.refused_at else 0.0, reverse=True)
    chosen = [each for each in found if not keys or each.partition in keys]
    foreign = _foreign(invocation, workflow, chosen)
    for each in foreign:
        out.warn(_stays(invocation, ref, workflow, each))
    partitions = [each.partition for each in chosen if each not in foreign]
    if foreign and not partitions:
        out.json({"partitions": []} if dry_run else runs_document([]))
    elif rows is None or not partitions:
        out.json({"partitions": []} if dry_run else runs_document([]))
        out.say(f"{ref.full_name} has no refused rows.")
    elif dry_run:
        from cascade.ingestion.replay_rows import foretell

        _tell(out, ref, list(foretell(workflow.declaration, lakehouse, rows, partitions)))
    else:
        outcomes = _runs(invocation, out, workflow, partitions)
        out.json(runs_document(outcomes))
        _summary(out, ref, outcomes)
        if not all(outcome.success for outcome in outcomes):
            raise click.exceptions.Exit(1)
    if foreign:
        raise click.exceptions.Exit(1)


def _foreign(
    invocation: Invocation, workflow: IngestionWorkflow[..., object], found: Sequence[Quarantined]
) -> list[Quarantined]:
    """Return the partitions that the workflow does not have, because it has got others since they refused rows."""
    from cascade.exceptions import PartitionError
    from cascade.partition_keys import check_key
    from cascade.partitions import default_partition_start, partitions_definition

    with default_partition_start(invocation.config.partition_start):
        partitions = partitions_definition(workflow.declaration)
        foreign = []
        for each in found:
            try:
                check_key(each.table.full_name, partitions, each.partition)
            except PartitionError:
                foreign.append(each)
    return foreign


def _stays(invocation: Invocation, ref: TableRef, workflow: IngestionWorkflow[..., object], found: Quarantined) -> str:
    command = f"{invocation.program} materialize {'/'.join(workflow.declaration.asset_key)}"
    partition = " --partition KEY" if workflow.declaration.partitions else ""
    return (
        f"{ref.full_name}{_of(found.partition)}: {counted(found.rows, 'refused row')} cannot be replayed: the workflow "
        f"no longer has {'this partition' if found.partition else 'runs without a partition'}. "
        f"Run it again: {command}{partition}"
    )


def _workflow(invocation: Invocation, ref: TableRef) -> IngestionWorkflow[..., object]:
    workflow = invocation.workflow_named(ref.full_name)
    if workflow is not None:
        return workflow
    broken = invocation.broken_named(ref.full_name)
    if broken is not None:
        raise broken.failure
    raise UsageError(
        f"No workflow of the project fills {ref.full_name}, so no schema can judge its refused rows.",
        hint=f"See its workflows: {invocation.program} list",
    )


def _runs(
    invocation: Invocation, out: Output, workflow: IngestionWorkflow[..., object], partitions: Sequence[str | None]
) -> list[RunOutcome]:
    outcomes = []
    with ExitStack() as stack:
        with out.waiting("loading the project"), collector_paused(for_good=True):
            from cascade.framework.instance import open_instance
            from cascade.framework.runs import run_partitions
            from cascade.ingestion.replay import REPLAY_TAG

            invocation.with_dbt = False
            definitions = invocation.definitions()
            packages = tuple(dict.fromkeys(name.partition(".")[0] for name in invocation.module_names))
            instance = stack.enter_context(open_instance(invocation.config))
        begin = stack.enter_context(out.progress("replay", len(partitions)))
        asset = workflow.key.to_user_string()
        for outcome in run_partitions(
            definitions,
            workflow.key,
            partitions,
            instance=instance,
            packages=packages,
            starting=lambda partition: begin(f"{asset} {partition or ''}"),
            tags={REPLAY_TAG: "true"},
        ):
            outcomes.append(outcome)
            report_outcome(out, outcome, alone=True, traceback=invocation.debug)
    return outcomes


def _summary(out: Output, ref: TableRef, outcomes: Sequence[RunOutcome]) -> None:
    for outcome in outcomes:
        report = outcome.report
        if report is not None:
            landed = f"{report.rows_inserted} inserted, {report.rows_updated} updated"
            left = f"{counted(report.rows_good, 'row')} left the quarantine ({landed}), {report.rows_refused} stay"
            out.say(f"{ref.full_name}{_of(outcome.partition)}: {left}.")


def _tell(out: Output, ref: TableRef, found: Sequence[Foretold]) -> None:
    for each in found:
        rows = counted(each.rows, "refused row")
        out.say(f"{ref.full_name}{_of(each.partition)}: {each.leaving} of {rows} would leave the quarantine.")
        if each.outdated:
            out.say(f"  {each.outdated} would not land: a newer version of the key is in the table.")
        for notice in each.notices:
            out.say(f"  {notice}")
    out.json({"partitions": [_document(each) for each in found]})


def _document(found: Foretold) -> dict[str, Any]:
    return {
        "partition": found.partition,
        "rows": found.rows,
        "pass": found.passing,
        "leave": found.leaving,
        "outdated": found.outdated,
        "cannot_be_judged": found.left,
        "notices": list(found.notices),
    }


def _of(partition: str | None) -> str:
    return f" of {partition}" if partition else ""
