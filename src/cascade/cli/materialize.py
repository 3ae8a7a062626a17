"""`materialize`: run assets, alone or selected by the lineage, for some partitions."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from cascade.cli.completion import complete_assets
from cascade.cli.context import Invocation
from cascade.cli.options import branch_option, json_option
from cascade.cli.run_output import runs_document, summarize
from cascade.cli.running import run_and_report
from cascade.collector import collector_paused
from cascade.exceptions import CascadeError, PartitionError
from cascade.framework.project import unknown_name
from cascade.program import typed
from cascade.terminal.output import Output

if TYPE_CHECKING:
    import dagster as dg

    from cascade.framework.selected_runs import PlannedRun
    from cascade.ingestion import IngestionWorkflow


@click.command(short_help="Run assets for the given partitions.")
@click.argument("assets", metavar="ASSET...", nargs=-1, required=True, shell_complete=complete_assets)
@click.option("--partition", "keys", metavar="KEY", multiple=True, help="A partition to run. May be repeated.")
@click.option(
    "--partition-range", "ranges", metavar="FIRST...LAST", multiple=True, help="Partitions to run, both ends included."
)
@branch_option
@click.option("--verbose", "-v", is_flag=True, help="Show Dagster's log.")
@json_option
@click.pass_obj
def materialize(
    invocation: Invocation,
    out: Output,
    assets: tuple[str, ...],
    keys: Sequence[str],
    ranges: Sequence[str],
    verbose: bool,
) -> None:
    """Run ASSET, such as weather_observations, for each given partition. A dbt model is an asset too.

    \b
        cascade materialize weather_observations --partition 2024-01-15
        cascade materialize weather_observations --partition-range 2024-01-01...2024-01-31
        cascade materialize "+gold_daily_delays" --partition 2024-01-15

    ASSET may also be a selection of assets: "+gold_daily_delays" with all that it is built from, "weather+", "a or b",
    "a and not b", "group:silver", "tag:daily", "key:raw/*". Workflows and models then run in the order of the lineage,
    in one Dagster run for each partition. Of several partitions, what has no partitions runs once: first if an asset
    with partitions is built from it, else at the end. What is built from an asset that failed does not run.

    `cascade dev` shows every run. The runs are sequential, and a run that fails does not stop the rest. You can
    safely run a partition again: rows that are already in the table are not written twice.

    Prints the first rows, and the numbers of rows read from the source, accepted, and refused by the schema. The
    asset's checks run as well; a check that fails is a warning unless it is blocking. Exits with 1 if a run failed.
    """
    with ExitStack() as stack:
        with out.waiting("loading the project"), collector_paused(for_good=True):
            import dagster as dg

            from cascade.framework.instance import open_instance
            from cascade.framework.stale import end_stale_runs
            from cascade.iceberg.catalog import import_libraries

            workflows = [found for name in assets if (found := invocation.workflow_named(name)) is not None]
            # Only a model needs the dbt project.
            invocation.with_dbt = len(workflows) < len(assets)
            if not invocation.with_dbt:
                _check_partitions(invocation, workflows, keys, ranges)
            definitions, failures = invocation.definitions(), invocation.failures
            chosen = _chosen(invocation, definitions, assets)
            if workflows:
                import_libraries()
            instance = stack.enter_context(open_instance(invocation.config))
        # The instance records the keys of an asset's dynamic partitions.
        stack.enter_context(dg.partition_loading_context(dynamic_partitions_store=instance))
        runs = _planned(invocation, definitions, chosen, keys, ranges)
        for failure in failures:
            out.warn(f"not loaded: {failure}")
        begin = stack.enter_context(out.progress("materialize", len(runs)))
        for run_id in end_stale_runs(instance):
            out.warn(f"the run {run_id} was interrupted and is now marked as failed.")
        alone = sum(len(run.keys) for run in runs) == 1
        outcomes = run_and_report(
            invocation, out, definitions, runs, instance=instance, begin=begin, alone=alone, verbose=verbose
        )
    out.json(runs_document(outcomes))
    summarize(out, outcomes)
    if not all(outcome.success for outcome in outcomes):
        raise click.exceptions.Exit(1)


def _check_partitions(
    invocation: Invocation,
    workflows: Sequence[IngestionWorkflow[..., object]],
    keys: Sequence[str],
    ranges: Sequence[str],
) -> None:
    """Check the keys against the declarations alone, which takes a third of the time that all definitions take."""
    from cascade.partition_keys import choose_partitions
    from cascade.partitions import default_partition_start, partitions_definition

    with default_partition_start(invocation.config.partition_start):
        for workflow in workflows:
            partitions = partitions_definition(workflow.declaration)
            name = "/".join(workflow.declaration.asset_key)
            choose_partitions(name, partitions, keys, ranges, typed("materialize"))


@dataclass(frozen=True)
class _Chosen:
    """The assets to run.

    Args:
        keys: the assets.
        text: what the user typed.
        is_selection: whether the assets run together, in the order of the lineage, and not one after the other.
    """

    keys: tuple[dg.AssetKey, ...]
    text: str
    is_selection: bool


def _chosen(invocation: Invocation, definitions: dg.Definitions, assets: Sequence[str]) -> _Chosen:
    from cascade.framework.selection import is_selection, select_assets

    keys: dict[dg.AssetKey, None] = {}
    selections = [name for name in assets if is_selection(name) and invocation.workflow_named(name) is None]
    graph = definitions.resolve_asset_graph()
    for name in assets:
        if name in selections:
            failures = invocation.failures
            keys |= dict.fromkeys(select_assets(graph, name, lambda table: _key_of(invocation, table), failures))
        else:
            keys[_find(invocation, definitions, name)] = None
    return _Chosen(tuple(keys), " ".join(assets), bool(selections))


def _planned(
    invocation: Invocation, definitions: dg.Definitions, chosen: _Chosen, keys: Sequence[str], ranges: Sequence[str]
) -> list[PlannedRun]:
    from cascade.framework.selected_runs import PlannedRun, plan_runs
    from cascade.partition_keys import choose_partitions

    graph, command = definitions.resolve_asset_graph(), typed("materialize")
    if not chosen.is_selection:
        return [
            PlannedRun((key,), partition)
            for key in chosen.keys
            for partition in choose_partitions(
                key.to_user_string(), graph.get(key).partitions_def, keys, ranges, command
            )
        ]
    partitioned = sorted(key for key in chosen.keys if graph.get(key).partitions_def is not None)
    if not partitioned and (keys or ranges):
        raise PartitionError(
            f'No asset of "{chosen.text}" has partitions, but {(*keys, *ranges)[0]} was given.',
            hint="Omit the partition, or select the workflows too: a + before the name of an asset selects all that it "
            "is built from.",
        )
    found = [
        choose_partitions(key.to_user_string(), graph.get(key).partitions_def, keys, ranges) for key in partitioned
    ]
    for key, partitions in zip(partitioned, found, strict=True):
        if partitions != found[0]:
            raise PartitionError(
                f"{partitioned[0].to_user_string()} and {key.to_user_string()} divide {ranges[0]} into different "
                "partitions.",
                hint="Select assets with the same partitions, and run the others separately.",
            )
    return plan_runs(graph, chosen.keys, [str(partition) for partition in found[0]] if found else [])


def _key_of(invocation: Invocation, table: str) -> dg.AssetKey | None:
    workflow = invocation.workflow_named(table)
    return workflow.key if workflow is not None else None


def _find(invocation: Invocation, definitions: dg.Definitions, name: str) -> dg.AssetKey:
    import dagster as dg

    workflow = invocation.workflow_named(name)
    if workflow is not None:
        return workflow.key
    graph = definitions.resolve_asset_graph()
    key = dg.AssetKey.from_user_string(name)
    if graph.has(key) and graph.get(key).is_materializable:
        return key
    broken = invocation.broken_named(name)
    if broken is not None:
        why = broken.failure
        raise CascadeError(f"{name} cannot run. {why.message}", location=why.location, hint=why.hint)
    known = sorted(key.to_user_string() for key in graph.materializable_asset_keys)
    raise unknown_name("asset", name, known, invocation.failures, f"{invocation.program} list")
