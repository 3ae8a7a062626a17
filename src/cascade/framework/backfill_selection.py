"""Choose the partitions of a backfill."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cascade.exceptions import PartitionError
from cascade.iceberg.ledger import PartitionSet
from cascade.partition_keys import check_key, position_of
from cascade.partitions import default_partition_start, partitions_definition

if TYPE_CHECKING:
    from datetime import date

    from cascade.declarations import IngestionDeclaration
    from cascade.framework.partition_states import PartitionStates

DEFAULT_KINDS = ("missing", "failed")


@dataclass(frozen=True)
class Selection:
    """The partitions of a backfill.

    Args:
        partitions: all of them.
        reasons: the partitions by why they are chosen, such as `missing`. A partition may have several reasons.
        candidates: the partitions of the range that have ended, from which they are chosen.
        kinds: what was looked for.
    """

    partitions: PartitionSet
    reasons: dict[str, PartitionSet]
    candidates: PartitionSet
    kinds: tuple[str, ...] = DEFAULT_KINDS


def check_range(
    declaration: IngestionDeclaration,
    first: str | None,
    last: str | None,
    *,
    partition_start: date,
    command: str,
    options: Sequence[str] = (),
) -> None:
    """Check the ends of a range that the user typed.

    Args:
        declaration: the workflow.
        first: the first key; None if it was not given.
        last: the last one.
        partition_start: the start of workflows that declare none.
        command: the command before the asset's name, for hints.
        options: the options besides the range that the user typed, for hints.

    Raises:
        PartitionError: a key is not one of the asset's, or they are in the wrong order.
    """
    asset = "/".join(declaration.asset_key)
    with default_partition_start(partition_start):
        partitions = partitions_definition(declaration)
    ends = (("--from", first), ("--to", last))
    for option, key in ends:
        if key is not None:
            others = [word for end, given in ends if given and end != option for word in (end, given)]
            check_key(asset, partitions, key, command, option, shlex.join([*options, *others]))
    if first is None or last is None or partitions is None:
        return
    if position_of(partitions, first) > position_of(partitions, last):
        raise PartitionError(
            f"{first} comes after {last}.",
            hint=f"Type: {command} {shlex.join([asset, *options, '--from', last, '--to', first])}",
        )


def select(
    states: PartitionStates, first: str | None, last: str | None, kinds: tuple[str, ...] = DEFAULT_KINDS
) -> Selection:
    """Choose the partitions of a backfill.

    Args:
        states: the states of the asset.
        first: the first key of the range; None for the first partition.
        last: the last key of the range; None for the last partition that has ended.
        kinds: which partitions of the range: `missing`, `failed`, `stale`, or several.
    """
    candidates = states.closed.between(first, last)
    reasons: dict[str, PartitionSet] = {}
    if "missing" in kinds:
        reasons["missing"] = states.missing
    if "failed" in kinds:
        reasons["failed"] = states.failed
    if "stale" in kinds:
        reasons["code changed"] = states.old_code
        reasons.update((f"{name} changed", found) for name, found in states.old_input.items())
    reasons = {reason: found & candidates for reason, found in reasons.items()}
    chosen = PartitionSet(candidates.scheme)
    for found in reasons.values():
        chosen = chosen | found
    return Selection(chosen, {reason: found for reason, found in reasons.items() if found}, candidates, kinds)
