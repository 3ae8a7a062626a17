"""Read which partitions of a table are published."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cascade.exceptions import PartitionError
from cascade.iceberg.ledger.contents import UNKNOWN, Contents
from cascade.iceberg.ledger.intervals import merged
from cascade.iceberg.ledger.partition_set import PartitionSet
from cascade.iceberg.ledger.schemes import Scheme
from cascade.iceberg.ledger.state import state_of

if TYPE_CHECKING:
    import dagster as dg
    from pyiceberg.table import Table


@dataclass(frozen=True)
class PublishedRange:
    """Consecutive partitions that one version of the code published.

    Args:
        first: key of the first partition; None for a table without partitions.
        last: key of the last one, which is included.
        count: number of partitions.
        code_version: the version of the code that published them last; None if it is not known.
    """

    first: str | None
    last: str | None
    count: int
    code_version: str | None


@dataclass(frozen=True)
class PublishedPartitions:
    """The published partitions of a table. A run publishes its partition also if it has no rows.

    `len` of it is their number, and `key in` it tells whether a partition is published: `None in` it for a table
    without partitions.

    Args:
        recorded: whether the table has a ledger. If not, no run has written to it since Cascade keeps one.
    """

    recorded: bool
    _contents: Contents

    def __len__(self) -> int:
        return len(self._contents)

    def __contains__(self, key: str | None) -> bool:
        return self._version(key) is not None

    def __iter__(self) -> Iterator[str | None]:
        """Yield the keys in the order of the partitions."""
        scheme = self._contents.scheme
        for first, last, _ in self._contents.ranges():
            yield from map(scheme.key, range(first, last + 1))

    def code_version(self, key: str | None) -> str | None:
        """Return which version of the code published a partition last.

        Args:
            key: key of the partition; None for a table without partitions.

        Returns:
            The version, or None if the partition is not published, or its version is not known.
        """
        return self._version(key) or None

    @property
    def scheme(self) -> Scheme:
        """How the partitions are divided."""
        return self._contents.scheme

    @property
    def ranges(self) -> tuple[PublishedRange, ...]:
        """The published partitions in their order, as few ranges."""
        key = self._contents.scheme.key
        return tuple(
            PublishedRange(key(first), key(last), last - first + 1, version if version != UNKNOWN else None)
            for first, last, version in self._contents.ranges()
        )

    def missing(self, partitions: dg.PartitionsDefinition[Any] | None) -> tuple[str | None, ...]:
        """Return the partitions that are not published, in their order.

        Args:
            partitions: Dagster's definition of the partitions; None for a table without partitions, whose only
                partition has the key None. If they have another length or time zone than the published ones, all are
                missing.
        """

        scheme = Scheme.of(partitions)
        contents = self._contents if self._contents.scheme == scheme else Contents(scheme)
        if partitions is None:
            return () if len(contents) else (None,)
        first, last = partitions.get_first_partition_key(), partitions.get_last_partition_key()
        if scheme.kind is None or not first or not last or not scheme.is_regular(first, last):
            keys = partitions.get_partition_keys()
            return tuple(key for key in keys if contents.version_at(scheme.position(key)) is None)
        positions = range(scheme.position(first), scheme.position(last) + 1)
        return tuple(scheme.key(position) for position in positions if contents.version_at(position) is None)

    def outdated(self, code_version: str) -> tuple[str | None, ...]:
        """Return the published partitions that another version of the code published last, in their order.

        Args:
            code_version: the version that counts.
        """
        return tuple(self.partitions(other_than=code_version))

    def partitions(self, *, other_than: str | None = None) -> PartitionSet:
        """Return the published partitions as a set.

        Args:
            other_than: leave out those that this version of the code published last; all if absent.
        """
        ranges = ((first, last) for first, last, version in self._contents.ranges() if version != other_than)
        return PartitionSet(self._contents.scheme, merged(ranges))

    def _version(self, key: str | None) -> str | None:
        try:
            return self._contents.version_at(self._contents.scheme.position(key))
        except PartitionError:
            return None


def published_partitions(table: Table) -> PublishedPartitions:
    """Return which partitions of a table are published at its current snapshot."""
    state = state_of(table)
    return PublishedPartitions(state.recorded, state.contents)
