"""`table`: the tables of the lakehouse, and their rows."""

from __future__ import annotations

import click

from cascade.cli.completion import complete_tables
from cascade.cli.context import Invocation
from cascade.cli.listing import in_seconds
from cascade.cli.options import json_option
from cascade.cli.table_diff import diff
from cascade.cli.table_erase import erase
from cascade.cli.table_history import history
from cascade.cli.table_named import require_table
from cascade.cli.table_query import query
from cascade.cli.table_rollback import rollback
from cascade.terminal.output import Output
from cascade.terminal.words import human_size


@click.group(short_help="Inspect tables, undo their runs, and erase rows.")
def table() -> None:
    """Inspect the tables of the lakehouse, undo their runs, and erase rows."""


table.add_command(query)
table.add_command(history)
table.add_command(diff)
table.add_command(rollback)
table.add_command(erase)


@table.command("list", short_help="List the tables of the lakehouse.")
@json_option
@click.pass_obj
def list_tables(invocation: Invocation, out: Output) -> None:
    """List every table of the lakehouse, with its rows, the size of its files, and its last snapshot.

    The column published has the number of partitions that runs have published, with and without rows.

    A table of refused rows follows the table that refused them.
    """
    from cascade.iceberg import open_lakehouse
    from cascade.iceberg.overview import overviews

    invocation.require_project()
    found = list(overviews(open_lakehouse(invocation.config)))
    out.json({"tables": [each.document() for each in found]})
    rows = [
        (
            each.name,
            "refused rows" if each.quarantine_of else "table",
            each.rows,
            each.published,
            None if each.size is None else human_size(each.size),
            in_seconds(each.written_at),
            str(each.snapshot_id) if each.snapshot_id else None,
        )
        for each in found
    ]
    if rows:
        out.table(("table", "kind", "rows", "published", "size", "written (UTC)", "snapshot"), rows, whole=True)
    else:
        out.say("There are no tables yet.")
        out.say(f"See which can be materialized: {invocation.program} list")
    for each in found:
        if each.problem:
            out.warn(f"{each.name} cannot be read: {each.problem}")
    if any(each.problem for each in found):
        raise click.exceptions.Exit(1)


@table.command(short_help="Print rows of a table.")
@click.argument("name", metavar="TABLE", shell_complete=complete_tables)
@click.option(
    "--limit", metavar="N", type=click.IntRange(min=0), default=10, show_default=True, help="How many rows to print."
)
@json_option
@click.pass_obj
def show(invocation: Invocation, out: Output, name: str, limit: int) -> None:
    """Print rows of TABLE, such as weather_observations or raw.weather_observations.

    \b
        cascade table show weather_observations --limit 20

    Refused rows are in a separate table, such as weather_observations__quarantine: see `quarantine show`.
    """
    from cascade.iceberg import open_lakehouse
    from cascade.iceberg.hidden import visible
    from cascade.iceberg.ledger import published_partitions
    from cascade.iceberg.row_count import live_rows
    from cascade.iceberg.storage_errors import storage_errors_named

    invocation.require_project()
    lakehouse = open_lakehouse(invocation.config)
    ref, found = require_table(invocation, lakehouse, name)
    columns = visible(field.name for field in found.schema().fields)
    with storage_errors_named(lakehouse, ref, "read"):
        rows = found.scan(limit=limit, selected_fields=tuple(columns)).to_arrow()
    snapshot = found.current_snapshot()
    total = live_rows(snapshot)
    out.json(
        {
            "table": ref.full_name,
            "columns": [
                {"name": field.name, "type": str(field.field_type)}
                for field in found.schema().fields
                if field.name in columns
            ],
            "rows": rows.to_pylist(),
            "total_rows": total,
            "published": [
                {"first": each.first, "last": each.last, "count": each.count, "code_version": each.code_version}
                for each in published_partitions(found).ranges
            ],
            # A string, because JavaScript cannot represent such large integers.
            "snapshot_id": str(snapshot.snapshot_id) if snapshot else None,
        }
    )
    out.table(rows.column_names, [tuple(row.values()) for row in rows.to_pylist()], fit=True)
    of_total = f" of {total}" if total is not None else ""
    out.say(f"{rows.num_rows}{of_total} rows of {ref}, " + _snapshot_text(snapshot))


def _snapshot_text(snapshot: object) -> str:
    identifier = getattr(snapshot, "snapshot_id", None)
    return f"snapshot {identifier}" if identifier is not None else "no snapshot yet"
