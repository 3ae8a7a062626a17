"""The order of partition keys: every key has a position, so that neighbors merge to an interval."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from cascade.exceptions import PartitionError

if TYPE_CHECKING:
    import dagster as dg

_HOUR = 3600
_DAYS = 60
_DATE, _TIME = len("2024-01-15"), len("2024-01-15-05:00")
KINDS = ("hourly", "daily", "weekly", "monthly")


@dataclass(frozen=True)
class Scheme:
    """How the partitions of a workflow are divided. Positions in different schemes say nothing of each other.

    Partitions that are time ranges have the positions of calendar units, so neighbors differ by one, whatever the
    clocks do: an hour is counted in UTC. Names, and the one partition of a table without any, have no neighbors.

    Args:
        kind: the length of a partition; None for names, and for a table without partitions.
        timezone: IANA name of their time zone; None without a length.
    """

    kind: str | None = None
    timezone: str | None = None

    @classmethod
    def of(cls, partitions: dg.PartitionsDefinition[Any] | None) -> Scheme:
        """Return the scheme of Dagster's partitions; None for a table without partitions."""
        import dagster as dg

        kinds: dict[type, str] = {
            dg.HourlyPartitionsDefinition: "hourly",
            dg.DailyPartitionsDefinition: "daily",
            dg.WeeklyPartitionsDefinition: "weekly",
            dg.MonthlyPartitionsDefinition: "monthly",
        }
        kind = kinds.get(type(partitions))
        return (
            cls(kind, partitions.timezone)
            if isinstance(partitions, dg.TimeWindowPartitionsDefinition) and kind
            else cls()
        )

    @classmethod
    def parse(cls, text: str) -> Scheme:
        """Read what `str` of a scheme returned.

        Raises:
            ValueError: it is not one.
        """
        kind, _, timezone = text.partition(" ")
        if text == _NAMES:
            return cls()
        if kind not in KINDS or not timezone:
            raise ValueError(text)
        return cls(kind, timezone)

    def __str__(self) -> str:
        return f"{self.kind} {self.timezone}" if self.kind else _NAMES

    def position(self, key: str | None) -> int:
        """Return the position of a key.

        Args:
            key: Dagster's key; None for a table without partitions.

        Raises:
            PartitionError: it is not a key of this scheme.
        """
        if self.kind is None:
            # An even number has no even neighbor, so two names never look like a range.
            return 0 if key is None else 2 * int.from_bytes(b"\1" + key.encode())
        try:
            assert key is not None
            return self._time_position(key)
        except (ValueError, IndexError, AssertionError) as error:
            raise PartitionError(f"{key!r} is not the key of a partition ({self}).") from error

    def key(self, position: int) -> str | None:
        """Return the key at a position; see `is_regular` for when Dagster has another."""
        if self.kind is None:
            whole = position // 2
            return None if not position else whole.to_bytes((whole.bit_length() + 7) // 8)[1:].decode()
        if self.kind == "hourly":
            return self._hour_key(position)
        if self.kind == "monthly":
            return date(position // 12, position % 12 + 1, 1).isoformat()
        return date.fromordinal(position * 7 if self.kind == "weekly" else position).isoformat()

    def is_regular(self, first: str, last: str) -> bool:
        """Return whether every position from one key to another has a key, which `key` returns.

        Only where clocks change by half an hour, such as on Lord Howe Island, they do not: Dagster's hours then begin
        at another minute than before.
        """
        if self.kind != "hourly":
            return True
        zone, start, end = ZoneInfo(self.timezone or "UTC"), self.position(first), self.position(last)
        sampled = (*range(start, end, _DAYS * 24), end)
        return len({datetime.fromtimestamp(hour * _HOUR, zone).minute for hour in sampled}) < 2

    def _time_position(self, key: str) -> int:
        day = date.fromisoformat(key[:_DATE])
        if self.kind == "hourly":
            return self._hour_position(key, day)
        found = {
            "daily": day.toordinal(),
            # Dagster's weeks begin on Sundays, and ordinal 0 would be a Sunday.
            "weekly": day.toordinal() // 7,
            "monthly": day.year * 12 + day.month - 1,
        }[self.kind or ""]
        if self.key(found) != key:
            raise ValueError(key)
        return found

    def _hour_position(self, key: str, day: date) -> int:
        if key[_DATE] != "-" or key[_DATE + 3] != ":":
            raise ValueError(key)
        hour, minute, offset = int(key[_DATE + 1 : _DATE + 3]), int(key[_DATE + 4 : _TIME]), key[_TIME:]
        # Of an hour that clocks show twice, the second has its offset in the key.
        zone = datetime.strptime(offset, "%z").tzinfo if offset else ZoneInfo(self.timezone or "UTC")
        moment = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
        return int(moment.timestamp() // _HOUR)

    def _hour_key(self, position: int) -> str:
        zone = ZoneInfo(self.timezone or "UTC")
        moment = datetime.fromtimestamp(position * _HOUR, UTC)
        late = moment.astimezone(zone).minute
        local = (moment + timedelta(minutes=60 - late if late else 0)).astimezone(zone)
        return local.strftime("%Y-%m-%d-%H:%M%z" if local.fold else "%Y-%m-%d-%H:%M")


_NAMES = "names"
UNPARTITIONED = Scheme()
