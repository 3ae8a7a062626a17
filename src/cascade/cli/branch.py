"""`branch`: the branches on which rows wait for their checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cascade.cli.completion import complete_tables
from cascade.cli.context import Invocation
from cascade.cli.diff_output import check_format, compare
from cascade.cli.listing import in_seconds, print_listing
from cascade.cli.options import diff_options, json_option
from cascade.cli.table_named import open_table, require_table
from cascade.exceptions import UsageError
from cascade.table_ref import MAIN_BRANCH, TableRef, branch_directory, branch_problem
from cascade.terminal.output import Output

if TYPE_CHECKING:
    from cascade.iceberg.table_branches import Branch


@click.group()
def branch() -> None:
    """Inspect, publish and drop branches of tables.

    The rows of a workflow with blocking checks wait on a branch of their own until the checks have passed. If one
    fails, the branch stays, and main does not change. Commands with `--branch` work on a branch that you name.
    """


@branch.command("list", short_help="List the branches of a table, or of all tables.")
@click.argument("name", metavar="[TABLE]", default=None, required=False, shell_complete=complete_tables)
@json_option
@click.pass_obj
def list_branches(invocation: Invocation, out: Output, name: str | None) -> None:
    """List the branches of TABLE, or those of every table that has more than main.

    \b
        cascade branch list
        cascade branch list weather_observations
    """
    from cascade.iceberg import open_lakehouse
    from cascade.iceberg.overview import table_identifiers
    from cascade.iceberg.table_branches import branches_of

    invocation.require_project()
    lakehouse = open_lakehouse(invocation.config)
    if name is not None:
        ref, table = require_table(invocation, lakehouse, name)
        found = branches_of(table, ref)
    else:
        refs = [TableRef.parse(".".join(identifier)) for identifier in table_identifiers(lakehouse.catalog)]
        tables = [branches_of(lakehouse.require(ref), ref) for ref in refs]
        found = [each for found in tables if any(one.name != MAIN_BRANCH for one in found) for each in found]
    print_listing(
        out,
        "branches",
        [each.document() for each in found],
        {
            "table": [each.table.full_name for each in found],
            "branch": [each.name for each in found],
            "rows": [each.rows for each in found],
            "written (UTC)": [in_seconds(each.written_at) for each in found],
            "partition": [each.partition for each in found],
            "kept until (UTC)": [in_seconds(each.expires_at) for each in found],
        },
        nothing=f"{name} has no rows yet." if name else "No table has a branch besides main.",
    )


@branch.command("diff", short_help="Compare a branch with main, row by row.")
@click.argument("name", metavar="TABLE", shell_complete=complete_tables)
@click.argument("branch_name", metavar="BRANCH")
@diff_options
@json_option
@click.pass_obj
def diff_branch(
    invocation: Invocation, out: Output, name: str, branch_name: str, examples: int, markdown: bool
) -> None:
    """Show what publishing BRANCH of TABLE would change for readers of main.

    \b
        cascade branch diff weather_observations audit_6f2c
        cascade branch diff weather_observations audit_6f2c --examples 20

    The beginning of a branch's name is enough if no other branch begins so.
    """
    from cascade.iceberg.table_branches import branch_named

    check_format(out, markdown=markdown)
    _, ref, table = open_table(invocation, name)
    wanted = branch_named(table, ref, branch_name).name
    compare(invocation, out, ref, table, MAIN_BRANCH, wanted, examples=examples, markdown=markdown)


@branch.command(short_help="Move main to a branch.")
@click.argument("name", metavar="TABLE", shell_complete=complete_tables)
@click.argument("branch_name", metavar="BRANCH")
@json_option
@click.pass_obj
def publish(invocation: Invocation, out: Output, name: str, branch_name: str) -> None:
    """Publish BRANCH of TABLE without running its checks: readers of main then see its rows.

    \b
        cascade branch publish weather_observations audit_6f2c

    Dagster shows the partition as materialized. This works only while main is where the branch began; if main has moved
    since, run the workflow again instead. The beginning of a branch's name is enough if no other branch begins so.
    """
    from cascade.iceberg.table_branches import publish_branch

    lakehouse, ref, _ = open_table(invocation, name)
    published = publish_branch(lakehouse, ref, branch_name)
    _tell_dagster(invocation, ref, published)
    out.json({"published": published.document()})
    out.say(f"Published {published.name} of {ref.full_name}: main is at snapshot {published.snapshot_id}.")


@branch.command(short_help="Drop a branch.")
@click.argument("name", metavar="TABLE", shell_complete=complete_tables)
@click.argument("branch_name", metavar="BRANCH")
@json_option
@click.pass_obj
def drop(invocation: Invocation, out: Output, name: str, branch_name: str) -> None:
    """Drop BRANCH of TABLE. Its rows can no longer be published; main does not change.

    \b
        cascade branch drop weather_observations audit_6f2c

    The beginning of a branch's name is enough if no other branch begins so.
    """
    from cascade.iceberg.table_branches import drop_branch

    lakehouse, ref, _ = open_table(invocation, name)
    dropped = drop_branch(lakehouse, ref, branch_name)
    out.json({"dropped": dropped.document()})
    out.say(f"Dropped {dropped.name} of {ref.full_name}.")


@branch.command(short_help="Drop a branch that you worked on from all tables.")
@click.argument("branch_name", metavar="BRANCH")
@json_option
@click.pass_obj
def discard(invocation: Invocation, out: Output, branch_name: str) -> None:
    """Drop BRANCH, on which commands worked with `--branch`, from all tables, with its models on Trino and its state.

    \b
        cascade branch discard me

    Tables that were created for the branch and have no rows on main go too. main does not change.
    """
    import shutil

    from cascade.dbt.trino_branch import drop_schemas
    from cascade.framework.branch_use import require_unused
    from cascade.iceberg import open_lakehouse
    from cascade.iceberg.dropping import drop_working_branch
    from cascade.iceberg.overview import table_identifiers
    from cascade.iceberg.working_branch import require_main

    invocation.require_project()
    problem = f"{MAIN_BRANCH} cannot be dropped." if branch_name == MAIN_BRANCH else branch_problem(branch_name)
    if problem:
        raise UsageError(problem)
    lakehouse = open_lakehouse(invocation.config)
    require_main(lakehouse)
    directory = branch_directory(invocation.config.state_directory, branch_name)
    require_unused(directory, branch_name)
    refs = [TableRef.parse(".".join(identifier)) for identifier in table_identifiers(lakehouse.catalog)]
    # Views on Trino read the branch.
    schemas = drop_schemas(invocation.config, branch_name)
    dropped = [ref.full_name for ref in refs if drop_working_branch(lakehouse, ref, branch_name)]
    if not dropped and not schemas and not directory.is_dir():
        raise UsageError(f'No table has a branch "{branch_name}".', hint=f"See them: {invocation.program} branch list")
    shutil.rmtree(directory, ignore_errors=True)
    out.json({"branch": branch_name, "dropped": dropped, "schemas": list(schemas)})
    also = f", and {', '.join(schemas)} on Trino" if schemas else ""
    if dropped or schemas:
        out.say(f"Dropped {branch_name} of {', '.join(dropped) or 'no table'}{also}.")
    else:
        out.say(f"Removed the state of {branch_name}, which no table has any more.")


def _tell_dagster(invocation: Invocation, ref: TableRef, published: Branch) -> None:
    workflow = invocation.workflow_named(ref.full_name) if published.run_id is not None else None
    if workflow is None:
        return
    from cascade.framework.instance import open_instance
    from cascade.framework.published_branch import record_published_branch

    with open_instance(invocation.config) as instance:
        record_published_branch(instance, workflow.key, published)
