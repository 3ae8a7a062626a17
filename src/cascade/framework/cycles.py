"""Assets that need each other in a circle, which Dagster refuses without saying where they are."""

from __future__ import annotations

import graphlib
import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from cascade.framework.collect import Collected

if TYPE_CHECKING:
    import dagster as dg


def refuse_cycles(collected: Collected, assets: Sequence[dg.AssetsDefinition]) -> None:
    """Makes sure that no workflow comes before itself. A circle of Dagster's own assets alone is left to Dagster.

    Args:
        collected: what the project holds.
        assets: the assets of its workflows, in the order of these.

    Raises:
        DeclarationError: some do; names the circle, and the place of a workflow in it.
    """
    needs: dict[dg.AssetKey, set[dg.AssetKey]] = {}
    for spec in _specs(collected, assets):
        # An asset may need its own earlier partitions.
        needs.setdefault(spec.key, set()).update(dep.asset_key for dep in spec.deps if dep.asset_key != spec.key)
    try:
        graphlib.TopologicalSorter(needs).prepare()
    except graphlib.CycleError as error:
        circle: list[dg.AssetKey] = error.args[1][:0:-1]
    else:
        return
    declarations = {
        asset.key: workflow.declaration
        for workflow, asset in zip(collected.workflows, assets, strict=True)
        if asset.key in circle
    }
    if not declarations:
        return
    # Wherever the search began, the same circle is told from the same place.
    first = min(declarations, key=lambda key: declarations[key].location)
    start = circle.index(first)
    names = [key.to_user_string() for key in (*circle[start:], *circle[: start + 1])]
    chain = ", ".join(f"{name} needs {needed}" for name, needed in itertools.pairwise(names))
    problem = f"deps: {names[0]} comes before itself: {chain}. Take one of these out of its deps."
    raise declarations[first].error(problem)


def _specs(collected: Collected, assets: Sequence[dg.AssetsDefinition]) -> Iterator[dg.AssetSpec]:
    import dagster as dg

    for asset in (*assets, *(asset for asset, _ in collected.with_homes("assets"))):
        if isinstance(asset, dg.AssetsDefinition):
            yield from asset.specs
        elif isinstance(asset, dg.AssetSpec):
            yield asset
