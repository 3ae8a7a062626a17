"""What a backfill would run, and which partitions of other workflows it would make stale."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from cascade.framework.backfill_selection import Selection, select
from cascade.framework.partition_states import PartitionStates, upstream_keys
from cascade.iceberg.ledger import PartitionSet


@dataclass(frozen=True)
class Plan:
    """What there is to run of one workflow.

    Args:
        states: the states of its partitions.
        due: what a backfill runs: partitions that are missing or failed.
        stale: what a backfill with `--stale` runs.
        affected: the published partitions that become stale when both have run, by the asset of the workflow.
    """

    states: PartitionStates
    due: Selection
    stale: Selection
    affected: Mapping[str, PartitionSet]

    def __bool__(self) -> bool:
        return bool(self.due.partitions or self.stale.partitions)


def plans(states: Sequence[PartitionStates]) -> Iterator[Plan]:
    """Plan the backfills of workflows.

    Args:
        states: the states of all workflows of the project.

    Yields:
        The plan of each, in the same order.
    """
    for each in states:
        due, stale = select(each, None, None), select(each, None, None, ("stale",))
        yield Plan(each, due, stale, _affected(each, due.partitions | stale.partitions, states))


def _affected(
    changed: PartitionStates, partitions: PartitionSet, states: Sequence[PartitionStates]
) -> dict[str, PartitionSet]:
    found: dict[str, PartitionSet] = {}
    waiting = [(changed, partitions)] if partitions else []
    while waiting:
        upstream, rerun = waiting.pop()
        for each in states:
            if each.asset == changed.asset or each.asset in found:
                continue
            if upstream.declaration.asset_key not in [tuple(key.path) for key in upstream_keys(each.declaration)]:
                continue
            # As for what is stale, partitions of different lengths are not compared.
            is_whole = upstream.declaration.partitions is None or each.declaration.partitions is None
            hit = each.published if is_whole else each.published & rerun
            if hit:
                found[each.asset] = hit
                waiting.append((each, hit))
    return found
