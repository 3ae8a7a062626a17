"""The runs of CI: each affected asset for its own newest partitions, after what it is built from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cascade.framework.selected_runs import PlannedRun, plan_runs

if TYPE_CHECKING:
    import dagster as dg


def plan_ci_runs(
    graph: Any, keys: Sequence[dg.AssetKey], partitions: Mapping[dg.AssetKey, Sequence[str | None]]
) -> list[PlannedRun]:
    """Plan runs such that an asset runs after those that it is built from, with as few starts of dbt as possible.

    Args:
        graph: the asset graph of the project.
        keys: the assets, each after those that it is built from.
        partitions: the partitions of the assets that have any. If all have the same, models get them as variables.
    """
    several = {tuple(map(str, partitions[key])) for key in keys if key in partitions}
    if len(several) <= 1:
        return plan_runs(graph, keys, [key for found in several for key in found])
    runs: list[PlannedRun] = []
    waiting = list(keys)
    while waiting:
        ready = [key for key in waiting if not graph.get(key).parent_keys & set(waiting)]
        # What has no partitions waits until nothing else can run, and then runs together with all that it makes ready.
        chosen = next((key for key in ready if partitions.get(key)), None)
        if chosen is not None:
            runs += [PlannedRun((chosen,), partition) for partition in partitions[chosen]]
            waiting.remove(chosen)
            continue
        together = [key for key in waiting if not partitions.get(key) and not _above(graph, key, waiting, partitions)]
        runs += plan_runs(graph, together, [])
        waiting = [key for key in waiting if key not in together]
    return runs


def _above(
    graph: Any, key: dg.AssetKey, waiting: Sequence[dg.AssetKey], partitions: Mapping[dg.AssetKey, Sequence[str | None]]
) -> bool:
    """Return whether an asset is built, perhaps through others, from one with partitions that still waits."""
    return any(
        bool(partitions.get(parent)) or _above(graph, parent, waiting, partitions)
        for parent in graph.get(key).parent_keys & set(waiting)
    )
