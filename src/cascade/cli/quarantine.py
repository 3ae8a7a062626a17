"""`quarantine`: the refused rows of tables."""

from __future__ import annotations

import click

from cascade.cli.completion import complete_tables
from cascade.cli.context import Invocation
from cascade.cli.listing import in_seconds, print_listing
from cascade.cli.options import json_option
from cascade.cli.quarantine_drop import drop
from cascade.cli.quarantine_named import open_quarantine
from cascade.cli.quarantine_replay import replay
from cascade.terminal.output import Output
from cascade.terminal.words import counted

_COLUMNS = ("partition", "rule", "field", "message", "row", "run_id")


@click.group(short_help="Inspect, replay and drop refused rows.")
def quarantine() -> None:
    """Inspect, replay and drop the rows that schemas have refused.

    The schema of a workflow judges each row. Those that do not match it are kept in the quarantine of the table, with
    the rule that refused them, until a run brings them in a form that passes, or you replay or drop them.
    """


quarantine.add_command(replay)
quarantine.add_command(drop)


@quarantine.command("list", short_help="Count the refused rows of each partition.")
@click.argument("name", metavar="[TABLE]", default=None, required=False, shell_complete=complete_tables)
@json_option
@click.pass_obj
def list_quarantines(invocation: Invocation, out: Output, name: str | None) -> None:
    """List how many rows of each partition of TABLE, or of every table, are in the quarantine, and by which rules.

    \b
        cascade quarantine list
        cascade quarantine list weather_observations
    """
    from cascade.iceberg import open_lakehouse
    from cascade.iceberg.quarantined_rows import counted_quarantine, quarantines

    if name is not None:
        lakehouse, ref = open_quarantine(invocation, name)
        refs = [ref]
    else:
        invocation.require_project()
        lakehouse = open_lakehouse(invocation.config)
        refs = list(quarantines(lakehouse))
    found = [
        each
        for ref in refs
        if (table := lakehouse.load(ref.quarantine)) is not None
        for each in counted_quarantine(table, ref)
    ]
    print_listing(
        out,
        "quarantine",
        [each.document() for each in found],
        {
            "table": [each.table.full_name for each in found],
            "partition": [each.partition for each in found],
            "rows": [each.rows for each in found],
            "rules": [", ".join(f"{rule} {count}" for rule, count in each.rules.items()) for each in found],
            "last refused (UTC)": [in_seconds(each.refused_at) for each in found],
        },
        nothing=f"{refs[0].full_name} has no refused rows." if name else "No table has refused rows.",
    )


@quarantine.command(short_help="Print refused rows of a table.")
@click.argument("name", metavar="TABLE", shell_complete=complete_tables)
@click.option("--partition", "key", metavar="KEY", help="Only the rows of this partition.")
@click.option("--rule", metavar="RULE", help="Only the rows that this rule refused, such as less_than.")
@click.option(
    "--limit", metavar="N", type=click.IntRange(min=0), default=10, show_default=True, help="How many rows to print."
)
@json_option
@click.pass_obj
def show(invocation: Invocation, out: Output, name: str, key: str | None, rule: str | None, limit: int) -> None:
    """Print refused rows of TABLE with the rules that refused them, the oldest first.

    \b
        cascade quarantine show weather_observations --partition 2024-01-15
        cascade quarantine show weather_observations --rule less_than --limit 100 --json
    """
    from cascade.iceberg.quarantined_rows import no_quarantined_rows, quarantined_rows

    lakehouse, ref = open_quarantine(invocation, name)
    found = quarantined_rows(lakehouse, ref.quarantine)
    refused = (no_quarantined_rows() if found is None else found).to_pylist()
    rows = [
        {name: row[name] for name in _COLUMNS}
        for row in refused
        if (key is None or row["partition"] == key) and (rule is None or row["rule"] == rule)
    ]
    out.json({"table": ref.full_name, "rows": rows[:limit], "total_rows": len(rows)})
    if not refused:
        out.say(f"{ref.full_name} has no refused rows.")
        return
    if rows[:limit]:
        out.table(_COLUMNS[:-1], [tuple(row.values())[:-1] for row in rows[:limit]], fit=True)
    out.say(f"{len(rows[:limit])} of {counted(len(rows), 'refused row')} of {ref.full_name}")
    if not rows:
        out.say(f"See the partitions and rules that have some: {invocation.program} quarantine list {ref.full_name}")
    elif rows[:limit]:
        out.say("See whole rows: add --json")
