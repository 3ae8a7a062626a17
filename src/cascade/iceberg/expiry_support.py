"""What catalogs refuse to do in the commit that adds a snapshot. Nessie, for example, lets no other snapshot expire."""

from __future__ import annotations

from threading import Lock

_ENOUGH = 3


class Support:
    """What this process has found out about one ability of its catalogs."""

    def __init__(self) -> None:
        self._failures: dict[str, int] = {}
        self._lock = Lock()

    def is_possible(self, catalog: str) -> bool:
        """Return whether a commit to a catalog should ask for it.

        Args:
            catalog: the catalog's address.
        """
        return self._failures.get(catalog, 0) < _ENOUGH

    def failed(self, catalog: str, *, refused: bool) -> None:
        """Record that a commit landed only after it no longer asked for it.

        Args:
            catalog: the catalog's address.
            refused: whether the catalog refused the first commit. If it gave no answer, this decides nothing alone.
        """
        with self._lock:
            self._failures[catalog] = self._failures.get(catalog, 0) + (_ENOUGH if refused else 1)

    def worked(self, catalog: str) -> None:
        """Record that the catalog did it."""
        with self._lock:
            self._failures[catalog] = 0


SUPPORT = Support()
"""Which catalogs let snapshots expire."""

PROPERTY_SUPPORT = Support()
"""Which catalogs let properties of a table change."""
