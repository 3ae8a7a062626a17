"""`maintain`: keep tables fast and small."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cascade.cli.completion import complete_tables
from cascade.cli.context import Invocation
from cascade.cli.options import json_option
from cascade.cli.table_named import require_table
from cascade.terminal.output import Output
from cascade.terminal.words import counted, human_size

if TYPE_CHECKING:
    from cascade.iceberg.maintenance import Maintained


@click.command(short_help="Compact tables, and remove what they no longer need.")
@click.argument("name", metavar="[TABLE]", default=None, required=False, shell_complete=complete_tables)
@click.option("--dry-run", is_flag=True, help="Print what would be done, and change nothing.")
@json_option
@click.pass_obj
def maintain(invocation: Invocation, out: Output, name: str | None, dry_run: bool) -> None:
    """Maintain TABLE, or all tables of the workflows of the project and their quarantines.

    \b
        cascade maintain --dry-run
        cascade maintain weather_observations

    Small files, and files with many deleted rows, are written anew. Snapshots, and branches of failed checks, that
    were kept long enough expire. Files that no state of the table has needed for some time are removed; the setting
    orphan_age_hours says how long. Runs and readers can be at work meanwhile.

    Exit code 1 means that something could not be done, or that a module does not load.
    """
    from cascade.iceberg import open_lakehouse
    from cascade.maintenance import project_tables

    invocation.require_project()
    lakehouse = open_lakehouse(invocation.config)
    ref = require_table(invocation, lakehouse, name)[0] if name is not None else None
    collected, failures = invocation.loaded
    hours = invocation.config.orphan_age_hours
    tasks = project_tables.tasks_of((workflow.declaration for workflow in collected.workflows), hours)
    if ref is not None:
        found = [task for task in tasks if task.ref == ref]
        tasks, failures = found or [project_tables.Task(ref, hours * 3600.0)], ()
    done = list(project_tables.maintain(lakehouse, tasks, dry_run=dry_run))
    out.json({"dry_run": dry_run, "tables": [_document(each) for each in done]})
    _print(out, done, dry_run=dry_run)
    for each in done:
        if each.kept:
            out.say(each.kept)
        for problem in each.problems:
            out.error(f"{each.table}: {problem}")
    for failure in failures:
        out.warn(f"not loaded, so its table was left alone: {failure}")
    if failures or any(each.problems for each in done):
        raise click.exceptions.Exit(1)


def _print(out: Output, done: list[Maintained], *, dry_run: bool) -> None:
    rows = [
        (
            each.table,
            f"{each.files_before} -> {each.files_after}" if each.files_before else None,
            each.snapshots or None,
            len(each.branches) or None,
            each.orphans or None,
            human_size(each.orphan_bytes) if each.orphans else None,
        )
        for each in done
        if each.changes
    ]
    if rows:
        columns = ("table", "rewritten files", "expired snapshots", "removed branches", "removed files", "freed")
        out.table(columns, rows, whole=True)
    idle = sum(not each.changes and not each.problems for each in done)
    if idle:
        out.say(f"Nothing to do for {counted(idle, 'table')}.")
    if not done:
        out.say("The workflows of the project have no tables yet.")
    elif rows and dry_run:
        out.say("This is what would be done. Nothing was changed.")


def _document(done: Maintained) -> dict[str, object]:
    return {
        "table": done.table,
        "files_before": done.files_before,
        "files_after": done.files_after,
        "expired_snapshots": done.snapshots,
        "removed_branches": list(done.branches),
        "removed_files": done.orphans,
        "freed_bytes": done.orphan_bytes,
        "files_kept_because": done.kept or None,
        "problems": list(done.problems),
    }
