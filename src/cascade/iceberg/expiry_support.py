"""Which catalogs let snapshots expire in the commit that adds one. Nessie, for example, does not."""

from __future__ import annotations

from threading import Lock

_ENOUGH = 3


class ExpirySupport:
    """What this process has found out about its catalogs."""

    def __init__(self) -> None:
        self._failures: dict[str, int] = {}
        self._lock = Lock()

    def is_possible(self, catalog: str) -> bool:
        """Return whether a commit to a catalog should let snapshots expire.

        Args:
            catalog: the catalog's address.
        """
        return self._failures.get(catalog, 0) < _ENOUGH

    def failed(self, catalog: str, *, refused: bool) -> None:
        """Record that a commit landed only after it no longer let snapshots expire.

        Args:
            catalog: the catalog's address.
            refused: whether the catalog refused the first commit. If it gave no answer, this decides nothing alone.
        """
        with self._lock:
            self._failures[catalog] = self._failures.get(catalog, 0) + (_ENOUGH if refused else 1)

    def worked(self, catalog: str) -> None:
        """Record that snapshots expired."""
        with self._lock:
            self._failures[catalog] = 0


SUPPORT = ExpirySupport()
