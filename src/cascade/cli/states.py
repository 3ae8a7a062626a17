"""What the commands share that look at the states of partitions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cascade.cli.context import Invocation
from cascade.exceptions import UsageError
from cascade.framework.project import unknown_name

if TYPE_CHECKING:
    import dagster as dg

    from cascade.declarations import IngestionDeclaration
    from cascade.framework.partition_states import PartitionStates


def workflow_declarations(invocation: Invocation, name: str | None) -> list[IngestionDeclaration]:
    """Return the declaration of the workflow that a user named, or those of all workflows, sorted by their assets.

    Args:
        invocation: the invocation.
        name: the asset or its table; None for all workflows.

    Raises:
        UsageError: there is no such workflow.
    """
    collected, failures = invocation.loaded
    if name is None:
        declarations = [workflow.declaration for workflow in collected.workflows]
        return sorted(declarations, key=lambda declaration: declaration.asset_key)
    workflow = invocation.workflow_named(name)
    if workflow is not None:
        return [workflow.declaration]
    broken = invocation.broken_named(name)
    if broken is not None:
        why = broken.failure
        raise UsageError(f"{name} did not load. {why.message}", location=why.location, hint=why.hint)
    known = ["/".join(each.declaration.asset_key) for each in collected.workflows]
    raise unknown_name("workflow", name, known, failures, f"{invocation.program} list")


@contextmanager
def open_states(
    invocation: Invocation,
) -> Iterator[tuple[dg.DagsterInstance, Callable[[Sequence[IngestionDeclaration]], list[PartitionStates]]]]:
    """Open the lakehouse and the Dagster instance of the project.

    Args:
        invocation: the invocation.

    Yields:
        The instance, and a function that returns the states of workflows.
    """
    from cascade.framework.instance import open_instance
    from cascade.framework.partition_states import partition_states
    from cascade.iceberg import open_lakehouse

    config = invocation.config
    lakehouse = open_lakehouse(config)
    with open_instance(config) as instance:

        def states(declarations: Sequence[IngestionDeclaration]) -> list[PartitionStates]:
            return partition_states(
                declarations, lakehouse=lakehouse, instance=instance, partition_start=config.partition_start
            )

        yield instance, states


def ranges_text(ranges: Sequence[object], most: int = 4) -> str:
    """Return ranges of partitions in a line, the newest ones if there are many.

    Args:
        ranges: the ranges, in order.
        most: how many to show.
    """
    shown = [str(each) for each in ranges[-most:]]
    before = len(ranges) - len(shown)
    return ", ".join([f"{before} earlier", *shown] if before else shown)
