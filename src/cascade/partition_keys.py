"""Check the partition keys that the user requests against the keys of an asset.

Dagster decides which keys exist. This module explains what is wrong with a key, in the same words everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cascade.exceptions import PartitionError

if TYPE_CHECKING:
    import dagster as dg

RANGE_SEPARATOR = "..."


def check_key(
    asset: str, partitions: dg.PartitionsDefinition[Any] | None, key: str | None, command: str | None = None
) -> None:
    """Check that a key belongs to an asset, or that no key is given for an asset without partitions.

    Args:
        asset: the asset's name, for messages.
        partitions: the asset's partitions; None for an asset without.
        key: the key as the user typed it; None if none was given.
        command: the command before the asset's name, for hints, such as `cascade materialize`.

    Raises:
        PartitionError: the key is missing, unknown, or given to an asset without partitions.
    """
    if partitions is None:
        if key is not None:
            hint = f"Type: {command} {asset}" if command else "Omit the partition."
            raise PartitionError(f"{asset} has no partitions, but {key} was given.", hint=hint)
    elif key is None:
        raise _error(
            asset, partitions, f"{asset} is partitioned{_length(partitions)}, but no partition was given.", command
        )
    elif not partitions.has_partition_key(key):
        raise _error(asset, partitions, f"{key} is not a partition of {asset}{_length(partitions)}.", command)


def choose_partitions(
    asset: str,
    partitions: dg.PartitionsDefinition[Any] | None,
    keys: Sequence[str],
    ranges: Sequence[str],
    command: str | None = None,
) -> list[str | None]:
    """Check the partitions that the user requests.

    Args:
        asset: the asset's name, for messages.
        partitions: the asset's partitions; None for an asset without.
        keys: single keys.
        ranges: ranges, each written `FIRST...LAST` and including both ends.
        command: the command before the asset's name, for hints, such as `cascade materialize`.

    Returns:
        The keys in the order given, each once; `[None]` for an asset without partitions.

    Raises:
        PartitionError: a key is missing, unknown, or given to an asset without partitions. The hint has the valid keys.
    """
    if partitions is None or not (keys or ranges):
        check_key(asset, partitions, (*keys, *ranges, None)[0], command)
        return [None]
    for key in keys:
        check_key(asset, partitions, key, command)
    chosen: dict[str | None, None] = dict.fromkeys(keys)
    for text in ranges:
        chosen |= dict.fromkeys(_keys_between(asset, partitions, text, command))
    return list(chosen)


def _keys_between(asset: str, partitions: dg.PartitionsDefinition[Any], text: str, command: str | None) -> list[str]:
    first, separator, last = text.partition(RANGE_SEPARATOR)
    if not (first and separator and last):
        raise PartitionError(
            f'"{text}" is not a range of partitions.',
            hint=f"Write it as FIRST{RANGE_SEPARATOR}LAST. The range includes both ends.",
        )
    check_key(asset, partitions, first, command)
    check_key(asset, partitions, last, command)
    keys = list(partitions.get_partition_keys())
    start, end = keys.index(first), keys.index(last)
    if start > end:
        raise PartitionError(f"{first} comes after {last}.", hint=f"Write {last}{RANGE_SEPARATOR}{first}.")
    return keys[start : end + 1]


def _length(partitions: dg.PartitionsDefinition[Any]) -> str:
    """Return the length of the partitions, such as ` (daily)`, or an empty string for partitions of another kind."""
    import dagster as dg

    lengths: dict[type, str] = {
        dg.HourlyPartitionsDefinition: "hourly",
        dg.DailyPartitionsDefinition: "daily",
        dg.WeeklyPartitionsDefinition: "weekly",
        dg.MonthlyPartitionsDefinition: "monthly",
    }
    length = lengths.get(type(partitions))
    return f" ({length})" if length else ""


def _error(asset: str, partitions: dg.PartitionsDefinition[Any], message: str, command: str | None) -> PartitionError:
    first, last = partitions.get_first_partition_key(), partitions.get_last_partition_key()
    if first is None or last is None:
        return PartitionError(message, hint=f"{asset} has no complete partition yet.")
    example = f"Type: {command} {asset} --partition {last}" if command else f"For example: --partition {last}"
    return PartitionError(message, hint=f"Its partitions are {first}{RANGE_SEPARATOR}{last}. {example}")
