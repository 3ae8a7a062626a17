"""`table rollback`: move main back to an earlier state."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from cascade.cli.completion import complete_tables
from cascade.cli.context import Invocation
from cascade.cli.diff_output import diff_document, print_diff, without_sensitive
from cascade.cli.options import json_option
from cascade.cli.table_named import open_table
from cascade.exceptions import UsageError
from cascade.table_ref import MAIN_BRANCH
from cascade.terminal.output import Output
from cascade.terminal.questions import can_ask
from cascade.terminal.words import counted

if TYPE_CHECKING:
    from cascade.iceberg.ledger import Scheme

_SHOWN_KEYS = 5


@click.command(short_help="Move main of a table back to an earlier state.")
@click.argument("name", metavar="TABLE", shell_complete=complete_tables)
@click.argument("state", metavar="STATE")
@click.option("--yes", is_flag=True, help="Do not ask. Required where nobody can answer.")
@json_option
@click.pass_obj
def rollback(invocation: Invocation, out: Output, name: str, state: str, yes: bool) -> None:
    """Let the readers of TABLE see STATE again: a tag, the id of a snapshot, or a time in UTC. A date means its end.

    \b
        cascade table rollback weather_observations 2024-01-15T08:00
        cascade table rollback weather_observations 6042318420338718843 --yes

    Shows what changes, and asks. main moves in one commit, if no other writer commits meanwhile. Partitions that
    were published after STATE count as missing again, and the cursors of sources that have moved since are reset, so
    that the next run of each partition reads its source from the beginning. Rows of replays go back to the quarantine.

    The snapshots that main leaves are kept as long as any other, so that a rollback can be undone by another one.
    """
    from cascade.iceberg.diff import diff_tables
    from cascade.iceberg.ledger import published_partitions
    from cascade.iceberg.rollback import check_unmoved, plan_rollback, roll_back
    from cascade.iceberg.undone_replays import return_replayed
    from cascade.iceberg.working_branch import require_main
    from cascade.runs.dlt_session import states_of
    from cascade.runs.rewound_states import states_reset

    lakehouse, ref, table = open_table(invocation, name)
    require_main(lakehouse)
    planned = plan_rollback(table, ref, state)
    if not yes and not can_ask(as_json=out.as_json):
        raise UsageError(
            "A rollback asks before it changes what readers see, and nobody can answer here.",
            hint=f"See what would change: {invocation.program} table diff {ref.full_name} {MAIN_BRANCH} {state}\n"
            "Roll back without a question: add --yes.",
        )
    found = diff_tables(planned.before, planned.after, shown=without_sensitive(invocation, out, ref))
    if not out.as_json:
        print_diff(out, ref, found, markdown=False)
    if not yes and not click.confirm(f"Move {MAIN_BRANCH} of {ref.full_name} back?", err=True):
        raise click.Abort
    states = states_of(lakehouse.dlt_directory, ref)
    with states_reset(states, ref.full_name, planned.time, lambda: check_unmoved(lakehouse, planned)) as reset:
        returned = return_replayed(lakehouse, ref, planned.undone)
        roll_back(lakehouse, planned)
    asset, scheme = "/".join(ref.asset_key), published_partitions(table).scheme
    fill = _command(invocation.program, asset, planned.missing, scheme)
    again = _command(invocation.program, asset, planned.older, scheme)
    out.json(
        {
            "table": ref.full_name,
            # Strings, because JavaScript cannot represent such large integers.
            "from_snapshot_id": str(planned.undone[0].snapshot_id) if planned.undone else None,
            "snapshot_id": str(planned.snapshot_id),
            "diff": diff_document(ref, found),
            "missing": list(planned.missing),
            "older": list(planned.older),
            "reset_cursors": reset,
            "returned_to_quarantine": returned,
            "commands": [command for command in (fill, again) if command],
        }
    )
    out.say(f"{MAIN_BRANCH} of {ref.full_name} is at snapshot {planned.snapshot_id} again.")
    if fill:
        out.say(f"Missing now: {_listed(planned.missing)}. Fill them again: {fill}")
    if again:
        out.say(f"As an earlier run left them: {_listed(planned.older)}. Run them again: {again}")
    if returned:
        out.say(f"{counted(returned, 'row')} of replays {'is' if returned == 1 else 'are'} in the quarantine again.")
    if reset:
        out.say(f"{counted(reset, 'cursor')} reset: the next run of each reads its source from the beginning.")


def _listed(keys: Sequence[str | None]) -> str:
    if list(keys) == [None]:
        return "the table"
    shown = [str(key) for key in keys[:_SHOWN_KEYS]]
    return ", ".join([*shown, *([f"and {len(keys) - _SHOWN_KEYS} more"] if len(keys) > _SHOWN_KEYS else [])])


def _command(program: str, asset: str, keys: Sequence[str | None], scheme: Scheme) -> str | None:
    """Return the command that runs partitions; None for none."""
    if not keys:
        return None
    ranges: list[tuple[str, str]] = []
    last: int | None = None
    for key in keys:
        if key is None:
            continue
        position = scheme.position(key)
        if last is not None and position == last + 1:
            ranges[-1] = (ranges[-1][0], key)
        else:
            ranges.append((key, key))
        last = position
    words = [
        word
        for first, end in ranges
        for word in (("--partition", first) if first == end else ("--partition-range", f"{first}...{end}"))
    ]
    return shlex.join([*program.split(), "materialize", asset, *words])
