"""Sets of partitions of one table, kept as ranges, so that ten years of hours cost no more than a day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cascade.exceptions import PartitionError
from cascade.iceberg.ledger.intervals import NONE, Intervals, contains, count, merged, without
from cascade.iceberg.ledger.schemes import UNPARTITIONED, Scheme

if TYPE_CHECKING:
    import dagster as dg


@dataclass(frozen=True)
class KeyRange:
    """Consecutive partitions.

    Args:
        first: key of the first partition; None for a table without partitions.
        last: key of the last one, which is included.
        count: number of partitions.
    """

    first: str | None
    last: str | None
    count: int

    def __str__(self) -> str:
        if self.first is None or self.first == self.last:
            return self.first or ""
        return f"{self.first}...{self.last}"


@dataclass(frozen=True)
class PartitionSet:
    """Some partitions of a table. Iteration yields their keys in order; None for a table without partitions.

    `|`, `&` and `-` combine two sets. Keys of another scheme stand for other rows, so such sets have nothing in common.

    Args:
        scheme: how the partitions are divided.
        intervals: their positions.
    """

    scheme: Scheme = UNPARTITIONED
    intervals: Intervals = NONE

    @classmethod
    def of_keys(cls, scheme: Scheme, keys: Iterable[str | None]) -> PartitionSet:
        """Return the set of some keys. Keys that the scheme does not know are left out.

        Args:
            scheme: how the partitions are divided.
            keys: the keys.
        """
        positions = []
        for key in keys:
            try:
                positions.append(scheme.position(key))
            except PartitionError:
                continue
        return cls(scheme, merged((position, position) for position in positions))

    @classmethod
    def closed(cls, partitions: dg.PartitionsDefinition[Any] | None, now: datetime) -> PartitionSet:
        """Return the partitions that have ended.

        Args:
            partitions: Dagster's definition of the partitions; None for a table without, whose only partition is None.
            now: the current time, timezone-aware.
        """
        import dagster as dg

        scheme = Scheme.of(partitions)
        if partitions is None:
            return cls.of_keys(scheme, [None])
        first, last = partitions.get_first_partition_key(), partitions.get_last_partition_key()
        if not first or not last:
            return cls(scheme)
        if not isinstance(partitions, dg.TimeWindowPartitionsDefinition) or scheme.kind is None:
            return cls.of_keys(scheme, partitions.get_partition_keys())
        if not scheme.is_regular(first, last):
            keys = partitions.get_partition_keys()
            return cls.of_keys(
                scheme, (key for key in keys if partitions.time_window_for_partition_key(key).end <= now)
            )
        low, high = scheme.position(first), scheme.position(last)
        # Dagster lists the current partition too where a tick requests it.
        while high >= low and partitions.time_window_for_partition_key(scheme.key(high) or "").end > now:
            high -= 1
        return cls(scheme, ((low, high),) if high >= low else NONE)

    def __len__(self) -> int:
        return count(self.intervals)

    def __contains__(self, key: str | None) -> bool:
        try:
            return contains(self.intervals, self.scheme.position(key))
        except PartitionError:
            return False

    def __iter__(self) -> Iterator[str | None]:
        for first, last in self.intervals:
            yield from map(self.scheme.key, range(first, last + 1))

    def __or__(self, other: PartitionSet) -> PartitionSet:
        if not other or self.scheme != other.scheme:
            return self
        return PartitionSet(self.scheme, merged((*self.intervals, *other.intervals)))

    def __sub__(self, other: PartitionSet) -> PartitionSet:
        if self.scheme != other.scheme:
            return self
        return PartitionSet(self.scheme, without(self.intervals, other.intervals))

    def __and__(self, other: PartitionSet) -> PartitionSet:
        if self.scheme != other.scheme:
            return PartitionSet(self.scheme)
        return self - (self - other)

    def between(self, first: str | None, last: str | None) -> PartitionSet:
        """Return the partitions from one key to another.

        Args:
            first: the first key; None for no limit.
            last: the last one, which is included; None for no limit.
        """
        if not self.intervals or self.scheme.kind is None:
            return self
        low = self.intervals[0][0] if first is None else self.scheme.position(first)
        high = self.intervals[-1][1] if last is None else self.scheme.position(last)
        return self & PartitionSet(self.scheme, ((low, high),) if low <= high else NONE)

    @property
    def ranges(self) -> tuple[KeyRange, ...]:
        """The partitions in their order, as few ranges."""
        key = self.scheme.key
        return tuple(KeyRange(key(first), key(last), last - first + 1) for first, last in self.intervals)
