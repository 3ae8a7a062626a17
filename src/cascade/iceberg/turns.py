"""Writers of a table take turns, so that none of them loses one race after another.

A commit lands only if no other came first. Where the catalog is a local file, its writers share a machine, and lock a
file to commit one after the other. The lock is advice: a writer that never gets it commits without, and the catalog
decides as ever. Writers to a server have no lock, and wait the shorter the longer they have waited already.
"""

from __future__ import annotations

import math
import os
import random
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import get_ident
from types import TracebackType
from typing import TYPE_CHECKING
from urllib.parse import quote

from cascade.iceberg.locations import sqlite_file

if TYPE_CHECKING:
    from cascade.iceberg.catalog import Lakehouse
    from cascade.table_ref import TableRef

_PATIENCE_SECONDS = 30.0
_LONGEST_POLL_SECONDS = 0.05
_SHORTEST_POLL_SECONDS = 0.002
_LONGEST_WAIT_SECONDS = 2.0

# The threads of this process that have a turn, by the path of the lock. A commit inside of a commit does not wait.
_mine: dict[Path, int] = {}


@dataclass
class Turn:
    """The turn of one commit. Use it as a context manager, which ends the turn.

    Args:
        path: the file to lock; None if there is none.
        patience: seconds after which a writer commits without its turn.
    """

    path: Path | None
    patience: float = _PATIENCE_SECONDS
    since: float = field(default_factory=time.monotonic)
    _descriptor: int | None = None

    @classmethod
    def of(cls, uri: str, ref: TableRef) -> Turn:
        """Return the turn of a commit, which has not begun yet.

        Args:
            uri: the catalog's address.
            ref: the table.
        """
        catalog = _local_catalog(uri)
        return cls(_lock_file(catalog.parent, ref, "") if catalog else None)

    @classmethod
    def to_publish(cls, lakehouse: Lakehouse, ref: TableRef) -> Turn:
        """Return the turn of a run that has rows on an audit branch, in the queue of all such runs of this machine.

        It has no end but the run's own: a run that gave up waiting would lose the next race too.

        Args:
            lakehouse: the lakehouse.
            ref: the table.
        """
        catalog = _local_catalog(lakehouse.uri)
        return cls(
            _lock_file((catalog or lakehouse.origin or lakehouse.dlt_directory).parent, ref, ".publish"), math.inf
        )

    @property
    def is_mine(self) -> bool:
        """Whether other writers of this machine wait for this one."""
        return self._descriptor is not None

    def take(self) -> bool:
        """Wait for the turn, if there is something to wait for.

        Returns:
            Whether others came first, so that the table has changed.
        """
        if self.path is None or self.is_mine or _mine.get(self.path) == get_ident():
            return False
        if (descriptor := _opened(self.path)) is None:
            return False
        waited, end = False, time.monotonic() + self.patience
        try:
            while not _locked(descriptor):
                waited = True
                if time.monotonic() > end:
                    os.close(descriptor)
                    return True
                # Who has waited for long looks more often.
                seconds = _LONGEST_POLL_SECONDS / (1 + time.monotonic() - self.since) ** 2
                time.sleep(random.uniform(0.2, 1.0) * max(seconds, _SHORTEST_POLL_SECONDS))
            self._descriptor = descriptor
        except BaseException:
            # A deadline ended the wait, perhaps just after it got the lock.
            os.close(descriptor)
            raise
        _mine[self.path] = get_ident()
        return waited

    def end(self) -> None:
        """Let the next writer commit."""
        if self._descriptor is not None and self.path is not None:
            _mine.pop(self.path, None)
            # Closing it unlocks it, unless a child of this process has it too.
            _unlock(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = None

    def wait(self, races: int) -> None:
        """Wait after a lost race.

        Args:
            races: number of races that were lost.
        """
        if self.is_mine and races == 1:
            return
        seconds = min(_LONGEST_WAIT_SECONDS, 0.02 * 2 ** min(races, 10)) / (1 + time.monotonic() - self.since)
        time.sleep(random.uniform(0.2, 1.0) * seconds)

    def __enter__(self) -> Turn:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.end()


def _local_catalog(uri: str) -> Path | None:
    return sqlite_file(uri) if uri.startswith(("sqlite:", "sqlite+")) else None


def _lock_file(directory: Path, ref: TableRef, kind: str) -> Path:
    return directory / "locks" / f"{quote(ref.full_name, safe='')}{kind}.lock"


def _opened(path: Path) -> int | None:
    """Open a file to lock. A directory that cannot be written has no turns, and no commits either."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError:
        return None


def _locked(descriptor: int) -> bool:
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # a file system without locks
    return True


def _unlock(descriptor: int) -> None:
    import fcntl

    with suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_UN)
