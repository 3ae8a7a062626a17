"""Check the partition keys that the user requests against the keys of an asset.

Dagster decides which keys exist. This module explains what is wrong with a key, in the same words everywhere.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from cascade.exceptions import PartitionError
from cascade.spelling import nearest

if TYPE_CHECKING:
    import dagster as dg

RANGE_SEPARATOR = "..."

_PLAIN = re.compile(r"[\w.:+/-]+")
_LONGEST_SHOWN = 80
_PART = r"(?:\D?(\d\d|\d(?!\d))"
_TIME = re.compile(rf"(\d{{4}}){_PART}{_PART}{_PART}{_PART})?)?)?)?")


def check_key(
    asset: str,
    partitions: dg.PartitionsDefinition[Any] | None,
    key: str | None,
    command: str | None = None,
    option: str = "--partition",
    others: str = "",
) -> None:
    """Check that a key belongs to an asset, or that no key is given for an asset without partitions.

    Args:
        asset: the asset's name, for messages.
        partitions: the asset's partitions; None for an asset without.
        key: the key as the user typed it; None if none was given.
        command: the command before the asset's name, for hints, such as `cascade materialize`.
        option: the option that takes the key.
        others: the other options that the user typed, for hints.

    Raises:
        PartitionError: the key is missing, unknown, or given to an asset without partitions.
    """
    if partitions is None:
        if key is not None:
            hint = f"Type: {command} {asset}" if command else "Omit the partition."
            raise PartitionError(f"{asset} has no partitions, but {_quoted(key)} was given.", hint=hint)
    elif key is None:
        raise _error(
            asset, partitions, f"{asset} is partitioned{_length(partitions)}, but no partition was given.", command
        )
    elif not _is_key(partitions, key):
        message = f"{_quoted(key)} is not a partition of {asset}{_length(partitions)}."
        raise _error(asset, partitions, message, command, _nearest_keys(partitions, key), f"{others} {option}".strip())


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


def _quoted(key: str) -> str:
    """Return a key for a message: as it is, or in quotes if it has a blank or another unusual character."""
    shown = _shortened(key)
    return shown if _PLAIN.fullmatch(shown) else json.dumps(shown)


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


def ends_of_range(text: str) -> tuple[str, str]:
    """Return the ends of a range.

    Args:
        text: the range, written `FIRST...LAST`.

    Raises:
        PartitionError: it is not written like that.
    """
    first, separator, last = text.partition(RANGE_SEPARATOR)
    if not (first and separator and last):
        raise PartitionError(
            f"{json.dumps(_shortened(text))} is not a range of partitions.",
            hint=f"Write it as FIRST{RANGE_SEPARATOR}LAST. The range includes both ends.",
        )
    return first, last


def _keys_between(asset: str, partitions: dg.PartitionsDefinition[Any], text: str, command: str | None) -> list[str]:
    first, last = ends_of_range(text)
    check_key(asset, partitions, first, command)
    check_key(asset, partitions, last, command)
    if position_of(partitions, first) > position_of(partitions, last):
        raise PartitionError(f"{first} comes after {last}.", hint=f"Write {last}{RANGE_SEPARATOR}{first}.")
    import dagster as dg

    return list(partitions.get_partition_keys_in_range(dg.PartitionKeyRange(first, last)))


def _is_key(partitions: dg.PartitionsDefinition[Any], key: str) -> bool:
    """Return whether a key is in the list of the asset's partitions.

    Dagster's own `has_partition_key` also accepts `05:30` of hourly partitions, and runs the partition after it; and an
    hour that the clocks skip, and runs the next one again.
    """
    import dagster as dg

    if not partitions.has_partition_key(key):
        return False
    if not isinstance(partitions, dg.TimeWindowPartitionsDefinition):
        return True
    begin = partitions.time_window_for_partition_key(key).start
    return partitions.get_partition_key_for_timestamp(begin.timestamp()) == key


def position_of(partitions: dg.PartitionsDefinition[Any], key: str) -> float:
    """Return a number that grows from one key of an asset to the next.

    Args:
        partitions: the asset's partitions.
        key: one of their keys.
    """
    import dagster as dg

    if isinstance(partitions, dg.TimeWindowPartitionsDefinition):
        # Listing the hours of some years takes a second.
        return partitions.time_window_for_partition_key(key).start.timestamp()
    return list(partitions.get_partition_keys()).index(key)


def _nearest_keys(partitions: dg.PartitionsDefinition[Any], key: str) -> tuple[str, ...]:
    """Return the keys that a wrong one may stand for, best first, at most two.

    Args:
        partitions: the asset's partitions.
        key: the key as the user typed it.

    Returns:
        The partition that contains the time in the key, and the one after it unless the time is where it begins; the
        first partition if the time is before it. Of partitions of another kind, the key with the closest spelling.
        Empty if nothing is close.
    """
    import dagster as dg

    if not isinstance(partitions, dg.TimeWindowPartitionsDefinition):
        meant = nearest(key, partitions.get_partition_keys())
        return (meant,) if meant else ()
    window, last = partitions.get_first_partition_window(), partitions.get_last_partition_window()
    time = _time_in(key, partitions.timezone)
    if time is None or window is None or last is None or time >= last.end.timestamp():
        return ()
    if time < window.start.timestamp():
        return (partitions.get_partition_key_for_timestamp(window.start.timestamp()),)
    containing = partitions.get_partition_key_for_timestamp(time)
    window = partitions.time_window_for_partition_key(containing)
    begin, end = window.start.timestamp(), window.end.timestamp()
    after = () if begin in (time, last.start.timestamp()) else (partitions.get_partition_key_for_timestamp(end),)
    return (containing, *after)


def _time_in(key: str, timezone: str) -> float | None:
    """Return the time that a key means, which may lack its last parts or be written with other separators.

    Returns:
        A timestamp, since the clocks of a time zone show some hours twice and others never.
    """
    parts = _TIME.match(key)
    if parts is None:
        return None
    year, month, day, hour, minute = (
        int(part or default) for part, default in zip(parts.groups(), "01100", strict=True)
    )
    try:
        return datetime(year, month, day, hour, minute, tzinfo=ZoneInfo(timezone)).timestamp()
    except ValueError:
        return None


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


def _error(
    asset: str,
    partitions: dg.PartitionsDefinition[Any],
    message: str,
    command: str | None,
    nearest: Sequence[str] = (),
    option: str = "--partition",
) -> PartitionError:
    first, last = partitions.get_first_partition_key(), partitions.get_last_partition_key()
    if first is None or last is None:
        return PartitionError(message, hint=f"{asset} has no complete partition yet.")
    meant = f" {' and '.join(nearest)} {'are' if len(nearest) > 1 else 'is'} nearest." if nearest else ""
    key = shlex.quote(nearest[0] if nearest else last)
    example = f"Type: {command} {asset} {option} {key}" if command else f"For example: {option} {key}"
    return PartitionError(message, hint=f"Its partitions are {first}{RANGE_SEPARATOR}{last}.{meant} {example}")
