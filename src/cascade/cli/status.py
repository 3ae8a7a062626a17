"""`status`: which partitions of the workflows are published, missing, failed and stale."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from typing import TYPE_CHECKING

import click

from cascade.cli.completion import complete_assets
from cascade.cli.context import Invocation
from cascade.cli.options import json_option
from cascade.cli.states import open_states, ranges_text, workflow_declarations
from cascade.collector import collector_paused
from cascade.terminal.output import Output

if TYPE_CHECKING:
    from cascade.framework.partition_states import PartitionStates
    from cascade.framework.run_history import LastRun
    from cascade.iceberg.ledger import PartitionSet

_COLUMNS = ("asset", "published", "missing", "failed", "stale", "rows", "refused", "fresh", "last run")


@click.command(short_help="Show which partitions are published, missing, failed and stale.")
@click.argument("asset", required=False, shell_complete=complete_assets)
@json_option
@click.pass_obj
def status(invocation: Invocation, out: Output, asset: str | None) -> None:
    """Show the state of every workflow, or of ASSET with its partitions.

    \b
        cascade status
        cascade status weather_observations

    A partition is published if the ledger of the table has it, missing if it has ended and is not published, and failed
    if its last run failed. It is stale if another version of the code published it, or if an upstream asset was
    materialized later. A new code version comes from an edit of the workflow, or of what it imports; see
    `cascade plan`. The ledger is the record, in the table, of what its runs have published.

    `rows` counts those of the table, and `refused` those of its quarantine. `fresh` compares the last materialization
    with the `freshness_hours` of the workflow.

    Modules that do not load are reported on standard error, with exit code 1.
    """
    with ExitStack() as stack:
        with out.waiting("loading the project"), collector_paused(for_good=True):
            declarations = workflow_declarations(invocation, asset)
            _, states_of = stack.enter_context(open_states(invocation))
        states = states_of(declarations)
    _, failures = invocation.loaded
    out.json({"workflows": [each.document() for each in states], "failures": [str(failure) for failure in failures]})
    if asset is not None:
        _tell(out, states[0], invocation.program)
    elif states:
        out.table(_COLUMNS, [_row(each) for each in states], whole=True)
    else:
        out.say("There are no workflows yet.")
    for each in states:
        if each.problem:
            out.warn(f"the table {each.declaration.table} cannot be read: {each.problem}")
    for failure in failures:
        out.warn(f"not loaded: {failure}")
    if failures:
        raise click.exceptions.Exit(1)


def _row(states: PartitionStates) -> tuple[object, ...]:
    return (
        states.asset,
        f"{len(states.published)}/{len(states.closed)}",
        len(states.missing),
        len(states.failed),
        len(states.stale),
        states.rows,
        states.refused,
        states.freshness,
        _last_run(states.history.last_run, brief=True),
    )


def _tell(out: Output, states: PartitionStates, program: str) -> None:
    declaration = states.declaration
    length = f"{declaration.partitions} partitions" if declaration.partitions else "without partitions"
    out.say(f"{states.asset}: table {declaration.table}, {length}")
    for name, partitions in _sets(states):
        total = f" of {len(states.closed)}" if name == "published" else ""
        keys = ranges_text(partitions.ranges)
        out.say(f"  {name:<10} {len(partitions)}{total}{f': {keys}' if keys else ''}")
    rows = "unknown" if states.rows is None else states.rows
    out.say(f"  {'rows':<10} {rows}, and {states.refused} refused")
    out.say(f"  {'last run':<10} {_last_run(states.history.last_run) or 'none'}")
    if states.freshness is not None:
        _, fail = declaration.freshness_hours or (None, 0.0)
        out.say(f"  {'fresh':<10} {states.freshness}, by a limit of {fail:g} hours")
    if states.missing or states.failed or states.stale:
        out.say(f"See what a backfill would run: {program} plan {states.asset}")


def _sets(states: PartitionStates) -> Iterable[tuple[str, PartitionSet]]:
    for name in ("published", "missing", "failed", "running", "stale"):
        found: PartitionSet = getattr(states, name)
        if found or name != "running":
            yield name, found


def _last_run(run: LastRun | None, *, brief: bool = False) -> str | None:
    if run is None:
        return None
    started = f" {run.started:%Y-%m-%d %H:%M} UTC" if run.started else ""
    partition = f", partition {run.partition}" if run.partition and not brief else ""
    return f"{run.status.lower()}{started}{partition}{'' if brief else f', run {run.run_id}'}"
