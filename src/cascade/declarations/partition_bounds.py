"""Check `partition_start` and `partition_end` against the length of the partitions.

Dagster skips an incomplete partition at either end without a message, so that days which the user meant are never
fetched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

_HOUR = timedelta(hours=1)


def local_time(moment: date | datetime, timezone: str) -> datetime:
    """Return a moment as local time in a time zone, without `tzinfo`, as Dagster expects it.

    Args:
        moment: a date, which means its midnight; a naive datetime, which is local already; or an aware one.
        timezone: IANA name of the time zone.
    """
    if not isinstance(moment, datetime):
        return datetime.combine(moment, time())
    return moment if moment.tzinfo is None else moment.astimezone(ZoneInfo(timezone)).replace(tzinfo=None)


def bound_problems(checked: Mapping[str, Any]) -> list[str]:
    """Return one sentence for each bound that is not where a partition begins, or that has no effect.

    Args:
        checked: the arguments of the decorator that passed their own checks.
    """
    kind, timezone = checked.get("partitions", "daily"), checked.get("partition_timezone", "UTC")
    given = {name: checked[name] for name in ("partition_start", "partition_end") if checked.get(name) is not None}
    if kind is None:
        return [f"{name}: has no effect with partitions=None; remove it." for name in given]
    local = {name: local_time(moment, timezone) for name, moment in given.items()}
    problems = [
        _misplaced(name, given[name], moment, kind, timezone)
        for name, moment in local.items()
        if not _begins(moment, kind, timezone)
    ]
    if (
        problems
        or len(local) < 2
        or _instant(local["partition_start"], timezone) < _instant(local["partition_end"], timezone)
    ):
        return problems
    return [f"partition_end: {given['partition_end']} is not after partition_start, {given['partition_start']}."]


def _begins(local: datetime, kind: str, timezone: str) -> bool:
    return _floor(local, kind) == local and (kind != "hourly" or _exists(local, timezone))


def _misplaced(name: str, given: date | datetime, local: datetime, kind: str, timezone: str) -> str:
    shown = str(given)
    if isinstance(given, datetime) and given.tzinfo is not None:
        shown += f", which is {local} in {timezone},"
    before, after = _neighbours(local, kind, timezone)
    verb, effect = ("begins", "include") if name == "partition_start" else ("ends", "leave out")
    whole = {"hourly": "hour", "daily": "day", "weekly": "week", "monthly": "month"}[kind]
    article = "an" if kind == "hourly" else "a"
    weeks = " Weeks begin on Sundays." if kind == "weekly" else ""
    return (
        f"{name}: {shown} is not where {article} {kind} partition {verb}.{weeks} "
        f'Write "{_text(before, kind)}" to {effect} the {whole} it is in, or "{_text(after, kind)}" to '
        f"{'leave it out' if effect == 'include' else 'include it'}."
    )


def _neighbours(local: datetime, kind: str, timezone: str) -> tuple[datetime, datetime]:
    before = _floor(local, kind)
    after = _NEXT[kind](before)
    if kind == "hourly":
        # An hour that the clocks skip has no partition.
        while not _exists(before, timezone):
            before -= _HOUR
        while not _exists(after, timezone):
            after += _HOUR
    return before, after


def _floor(local: datetime, kind: str) -> datetime:
    if kind == "hourly":
        return local.replace(minute=0, second=0, microsecond=0)
    day = local.replace(hour=0, minute=0, second=0, microsecond=0)
    if kind == "weekly":
        # Dagster's weeks begin on Sundays, and ordinal 0 would be a Sunday.
        return day - timedelta(days=day.toordinal() % 7)
    return day.replace(day=1) if kind == "monthly" else day


_NEXT: Mapping[str, Callable[[datetime], datetime]] = {
    "hourly": lambda begin: begin + _HOUR,
    "daily": lambda begin: begin + timedelta(days=1),
    "weekly": lambda begin: begin + timedelta(days=7),
    "monthly": lambda begin: (begin + timedelta(days=31)).replace(day=1),
}


def _exists(local: datetime, timezone: str) -> bool:
    """Return whether the clocks of a time zone ever show a local time: they skip an hour in spring."""
    zone = ZoneInfo(timezone)
    return _instant(local, timezone).astimezone(zone).replace(tzinfo=None, fold=0) == local.replace(fold=0)


def _instant(local: datetime, timezone: str) -> datetime:
    return local.replace(tzinfo=ZoneInfo(timezone)).astimezone(UTC)


def _text(moment: datetime, kind: str) -> str:
    return f"{moment:%Y-%m-%dT%H:%M}" if kind == "hourly" else f"{moment:%Y-%m-%d}"
