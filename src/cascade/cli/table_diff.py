"""`table diff`: what differs between two states of a table."""

from __future__ import annotations

import click

from cascade.cli.completion import complete_tables
from cascade.cli.context import Invocation
from cascade.cli.diff_output import check_format, compare
from cascade.cli.options import diff_options, json_option
from cascade.cli.table_named import open_table
from cascade.table_ref import MAIN_BRANCH
from cascade.terminal.output import Output


@click.command(short_help="Compare two states of a table, row by row.")
@click.argument("name", metavar="TABLE", shell_complete=complete_tables)
@click.argument("before", metavar="FROM")
@click.argument("after", metavar="[TO]", default=MAIN_BRANCH)
@diff_options
@json_option
@click.pass_obj
def diff(
    invocation: Invocation, out: Output, name: str, before: str, after: str, examples: int, markdown: bool
) -> None:
    """Compare the rows of TABLE in two states, and show which were added, removed and changed.

    \b
        cascade table diff weather_observations 2024-01-15
        cascade table diff weather_observations 6042318420338718843 main --markdown

    FROM and TO are branches, tags, ids of snapshots, or times in UTC. A date means its end. TO is main by default. Only
    files that differ are read, so the time depends on the change and not on the table.

    The exit code is 0 whether or not there is a difference.
    """
    check_format(out, markdown=markdown)
    _, ref, table = open_table(invocation, name)
    compare(invocation, out, ref, table, before, after, examples=examples, markdown=markdown)
