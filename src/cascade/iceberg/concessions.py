"""What a commit asks of a catalog beside its snapshot, and does without if the catalog refuses.

Old snapshots expire and properties change in the same request. A catalog that refuses one of them refuses the request,
without saying which of them it minds, so a commit tries to do without the one and then without the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cascade.iceberg.attempt import Sendable
from cascade.iceberg.commit_outcomes import Outcome
from cascade.iceberg.expiry_support import PROPERTY_SUPPORT, SUPPORT
from cascade.notices import notice

_Asked = tuple[bool, bool]
"""Whether snapshots expire, and whether properties change."""

_WAYS: tuple[_Asked, ...] = ((True, True), (False, True), (True, False), (False, False))


@dataclass
class Concessions:
    """What one commit does without.

    Args:
        catalog: the catalog's address.
    """

    catalog: str
    _failed: dict[_Asked, Outcome] = field(default_factory=dict)
    _wanted: _Asked = (False, False)
    _way: _Asked = (True, True)

    @property
    def expires(self) -> bool:
        """Whether the next attempt lets snapshots expire."""
        return self._way[0] and SUPPORT.is_possible(self.catalog)

    @property
    def sets_properties(self) -> bool:
        """Whether the next attempt changes properties."""
        return self._way[1] and PROPERTY_SUPPORT.is_possible(self.catalog)

    def concedes(self, attempt: Sendable, outcome: Outcome) -> bool:
        """Return whether the next attempt asks for less, after a catalog refused one or did not answer.

        Args:
            attempt: the attempt.
            outcome: what is known about it.
        """
        asked = (attempt.expires, attempt.sets_properties)
        blamed = outcome is Outcome.REFUSED or (outcome is Outcome.UNKNOWN and attempt.expires)
        if not blamed or asked == (False, False):
            return False
        self._failed[asked] = outcome
        self._wanted = (self._wanted[0] or asked[0], self._wanted[1] or asked[1])
        for way in _WAYS:
            if (way[0] and self._wanted[0], way[1] and self._wanted[1]) not in self._failed:
                self._way = way
                return True
        return False

    def landed(self, attempt: Sendable) -> None:
        """Record what the catalog can do, now that an attempt landed."""
        expires, sets_properties = attempt.expires, attempt.sets_properties
        if expires:
            SUPPORT.worked(self.catalog)
        elif (failed := self._failed.get((True, sets_properties))) is not None:
            SUPPORT.failed(self.catalog, refused=failed is Outcome.REFUSED)
        if sets_properties:
            PROPERTY_SUPPORT.worked(self.catalog)
        elif self._failed.get((expires, True)) is Outcome.REFUSED:
            self.refused_properties()

    def refused_properties(self) -> None:
        """Record that the catalog lets no properties change, and say so once."""
        if PROPERTY_SUPPORT.is_possible(self.catalog):
            notice(
                f"The catalog at {self.catalog} lets no table properties change. Which partitions are published is "
                "known only from the snapshots of their rows, and partitions without rows count as missing."
            )
        PROPERTY_SUPPORT.failed(self.catalog, refused=True)
