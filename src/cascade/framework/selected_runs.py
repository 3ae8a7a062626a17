"""Run selected assets together: those with partitions for each partition, and what is built from them afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from cascade.dbt.variables import TAKES_PARTITION
from cascade.framework.run_errors import INTERRUPTED, RunError, node_of, run_error
from cascade.framework.runs import RunOutcome, checks_of, execute
from cascade.runs.report import RunReport

if TYPE_CHECKING:
    import dagster as dg

_ROWS = "dagster/row_count"


@dataclass(frozen=True)
class PlannedRun:
    """One Dagster run.

    Args:
        keys: its assets, each after those that it is built from.
        partition: the key of the partition; None for a run without one.
    """

    keys: tuple[dg.AssetKey, ...]
    partition: str | None = None

    @property
    def name(self) -> str:
        """What runs, for people."""
        more = f" and {len(self.keys) - 1} more" if len(self.keys) > 1 else ""
        return self.keys[0].to_user_string() + more


def plan_runs(graph: Any, keys: Iterable[dg.AssetKey], partitions: Sequence[str]) -> list[PlannedRun]:
    """Plan the runs of selected assets, each after the runs that it depends on.

    A run has all assets of one partition, unless their partitions are defined differently, which Dagster runs
    separately. Of several partitions, assets without partitions run once, unless they depend on the partition of the
    run: before the first one if an asset with partitions is built from them, else after the last one.

    Args:
        graph: the asset graph of the project.
        keys: the assets.
        partitions: the keys of the partitions; empty if none of the assets has partitions.
    """
    keys = frozenset(keys)
    several = len(partitions) > 1
    last = _independent(graph, keys) if several else frozenset()
    first = _leading(graph, keys - last) if several else frozenset()
    runs = [
        PlannedRun(batch, partition)
        for partition in partitions or (None,)
        for batch in _batches(graph, keys - first - last)
    ]
    before, after = ([PlannedRun(batch) for batch in _batches(graph, once)] for once in (first, last))
    return [*before, *runs, *after]


def run_planned(
    definitions: dg.Definitions,
    runs: Sequence[PlannedRun],
    *,
    instance: dg.DagsterInstance,
    packages: Sequence[str] = (),
    verbose: bool = False,
    starting: Callable[[PlannedRun], None] = lambda run: None,
) -> Iterator[RunOutcome]:
    """Carry out runs in order. A failure stops only what is built from the asset that failed; Ctrl-C stops everything.

    Args:
        definitions: the project's definitions.
        runs: the runs.
        instance: where Dagster records them.
        packages: the user's top-level packages, to find their lines in tracebacks.
        verbose: whether Dagster's log goes to standard error.
        starting: called with each run before it starts.

    Yields:
        The outcome of each asset of each run, as the run ends.
    """
    graph = definitions.resolve_asset_graph()
    failed: dict[str | None, dict[dg.AssetKey, dg.AssetKey]] = {}
    for run in runs:
        starting(run)
        # All partitions depend on what runs once before them, and what runs once after them depends on all partitions.
        causes = failed.get(None, {}) | failed.setdefault(run.partition, {})
        if run.partition is None:
            causes = {key: cause for each in failed.values() for key, cause in each.items()}
        for key in run.keys:
            cause = next((causes[parent] for parent in graph.get(key).parent_keys if parent in causes), None)
            if cause is not None:
                causes[key] = failed[run.partition][key] = cause
                partition = run.partition if graph.get(key).partitions_def is not None else None
                yield RunOutcome(key.to_user_string(), partition, "", False, 0.0, error=_not_run(cause))
        keys = [key for key in run.keys if key not in causes]
        if not keys:
            continue
        result = execute(definitions, keys, run.partition, instance=instance, verbose=verbose)
        found = dict(_outcomes(graph, result, keys, run.partition, instance, packages))
        if not result.success and all(outcome.success for outcome in found.values()):
            found[keys[-1]] = replace(found[keys[-1]], success=False, error=run_error(result, packages))
        for key, outcome in found.items():
            if not outcome.success:
                failed[run.partition][key] = key
            yield outcome
            if outcome.error is not None and outcome.error.kind == INTERRUPTED:
                return


def _independent(graph: Any, keys: frozenset[dg.AssetKey]) -> frozenset[dg.AssetKey]:
    """Return the assets that need not run for each partition: no asset that must is built from them."""
    found: set[dg.AssetKey] = set()
    for key in reversed(_sorted(graph, keys)):
        node = graph.get(key)
        if not _is_bound(node) and (node.child_keys & keys) <= found:
            found.add(key)
    return frozenset(found)


def _leading(graph: Any, keys: frozenset[dg.AssetKey]) -> frozenset[dg.AssetKey]:
    """Return the assets that need not run for each partition: they are not built from an asset that must."""
    found: set[dg.AssetKey] = set()
    for key in _sorted(graph, keys):
        node = graph.get(key)
        if not _is_bound(node) and (node.parent_keys & keys) <= found:
            found.add(key)
    return frozenset(found)


def _is_bound(node: Any) -> bool:
    return node.partitions_def is not None or TAKES_PARTITION in _tags(node)


def _batches(graph: Any, keys: frozenset[dg.AssetKey]) -> list[tuple[dg.AssetKey, ...]]:
    """Divide assets into runs, such that the partitions of each run have one definition."""
    batches: list[list[dg.AssetKey]] = []
    waiting, shared = _sorted(graph, keys), None
    while waiting:
        ready = [key for key in waiting if not graph.get(key).parent_keys & set(waiting)]
        # What has no partitions fits into any run, so it waits until nothing else can run.
        key = min(
            ready, key=lambda key: (graph.get(key).partitions_def is None, graph.get(key).partitions_def != shared)
        )
        partitions = graph.get(key).partitions_def
        if not batches or (partitions is not None and shared is not None and partitions != shared):
            batches.append([])
            shared = None
        shared = shared if partitions is None else partitions
        batches[-1].append(key)
        waiting.remove(key)
    return [tuple(batch) for batch in batches]


def _sorted(graph: Any, keys: frozenset[dg.AssetKey]) -> list[dg.AssetKey]:
    return [key for key in graph.toposorted_asset_keys if key in keys]


def _tags(node: Any) -> Mapping[str, str]:
    return getattr(node.assets_def.node_def, "tags", None) or {}


def _outcomes(
    graph: Any,
    result: dg.ExecuteInProcessResult,
    keys: Sequence[dg.AssetKey],
    partition: str | None,
    instance: dg.DagsterInstance,
    packages: Sequence[str],
) -> Iterator[tuple[dg.AssetKey, RunOutcome]]:
    made = {event.asset_key: event.materialization.metadata for event in result.get_asset_materialization_events()}
    failed_nodes = {node_of(event) for event in result.all_events if event.is_step_failure}
    nodes = {key: graph.get(key).assets_def.node_def.name for key in keys}
    stats = {stats.step_key.partition(".")[0]: stats for stats in instance.get_run_step_stats(result.run_id)}
    told: set[str] = set()
    for key in keys:
        name, node = key.to_user_string(), nodes[key]
        checks = tuple(check for check in checks_of(result) if check.asset == name)
        wrong = [check.name for check in checks if not check.passed and check.severity == "ERROR"]
        error = None
        if node in failed_nodes and (key not in made or wrong):
            if key in made:
                error = RunError(f"the check {', '.join(wrong)} failed.", "Failure", deliberate=True)
            elif node in told:
                error = RunError("it was not built, for the same reason.", "Failure", deliberate=True)
            else:
                told.add(node)
                error = run_error(result, packages, node)
        elif key not in made:
            above = next(
                (parent for parent in graph.get(key).parent_keys if parent in keys and parent not in made), None
            )
            error = _not_run(above) if above is not None and failed_nodes else run_error(result, packages)
        rows = getattr(made[key].get(_ROWS), "value", None) if key in made else None
        step = stats.get(node)
        seconds = (step.end_time - step.start_time) if step and step.end_time and step.start_time else 0.0
        yield (
            key,
            RunOutcome(
                asset=name,
                partition=partition if graph.get(key).partitions_def is not None else None,
                run_id=result.run_id,
                success=error is None,
                seconds=round(seconds / sum(other == node for other in nodes.values()), 3),
                report=RunReport.of_run(result, key),
                checks=checks,
                error=error,
                rows=rows if isinstance(rows, int) else None,
            ),
        )


def _not_run(cause: dg.AssetKey) -> RunError:
    return RunError(f"it did not run, because {cause.to_user_string()} failed.", "Skipped", deliberate=True)
