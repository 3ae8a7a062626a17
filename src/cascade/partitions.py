"""The partitions of a workflow: their keys, and the time range that each covers."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, date, datetime, timezone
from typing import TYPE_CHECKING

from cascade.declarations import IngestionDeclaration
from cascade.declarations.partition_bounds import local_time
from cascade.legacy.active import active_project
from cascade.partition_keys import check_key

if TYPE_CHECKING:
    import dagster as dg

_TICKS_LOOKED_AT = 400

_default_start: ContextVar[date | None] = ContextVar("cascade_default_partition_start", default=None)


@dataclass(frozen=True)
class PartitionWindow:
    """One partition, as a time range.

    Both ends are local times with a fixed UTC offset, such as `2013-01-15T00:00-05:00`: `start.date()` is the local
    day, and `end - start` is the time that passes, also where clocks change. Two datetimes of one `ZoneInfo` would
    subtract as clock times.

    Args:
        key: Dagster's key, such as `2013-01-15`.
        start: start of the range, timezone-aware.
        end: end of the range, exclusive, timezone-aware.
    """

    key: str
    start: datetime
    end: datetime


@contextmanager
def default_partition_start(start: date) -> Iterator[None]:
    """Set the start of workflows that do not declare one, instead of reading the project's settings.

    Args:
        start: the first day.

    Yields:
        Nothing. The start applies inside the block.
    """
    token = _default_start.set(start)
    try:
        yield
    finally:
        _default_start.reset(token)


def partitions_definition(declaration: IngestionDeclaration) -> dg.TimeWindowPartitionsDefinition | None:
    """Return Dagster's definition of a workflow's partitions, or None for a workflow without partitions."""
    import dagster as dg

    if declaration.partitions is None:
        return None
    kinds = {
        "hourly": dg.HourlyPartitionsDefinition,
        "daily": dg.DailyPartitionsDefinition,
        "weekly": dg.WeeklyPartitionsDefinition,
        "monthly": dg.MonthlyPartitionsDefinition,
    }
    start = declaration.partition_start
    end = declaration.partition_end
    partitions: dg.TimeWindowPartitionsDefinition = kinds[declaration.partitions](
        start_date=local_time(_configured_start() if start is None else start, declaration.partition_timezone),
        end_date=None if end is None else local_time(end, declaration.partition_timezone),
        timezone=declaration.partition_timezone,
        end_offset=1 if fires_within_partition(declaration) else 0,
    )
    return partitions


def window_for(declaration: IngestionDeclaration, key: str | None) -> PartitionWindow | None:
    """Return the partition of a key.

    Args:
        declaration: the workflow's declaration.
        key: the key as the user typed it; None if none was given.

    Returns:
        The partition, or None for a workflow without partitions.

    Raises:
        PartitionError: a key is missing, is not one of the workflow's, or was given to a workflow without partitions.
    """
    partitions = partitions_definition(declaration)
    check_key(declaration.table, partitions, key)
    if partitions is None or key is None:
        return None
    window = partitions.time_window_for_partition_key(key)
    return PartitionWindow(key=key, start=_with_fixed_offset(window.start), end=_with_fixed_offset(window.end))


def first_key(declaration: IngestionDeclaration) -> str | None:
    """Return the key of the first partition, or None for a workflow without partitions."""
    partitions = partitions_definition(declaration)
    return None if partitions is None else partitions.get_first_partition_key()


def fires_within_partition(declaration: IngestionDeclaration) -> bool:
    """Return whether `cron` ticks twice within one partition, so that each tick requests the current partition."""
    if declaration.cron is None or declaration.partitions is None:
        return False
    if active_project() is not None:
        # Before version 1.0, all workflows had the same partitions, and jobs rely on that.
        return False
    return _ticks_twice(declaration.cron, declaration.partitions)


def has_ended(declaration: IngestionDeclaration, now: datetime) -> bool:
    """Return whether the last partition has ended.

    Args:
        declaration: the workflow's declaration.
        now: the current time, timezone-aware.
    """
    from zoneinfo import ZoneInfo

    if declaration.partition_end is None:
        return False
    zone = ZoneInfo(declaration.partition_timezone)
    return local_time(declaration.partition_end, declaration.partition_timezone).replace(tzinfo=zone) <= now


@functools.cache
def _ticks_twice(cron: str, partitions: str) -> bool:
    if _ticks_once(cron, partitions):
        return False
    from croniter import croniter

    ticks = croniter(cron, datetime(2024, 1, 1))
    before = None
    for _ in range(_TICKS_LOOKED_AT):
        now = _floor(ticks.get_next(datetime), partitions)
        if now == before:
            return True
        before = now
    return False


def _ticks_once(cron: str, partitions: str) -> bool:
    """Return whether an expression plainly ticks at most once in a partition. Looking at ticks takes milliseconds."""
    fields = cron.split()
    minute_and_hour = len(fields) == 5 and fields[0].isdigit() and (partitions == "hourly" or fields[1].isdigit())
    if not minute_and_hour or partitions in ("hourly", "daily"):
        return minute_and_hour
    day, weekday = fields[2], fields[4]
    # With both of them, croniter ticks on either.
    return (day == "*" and weekday.isdigit()) if partitions == "weekly" else (day.isdigit() and weekday == "*")


def _floor(tick: datetime, partitions: str) -> tuple[int, ...]:
    if partitions == "hourly":
        return (tick.year, tick.month, tick.day, tick.hour)
    if partitions == "daily":
        return (tick.year, tick.month, tick.day)
    if partitions == "weekly":
        # Dagster's weeks begin on Sundays, and ordinal 0 would be a Sunday.
        return (tick.toordinal() // 7,)
    return (tick.year, tick.month)


def _with_fixed_offset(moment: datetime) -> datetime:
    offset = moment.utcoffset()
    return moment.replace(tzinfo=timezone(offset) if offset else UTC, fold=0)


def _configured_start() -> date:
    given = _default_start.get()
    if given is not None:
        return given
    from cascade.config import CascadeConfig

    return CascadeConfig.from_user_config().partition_start
