"""`table history`: the snapshots of a table."""

from __future__ import annotations

import click

from cascade.cli.completion import complete_tables
from cascade.cli.context import Invocation
from cascade.cli.listing import in_seconds
from cascade.cli.options import json_option
from cascade.cli.table_named import open_table
from cascade.terminal.output import Output
from cascade.terminal.words import counted

_LEFT = "(dropped)"


@click.command(short_help="List the snapshots of a table.")
@click.argument("name", metavar="TABLE", shell_complete=complete_tables)
@click.option(
    "--limit", metavar="N", type=click.IntRange(min=1), default=20, show_default=True, help="How many to print."
)
@click.option("--all", "everything", is_flag=True, help="List the snapshots of dropped branches too.")
@json_option
@click.pass_obj
def history(invocation: Invocation, out: Output, name: str, limit: int, everything: bool) -> None:
    """List the snapshots of TABLE, newest first, with the run that made each one.

    \b
        cascade table history weather_observations
        cascade table history weather_observations --limit 100 --json

    The column "change" has the rows that a snapshot added or removed on balance: 0 if it only replaced some. The
    readers of a branch see the snapshot that names it in the column "branch". The others are kept for a while, so that
    you can compare with them and go back to them: see `table diff` and `table rollback`. What only a dropped branch
    had, such as that of a `cascade ci`, is not listed without `--all`.
    """
    from cascade.iceberg.history import history_of

    _, ref, table = open_table(invocation, name)
    listed = history_of(table)
    entries = [entry for entry in listed if everything or not entry.is_left]
    left = len(listed) - len(entries)
    out.json({"table": ref.full_name, "snapshots": [entry.document() for entry in entries[:limit]]})
    if not listed:
        out.say(f"{ref} has no snapshots yet.")
        return
    rows = [
        (
            str(entry.snapshot_id),
            in_seconds(entry.written_at),
            entry.rows,
            f"{entry.change:+d}" if entry.change else entry.change,
            entry.partition,
            entry.run_id,
            ", ".join(entry.refs) or (_LEFT if entry.is_left else None),
        )
        for entry in entries[:limit]
    ]
    if rows:
        out.table(("snapshot", "written (UTC)", "rows", "change", "partition", "run", "branch"), rows, whole=True)
    if len(entries) > limit:
        out.say(f"{len(entries) - limit} more. For all: --limit {len(entries)}")
    if left:
        out.say(f"{counted(left, 'snapshot')} of dropped branches {'is' if left == 1 else 'are'} not listed: --all")
