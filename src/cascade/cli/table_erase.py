"""`table erase`: remove rows from every state and every file of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from cascade.cli.completion import complete_tables
from cascade.cli.context import Invocation
from cascade.cli.options import json_option
from cascade.cli.table_named import open_table
from cascade.exceptions import CascadeError, UsageError
from cascade.table_ref import MAIN_BRANCH, QUARANTINE_SUFFIX, TableRef
from cascade.terminal.output import Output
from cascade.terminal.questions import can_ask
from cascade.terminal.words import counted

if TYPE_CHECKING:
    from pyiceberg.table import Table

    from cascade.iceberg import Lakehouse
    from cascade.iceberg.erasing import Condition, Erased


@click.command(short_help="Erase rows for good, from all states and files of a table.")
@click.argument("name", metavar="TABLE", shell_complete=complete_tables)
@click.option(
    "--where", metavar="FILTER", required=True, help="Which rows: an Iceberg filter over the table's columns."
)
@click.option("--dry-run", is_flag=True, help="Only count the rows and files.")
@click.option("--yes", is_flag=True, help="Do not ask. Required where nobody can answer.")
@json_option
@click.pass_obj
def erase(invocation: Invocation, out: Output, name: str, where: str, dry_run: bool, yes: bool) -> None:
    """Erase the rows of TABLE that meet FILTER, as a person may demand it of theirs. They cannot be brought back.

    \b
        cascade table erase orders --where "customer = 'c-1041'" --dry-run
        cascade table erase orders --where "customer in ('c-1041', 'c-1042')" --yes

    The rows leave main, all other branches and the refused rows. Every snapshot and tag that holds one goes at once
    with its files, so TABLE cannot be rolled back to it, and so do the branches of runs that wait for their checks. At
    the end every file that is stored for TABLE is read. If the command is interrupted, run it again.

    The ledger stays: no partition counts as missing. A run brings the rows back if its source still has them, so remove
    them there first. Models and marts that were built from TABLE keep them until they are built again, and so does the
    history of Dagster, which shows some rows of each run.

    Exit code 1 means that a file still holds such a row, or that a refused row could not be judged.
    """
    from cascade.iceberg.erasing import erase as erase_rows
    from cascade.iceberg.erasing import preview
    from cascade.iceberg.working_branch import require_main

    lakehouse, ref, table = open_table(invocation, name)
    require_main(lakehouse)
    if ref.name.endswith(QUARANTINE_SUFFIX):
        raise UsageError(
            f"{ref.full_name} has refused rows, whose columns are those of their source.",
            hint=f"Erase the rows of the table, which includes them: {invocation.program} table erase "
            f"{ref.full_name.removesuffix(QUARANTINE_SUFFIX)} --where FILTER",
        )
    conditions = _conditions(invocation, lakehouse, ref, table, where)
    age = _orphan_age(invocation, ref)
    with out.waiting("looking for rows"):
        found = [preview(lakehouse, each, condition, orphan_age=age) for each, condition in conditions.items()]
    if not out.as_json:
        for each in found:
            _tell(out, each)
    if dry_run or not any(found):
        out.json({"table": ref.full_name, "dry_run": dry_run, "erased": [_document(each) for each in found]})
        _tell_left(out, found, dry_run=True)
        if not dry_run and any(each.unclear for each in found):
            raise click.exceptions.Exit(1)
        return
    if not yes:
        if not can_ask(as_json=out.as_json):
            raise UsageError(
                "Rows are erased for good, and nobody can answer here whether they may be.",
                hint="Count them: add --dry-run. Erase them without a question: add --yes.",
            )
        if not click.confirm("Erase them for good?", err=True):
            raise click.Abort
    with out.progress("erasing", 0) as begin:
        done = [
            erase_rows(lakehouse, each, condition, orphan_age=age, begin=begin)
            for each, condition in conditions.items()
        ]
    out.json({"table": ref.full_name, "dry_run": False, "erased": [_document(each) for each in done]})
    rows, read = sum(each.rows for each in done), sum(each.read for each in done)
    left = sum(len(each.left) for each in done)
    proof = "none holds such a row" if not left else f"{left} still {'holds' if left == 1 else 'hold'} such rows"
    out.say(f"{counted(rows, 'row')} erased. {counted(read, 'file')} read afterwards: {proof}.")
    out.say("A run brings them back if its source still has them. Models and marts may have them until they are built")
    out.say("again, and Dagster's history shows some rows of each run.")
    _tell_left(out, done, dry_run=False)
    if left or any(each.unclear for each in done):
        raise click.exceptions.Exit(1)


def _conditions(
    invocation: Invocation, lakehouse: Lakehouse, ref: TableRef, table: Table, where: str
) -> Mapping[TableRef, Condition]:
    """Return the condition for the table, and that for its quarantine if there is one."""
    from cascade.iceberg.erasing import condition_of, refused_condition_of

    found = {ref: condition_of(table, ref, where)}
    if lakehouse.load(ref.quarantine) is not None:
        found[ref.quarantine] = refused_condition_of(table, ref, where, _source_names(invocation, ref))
    return found


def _source_names(invocation: Invocation, ref: TableRef) -> Mapping[str, Sequence[str]]:
    """Return under which names the source of a table has its columns."""
    from cascade.schemas import declared_schema

    workflow = invocation.workflow_named(ref.full_name)
    schema = workflow.declaration.validation_schema if workflow is not None else None
    if schema is None:
        return {}
    try:
        return {column.name: column.source_names for column in declared_schema(schema).columns}
    except CascadeError:
        return {}


def _orphan_age(invocation: Invocation, ref: TableRef) -> float:
    workflow = invocation.workflow_named(ref.full_name)
    longest = workflow.declaration.max_runtime_seconds if workflow is not None else None
    return max(invocation.config.orphan_age_hours * 3600.0, float(longest or 0))


def _tell(out: Output, found: Erased) -> None:
    if not found:
        out.say(f"{found.table}: no state and no file holds such a row.")
        return
    if found.unfinished:
        out.say(f"{found.table}: an erasure was interrupted, and goes on.")
    others = [f"{rows} on {branch}" for branch, rows in found.branches.items() if branch != MAIN_BRANCH]
    held = f"{counted(found.snapshots, 'snapshot')} hold{'s' if found.snapshots == 1 else ''} them"
    also = f", and {counted(found.strays, 'file')} of no snapshot" if found.strays else ""
    counts = ", ".join([f"{counted(found.rows, 'row')} on {MAIN_BRANCH}", *others])
    out.say(f"{found.table}: {counts}. {held}, in {counted(found.files, 'file')}{also}.")
    if found.removed_refs:
        out.say(f"Tags and branches of {found.table} that go: {', '.join(found.removed_refs)}.")


def _tell_left(out: Output, found: Sequence[Erased], *, dry_run: bool) -> None:
    for each in found:
        for one in each.left:
            why = "a state of the table has it again" if one.named else "it is so young that a run may still publish it"
            out.warn(f"{one.file.location} {'' if dry_run else 'still '}holds {counted(one.rows, 'such row')}: {why}.")
        if each.unclear:
            out.warn(
                f"{counted(each.unclear, 'row')} of {each.table} could not be judged, because the source gave no value "
                "that the filter can compare. Look at them with `quarantine show`, and remove them with "
                "`quarantine drop`."
            )


def _document(found: Erased) -> dict[str, object]:
    return {
        "table": found.table,
        "rows": found.branches,
        "removed_refs": found.removed_refs,
        "snapshots": found.snapshots,
        "files": found.files,
        "stray_files": found.strays,
        "files_read_afterwards": found.read,
        "left": [{"file": one.file.location, "rows": one.rows, "in_table": one.named} for one in found.left],
        "unclear_refused_rows": found.unclear,
    }
