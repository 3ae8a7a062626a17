"""Keys that two definitions of a project share, which Dagster refuses without saying where they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cascade.exceptions import DiscoveryError
from cascade.framework.collect import Collected

if TYPE_CHECKING:
    import dagster as dg


def refuse_shared_keys(collected: Collected, assets: Sequence[dg.AssetsDefinition]) -> None:
    """Makes sure that no asset of Dagster's has the key of a workflow.

    Args:
        collected: what the project holds.
        assets: the assets of its workflows, in the order of these.

    Raises:
        DeclarationError: one does. It is an error of one of two people, so that both places are named.
    """
    import dagster as dg

    # Somebody's own Definitions may hold the asset of a workflow. Dagster copies assets, and keeps what they compute.
    ours = {id(asset.node_def) for asset in assets}
    places: dict[dg.AssetKey, str] = {}
    for asset, home in collected.with_homes("assets"):
        if isinstance(asset, dg.AssetsDefinition):
            if not asset.is_executable or id(asset.node_def) not in ours:
                places.update(dict.fromkeys(asset.keys, home))
        elif isinstance(asset, (dg.AssetSpec, dg.SourceAsset)):
            places[asset.key] = home
    for workflow, asset in zip(collected.workflows, assets, strict=True):
        if asset.key in places:
            declaration = workflow.declaration
            problem = (
                f"the table {declaration.table} has the asset key {asset.key.to_user_string()}, which an asset in "
                f"{places[asset.key]} has as well. Rename one of the two."
            )
            raise declaration.error(problem)


def refuse_shared_checks(collected: Collected) -> None:
    """Makes sure that no two checks of an asset have one name.

    Args:
        collected: what the project holds.

    Raises:
        DiscoveryError: two have; names the modules of both.
    """
    first: dict[dg.AssetCheckKey, tuple[dg.AssetChecksDefinition, str]] = {}
    for checks, home in collected.with_homes("asset_checks"):
        for key in checks.check_keys:
            other, place = first.setdefault(key, (checks, home))
            # A module's check may stand in its Definitions as well.
            if other is not checks:
                raise DiscoveryError(
                    f"Two checks of {key.asset_key.to_user_string()} are called {key.name}, in {place} and in {home}. "
                    "Rename one of the two."
                )
