"""What a ledger says: which partitions of a table are published, and by which version of the code."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cascade.iceberg.ledger.intervals import NONE, Intervals, contains, count, merged, with_one, without
from cascade.iceberg.ledger.schemes import UNPARTITIONED, Scheme

UNKNOWN = ""
"""Stands for a version of the code that is not known."""

MOST_VERSIONS = 16


@dataclass(frozen=True)
class Contents:
    """The published partitions of a table.

    Args:
        scheme: how the partitions are divided.
        versions: each version of the code with the positions of the partitions that it published last. The version that
            published most recently comes last. A partition belongs to one version.
    """

    scheme: Scheme = UNPARTITIONED
    versions: tuple[tuple[str, Intervals], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.versions)

    def __len__(self) -> int:
        return sum(count(positions) for _, positions in self.versions)

    def version_at(self, position: int) -> str | None:
        """Return which version published the partition at a position; None if none did."""
        return next((version for version, positions in self.versions if contains(positions, position)), None)

    def says(self, scheme: Scheme, key: str | None, version: str) -> bool:
        """Return whether a version published a partition."""
        return self.scheme == scheme and self.version_at(scheme.position(key)) == version

    def published(self, scheme: Scheme, key: str | None, version: str) -> Contents:
        """Return what is published after a version published a partition.

        Args:
            scheme: how the partitions are divided now. In another one, the partitions of before mean nothing.
            key: key of the partition; None for a table without partitions.
            version: the version of the code.
        """
        position = scheme.position(key)
        others = self._without(((position, position),)).versions if scheme == self.scheme else ()
        mine = with_one(dict(others).get(version, NONE), position)
        return Contents(scheme, (*(each for each in others if each[0] != version), (version, mine)))._bounded()

    def after(self, older: Contents) -> Contents:
        """Return what is published if this is added to something older."""
        if not older or not self or self.scheme != older.scheme:
            return self or older
        left = dict(older._without(self._positions()).versions)
        for version, positions in self.versions:
            left[version] = merged((*left.pop(version, NONE), *positions))
        return Contents(self.scheme, tuple(left.items()))._bounded()

    def without(self, scheme: Scheme, keys: tuple[str | None, ...]) -> Contents:
        """Return this without some partitions."""
        if scheme != self.scheme:
            return self
        return self._without(merged((position, position) for position in map(scheme.position, keys)))

    def ranges(self) -> Iterator[tuple[int, int, str]]:
        """Yield the first and the last position of each range of one version, in order."""
        yield from sorted((*interval, version) for version, positions in self.versions for interval in positions)

    def _positions(self) -> Intervals:
        return merged(interval for _, positions in self.versions for interval in positions)

    def _without(self, gone: Intervals) -> Contents:
        left = ((version, without(positions, gone)) for version, positions in self.versions)
        return Contents(self.scheme, tuple((version, positions) for version, positions in left if positions))

    def _bounded(self) -> Contents:
        """Forget which of the oldest versions published a partition, but not that it is published."""
        if len(self.versions) <= MOST_VERSIONS:
            return self
        known = [each for each in self.versions if each[0] != UNKNOWN]
        kept = known[-(MOST_VERSIONS - 1) :]
        forgotten = [each for each in self.versions if each not in kept]
        oldest = merged(interval for _, positions in forgotten for interval in positions)
        return Contents(self.scheme, ((UNKNOWN, oldest), *kept))
