"""Find conflicts in a project: a table, key or name that is used twice, or assets that form a cycle.

Dagster refuses most of these too, but does not report where they are.
"""

from __future__ import annotations

import graphlib
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

from cascade.contributor import Contribution
from cascade.exceptions import CascadeError, DiscoveryError

if TYPE_CHECKING:
    import dagster as dg

    from cascade.ingestion import IngestionWorkflow
    from cascade.table_ref import TableRef

    Workflow = IngestionWorkflow[..., object]


def duplicate_tables(workflows: Iterable[Workflow]) -> list[CascadeError]:
    """Return one error for each workflow whose table an earlier workflow already declares."""
    first: dict[TableRef, Workflow] = {}
    errors: list[CascadeError] = []
    for workflow in workflows:
        declaration = workflow.declaration
        other = first.setdefault(declaration.table_ref, workflow).declaration
        if other is not declaration:
            problem = f"the table {declaration.table} is already declared at {other.location}. Rename one of the two."
            errors.append(declaration.error(problem))
    return errors


def find_conflicts(workflows: Sequence[Workflow], contributions: Sequence[Contribution]) -> list[CascadeError]:
    """Find assets that share a key with a workflow, checks that share a name, and workflows in a cycle.

    Also find what several `Definitions` of a project can have only once: a resource, an executor, a folder that
    Dagster's loader reads.

    Conflicts between plain Dagster assets are left to Dagster.

    Args:
        workflows: the project's workflows.
        contributions: everything that is contributed to the project.

    Returns:
        One error for each conflict, with the locations of both definitions.
    """
    return [
        *_shared_keys(workflows, contributions),
        *_shared_checks(workflows, contributions),
        *_different_resources(contributions),
        *_cycles(workflows, contributions),
    ]


def _shared_keys(workflows: Sequence[Workflow], contributions: Sequence[Contribution]) -> Iterator[CascadeError]:
    import dagster as dg

    # Assets that Cascade itself contributes have no home: their location is the workflow's. The project's `Definitions`
    # may contain the asset of a workflow too. Dagster copies assets, but a copy keeps the `node_def`.
    ours = {
        id(asset.node_def)
        for contribution in contributions
        for asset in contribution.assets
        if contribution.home(asset) is None and isinstance(asset, dg.AssetsDefinition) and asset.is_executable
    }
    places: dict[dg.AssetKey, str] = {}
    for asset, home in _held(contributions, "assets"):
        if isinstance(asset, dg.AssetsDefinition):
            if not asset.is_executable or id(asset.node_def) not in ours:
                places.update(dict.fromkeys(asset.keys, home))
        elif isinstance(asset, (dg.AssetSpec, dg.SourceAsset)):
            places[asset.key] = home
    for workflow in workflows:
        key = workflow.key
        if key in places:
            yield workflow.declaration.error(
                f"the table {workflow.declaration.table} has the asset key {key.to_user_string()}, which an asset in "
                f"{places[key]} has too. Rename one of the two.",
            )


def _shared_checks(workflows: Sequence[Workflow], contributions: Sequence[Contribution]) -> Iterator[CascadeError]:
    from cascade.ingestion.validation_check import VALIDATION

    ours = {workflow.key: workflow for workflow in workflows}
    first: dict[dg.AssetCheckKey, tuple[dg.AssetChecksDefinition, str]] = {}
    for checks, home in _held(contributions, "asset_checks"):
        for key in checks.check_keys:
            if key.name == VALIDATION and key.asset_key in ours:
                yield DiscoveryError(
                    f"A check of {key.asset_key.to_user_string()} in {home} is called {VALIDATION}, like the check of "
                    "every ingestion. Rename it."
                )
            other, place = first.setdefault(key, (checks, home))
            # A module's check may also be in its Definitions.
            if other is not checks:
                yield DiscoveryError(
                    f"Two checks of {key.asset_key.to_user_string()} are called {key.name}, in {place} and in {home}. "
                    "Rename one of the two."
                )


def _different_resources(contributions: Sequence[Contribution]) -> Iterator[CascadeError]:
    first: dict[str, tuple[object, str]] = {}
    for contribution in contributions:
        for definitions in contribution.definitions:
            home = contribution.home(definitions) or "another module"
            for what, value in _only_once(definitions):
                other, place = first.setdefault(what, (value, home))
                if other is not value:
                    where = f"twice in {home}" if place == home else f"in {place} and in {home}"
                    yield DiscoveryError(
                        f"A project has one {what}, and there are different ones {where}.",
                        hint="Use the same one, or keep each in a directory of its own, and load each directory in a "
                        "project of its own: cascade_project(workflows=[...]).",
                    )


def _only_once(definitions: dg.Definitions) -> Iterator[tuple[str, object]]:
    resources = dict(definitions.resources or {})
    # A repository has bound its resources to its assets.
    for asset in definitions.assets or ():
        resources.update(getattr(asset, "resource_defs", {}))
    yield from ((f"resource {key}", value) for key, value in resources.items())
    if definitions.executor is not None:
        yield "executor", definitions.executor
    tree = getattr(definitions, "component_tree", None)
    if tree is not None:
        yield "folder of Dagster's definitions", tree


def _cycles(workflows: Sequence[Workflow], contributions: Sequence[Contribution]) -> Iterator[CascadeError]:
    needs: dict[dg.AssetKey, set[dg.AssetKey]] = {}
    for spec in _specs(contributions):
        # An asset may need its own earlier partitions.
        needs.setdefault(spec.key, set()).update(dep.asset_key for dep in spec.deps if dep.asset_key != spec.key)
    try:
        graphlib.TopologicalSorter(needs).prepare()
    except graphlib.CycleError as error:
        cycle: list[dg.AssetKey] = error.args[1][:0:-1]
    else:
        return
    declared = {workflow.key: workflow for workflow in workflows if workflow.key in cycle}
    if not declared:
        return
    # The search may start anywhere in the cycle, but the error always starts at the same workflow.
    first = min(declared, key=lambda key: declared[key].declaration.location)
    start = cycle.index(first)
    names = [key.to_user_string() for key in (*cycle[start:], *cycle[: start + 1])]
    chain = ", ".join(f"{name} needs {needed}" for name, needed in itertools.pairwise(names))
    problem = f"deps: {names[0]} depends on itself: {chain}. Remove one of these dependencies."
    yield declared[first].declaration.error(problem)


def _specs(contributions: Sequence[Contribution]) -> Iterator[dg.AssetSpec]:
    import dagster as dg

    for asset, _ in _held(contributions, "assets"):
        if isinstance(asset, dg.AssetsDefinition):
            yield from asset.specs
        elif isinstance(asset, dg.AssetSpec):
            yield asset


def _held(contributions: Iterable[Contribution], kind: Literal["assets", "asset_checks"]) -> Iterator[tuple[Any, str]]:
    return itertools.chain.from_iterable(contribution.with_homes(kind) for contribution in contributions)
