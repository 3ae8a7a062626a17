"""`plan`: what backfills would run, and why."""

from __future__ import annotations

import shlex
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from cascade.cli.backfill_output import tell_reasons
from cascade.cli.completion import complete_assets
from cascade.cli.context import Invocation
from cascade.cli.options import json_option
from cascade.cli.states import open_states, ranges_text, workflow_declarations
from cascade.collector import collector_paused
from cascade.terminal.output import Output
from cascade.terminal.words import counted

if TYPE_CHECKING:
    from cascade.framework.backfill_plan import Plan
    from cascade.framework.backfill_selection import Selection


@click.command(short_help="Show what a backfill would run, and why.")
@click.argument("asset", required=False, shell_complete=complete_assets)
@json_option
@click.pass_obj
def plan(invocation: Invocation, out: Output, asset: str | None) -> None:
    """Show which partitions a backfill of every workflow, or of ASSET, would run, and why. It runs nothing.

    \b
        cascade plan
        cascade plan weather_observations

    Call it after an edit to see which partitions the old code published, and which workflows depend on them.

    Modules that do not load are reported on standard error, with exit code 1.
    """
    with ExitStack() as stack:
        with out.waiting("loading the project"), collector_paused(for_good=True):
            from cascade.framework.backfill_plan import plans

            wanted = {declaration.asset_key for declaration in workflow_declarations(invocation, asset)}
            _, states_of = stack.enter_context(open_states(invocation))
        # What depends on an asset may be any other one.
        states = states_of(workflow_declarations(invocation, None))
    found = [each for each in plans(states) if each.states.declaration.asset_key in wanted]
    _, failures = invocation.loaded
    out.json({"plans": [_document(each) for each in found], "failures": [str(failure) for failure in failures]})
    for each in found:
        if each.states.problem:
            out.warn(f"the table {each.states.declaration.table} cannot be read: {each.states.problem}")
        _tell(out, each, invocation.program)
    if not any(found):
        out.say("Nothing to do: no partition is missing, failed or stale.")
    for failure in failures:
        out.warn(f"not loaded: {failure}")
    if failures:
        raise click.exceptions.Exit(1)


def _tell(out: Output, found: Plan, program: str) -> None:
    name = shlex.quote(found.states.asset)
    for selection, option in ((found.due, ""), (found.stale, " --stale")):
        if not selection.partitions:
            continue
        total = counted(len(selection.candidates), "partition")
        out.say(f"{program} backfill {name}{option} would run {len(selection.partitions)} of {total}:")
        tell_reasons(out, selection)
    for asset, partitions in found.affected.items():
        keys = ranges_text(partitions.ranges)
        out.say(f"  then stale: {counted(len(partitions), 'partition')} of {asset}{f', {keys}' if keys else ''}")


def _document(found: Plan) -> dict[str, Any]:
    def reasons(selection: Selection) -> dict[str, list[str | None]]:
        return {reason: list(partitions) for reason, partitions in selection.reasons.items()}

    return {
        "asset": found.states.asset,
        "table": found.states.declaration.table,
        "due": reasons(found.due),
        "stale": reasons(found.stale),
        "then_stale": {asset: list(partitions) for asset, partitions in found.affected.items()},
        "problem": found.states.problem,
    }
