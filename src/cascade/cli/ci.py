"""`ci`: run what a change affects on branches of the tables, and summarize what differs."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cascade.cli.ci_output import tell_plan, tell_summary, write_summary
from cascade.cli.completion import complete_assets
from cascade.cli.context import Invocation
from cascade.cli.options import branch_set, json_option
from cascade.cli.running import run_and_report
from cascade.cli.since import find_affected_in, since_option
from cascade.collector import collector_paused
from cascade.exceptions import PartitionError, UsageError
from cascade.table_ref import MAIN_BRANCH, ci_branch_name
from cascade.terminal.output import Output
from cascade.terminal.words import counted

if TYPE_CHECKING:
    import dagster as dg

    from cascade.config import CascadeConfig
    from cascade.framework.ci.affected import AffectedNames, Reach
    from cascade.framework.runs import RunOutcome
    from cascade.framework.selected_runs import PlannedRun
    from cascade.framework.since.affected import Affected
    from cascade.iceberg import Lakehouse


@click.command(short_help="Run what a change affects on branches of the tables, and compare.")
@since_option
@click.option(
    "--affected",
    metavar="FILE",
    help="What is affected: the JSON of `pants cascade-affected`, or - for standard input.",
)
@click.option(
    "--asset",
    "assets",
    metavar="ASSET",
    multiple=True,
    shell_complete=complete_assets,
    help="An asset, or a selection of assets, to run. May be repeated.",
)
@click.option(
    "--partition",
    "keys",
    metavar="KEY",
    multiple=True,
    help="A partition to run, in place of the newest published one. May be repeated.",
)
@click.option(
    "--partitions",
    "number",
    metavar="N",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="How many of the newest published partitions of each asset to run.",
)
@click.option("--dry-run", is_flag=True, help="Print what would run, and run nothing.")
@click.option("--keep", is_flag=True, help="Do not drop the branches at the end. They stay for a day.")
@click.option(
    "--summary",
    "file",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path, resolve_path=True),
    help="Write the summary to FILE as Markdown.",
)
@click.option("--verbose", "-v", is_flag=True, help="Show Dagster's log.")
@json_option
@click.pass_obj
def ci(
    invocation: Invocation,
    out: Output,
    since: str | None,
    affected: str | None,
    assets: Sequence[str],
    keys: Sequence[str],
    number: int,
    dry_run: bool,
    keep: bool,
    file: Path | None,
    verbose: bool,
) -> None:
    """Run the workflows and dbt models that a change affects, without a trace on main, and show what differs.

    \b
        cascade ci
        cascade ci --since origin/main
        cascade ci --affected affected.json --summary summary.md
        cascade ci --asset "weather_observations+" --partitions 3

    Every table that a run writes to gets an Iceberg branch, at the snapshot that main is on: no row is copied. The runs
    read and write there, and main elsewhere. Checks run too. Then the branches are compared with where they began, and
    dropped. What a killed process left behind is dropped by the next `cascade ci`.

    Affected is what `--since`, `--affected` or `--asset` says. Without them, it is every workflow whose code is not the
    one that published its partitions, as the ledgers of the tables say, and every dbt model that differs from the last
    whole `cascade dbt build` of this machine, with all that is built from these. In a project of Pants, `pants
    cascade-ci --since` takes the place of `--since`.

    Each workflow runs for its newest published partition. Assets that are neither workflows nor dbt models do not run,
    because nothing keeps them from writing elsewhere.

    The summary goes to the file in `GITHUB_STEP_SUMMARY` too. Exits with 1 if a module did not load, or a run or a
    check failed.
    """
    from cascade.config import CascadeConfig

    invocation.require_project()
    if sum((since is not None, affected is not None, bool(assets))) > 1:
        raise UsageError("Use one of --since, --affected and --asset.")
    if file is not None and not file.parent.is_dir():
        raise UsageError(f"The summary cannot be written to {file}: there is no directory {file.parent}.")
    names = None if affected is None else _read_affected(affected)
    main = CascadeConfig.from_user_config()
    changes = None if since is None else find_affected_in(invocation, since, main)
    if main.branch != MAIN_BRANCH:
        raise UsageError(
            f'The branch "{main.branch}" is set, and `ci` makes a branch of its own.', hint="Unset CASCADE_BRANCH."
        )
    started, branch = time.monotonic(), ci_branch_name()
    with ExitStack() as stack:
        with out.waiting("loading the project"), collector_paused(for_good=True):
            import dagster as dg

            from cascade.contributor import relative_paths
            from cascade.framework.ci.contract_differences import contract_differences
            from cascade.framework.ci.differences import differences, model_differences_of
            from cascade.framework.ci.owned_branch import drop_abandoned
            from cascade.framework.ci.reach import reach_of
            from cascade.framework.ci.summary import CiSummary
            from cascade.framework.instance import open_instance
            from cascade.iceberg import open_lakehouse
            from cascade.partitions import default_partition_start

            on_main = open_lakehouse(main)
            directory = stack.enter_context(_owned(out, on_main, main, branch, keep=keep))
            stack.enter_context(branch_set(branch))
            invocation.config = config = CascadeConfig.from_user_config()
            definitions, failures = invocation.definitions(), invocation.failures
            reach = reach_of(invocation.loaded[0], definitions, config, on_main)
        for failure in failures:
            out.warn(f"not loaded: {failure}")
        if not dry_run:
            declared = [each.table_ref for each in reach.declarations.values()]
            tables = [table for ref in declared for table in (ref, ref.quarantine)]
            for dropped in drop_abandoned(on_main, main, tables):
                had = counted(len(dropped.tables), "table")
                schemas = f", and {', '.join(dropped.schemas)} from Trino" if dropped.schemas else ""
                out.warn(f"an earlier run was interrupted: its branch {dropped.branch} is dropped from {had}{schemas}.")
        stack.enter_context(default_partition_start(config.partition_start))
        unknown: dict[str, str] = {}
        reasons = _reasons(invocation, reach, on_main, changes or names, assets, unknown)
        chosen = reach.runnable(reasons)
        left_out = {key.to_user_string(): why for key in reasons if (why := reach.not_run(key)) is not None}
        runs = _planned(reach, on_main, chosen, keys, number)
        summary = CiSummary(
            branch,
            reasons={key.to_user_string(): reasons[key] for key in chosen},
            left_out=left_out,
            not_loaded=[relative_paths(str(failure), Path(config.project_root)) for failure in failures],
            not_compared=unknown,
            kept=keep and bool(runs) and not dry_run,
        )
        if dry_run:
            graph = reach.graph
            tell_plan(
                out,
                summary,
                [
                    (key.to_user_string(), run.partition if graph.get(key).partitions_def is not None else None)
                    for run in runs
                    for key in run.keys
                ],
            )
            raise click.exceptions.Exit(0 if summary.passed else 1)
        outcomes = []
        if runs:
            instance = stack.enter_context(open_instance(config))
            stack.enter_context(dg.partition_loading_context(dynamic_partitions_store=instance))
            outcomes = _run(invocation, out, definitions, runs, instance, verbose)
        with out.waiting("comparing the branches"):
            tables_found, not_compared = differences(open_lakehouse(config), directory)
            models_found, not_models = model_differences_of(config)
        summary = replace(
            summary,
            outcomes=outcomes,
            tables=[*tables_found, *models_found],
            contracts=contract_differences(reach.declarations[key] for key in reasons if key in reach.declarations),
            not_compared=unknown | not_compared | not_models,
            seconds=time.monotonic() - started,
        )
    # The summary says that the branches are dropped, so they are by now.
    tell_summary(out, summary)
    write_summary(summary, file)
    if not summary.passed:
        raise click.exceptions.Exit(1)


@contextmanager
def _owned(out: Output, lakehouse: Lakehouse, main: CascadeConfig, branch: str, *, keep: bool) -> Iterator[Path]:
    """Own the branch of a run, and drop it at the end."""
    from cascade.framework.ci.owned_branch import drop_branch_of_run, is_used, keep_branch, owned_branch

    with owned_branch(main.state_directory, branch) as directory:
        try:
            yield directory
        except BaseException:
            drop_branch_of_run(lakehouse, main, branch)
            raise
        if keep and is_used(directory):
            keep_branch(directory)
            return
        with out.waiting("dropping the branches"):
            drop_branch_of_run(lakehouse, main, branch)


def _read_affected(place: str) -> AffectedNames:
    # Loading dbt changes the working directory, so this comes first.
    from cascade.framework.ci.affected import read_affected_file

    return read_affected_file(place, sys.stdin.read() if place == "-" else "")


def _reasons(
    invocation: Invocation,
    reach: Reach,
    on_main: Lakehouse,
    given: Affected | AffectedNames | None,
    assets: Sequence[str],
    unknown: dict[str, str],
) -> dict[dg.AssetKey, str]:
    """Return what is affected, and why. What cannot be known goes into the last argument."""
    from cascade.dbt.changed import changed_nodes
    from cascade.framework.ci.affected import AffectedNames
    from cascade.framework.ci.reach import affected_assets

    if isinstance(given, AffectedNames):
        return reach.named(given)
    if given is not None:
        return reach.with_downstream(affected_assets(invocation.loaded[0], reach, given))
    if assets:
        return dict.fromkeys(_selected(invocation, reach, assets), "you named it")
    found = reach.stale(on_main)
    # On a branch that nothing was written to, the tables are those of main.
    compared = not reach.no_branch.keys() >= {*reach.models.values()}
    modified = changed_nodes(invocation.config) if compared else None
    if compared and modified is None:
        unknown["the code of dbt models"] = (
            "this machine has no whole build of them. Run `cascade dbt build` on main first, or name them with --asset."
        )
    for name in sorted(modified or ()):
        if name in reach.models:
            found.setdefault(reach.models[name], "it differs from the last whole build")
    return reach.with_downstream(found)


def _selected(invocation: Invocation, reach: Reach, assets: Sequence[str]) -> list[dg.AssetKey]:
    import dagster as dg

    from cascade.framework.project import unknown_name
    from cascade.framework.selection import is_selection, select_assets

    def of_table(name: str) -> dg.AssetKey | None:
        workflow = invocation.workflow_named(name)
        return workflow.key if workflow is not None else None

    found: dict[dg.AssetKey, None] = {}
    for name in assets:
        if is_selection(name):
            found |= dict.fromkeys(select_assets(reach.graph, name, of_table, invocation.failures))
            continue
        key = of_table(name) or dg.AssetKey.from_user_string(name)
        if not reach.graph.has(key):
            known = [each.to_user_string() for each in reach.graph.materializable_asset_keys]
            raise unknown_name("asset", name, known, invocation.failures, f"{invocation.program} list")
        found[key] = None
    return list(found)


def _planned(
    reach: Reach, on_main: Lakehouse, chosen: Sequence[dg.AssetKey], keys: Sequence[str], number: int
) -> list[PlannedRun]:
    from cascade.framework.ci.affected import chosen_partitions
    from cascade.framework.ci.planning import plan_ci_runs

    partitioned = {key: reach.declarations[key] for key in chosen if key in reach.declarations}
    partitions = {
        key: chosen_partitions(on_main, declaration, keys, number)
        for key, declaration in partitioned.items()
        if declaration.partitions is not None
    }
    if keys and not partitions:
        raise PartitionError(f"No affected asset has partitions, but {keys[0]} was given.", hint="Omit the partition.")
    return plan_ci_runs(reach.graph, chosen, partitions)


def _run(
    invocation: Invocation,
    out: Output,
    definitions: dg.Definitions,
    runs: Sequence[PlannedRun],
    instance: dg.DagsterInstance,
    verbose: bool,
) -> list[RunOutcome]:
    with out.progress("ci", len(runs)) as begin:
        return run_and_report(invocation, out, definitions, runs, instance=instance, begin=begin, verbose=verbose)
