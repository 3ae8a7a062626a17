"""Temporary copies of files, for DuckDB, which reads a file by its path.

A copy ends with its block, but not if the process is killed: a later process then removes it. A copy that is in use is
locked.
"""

from __future__ import annotations

import fcntl
import functools
import glob
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

_PREFIX, _SUFFIX = "cascade-", ".csv"
# Another process may have created a copy that it has not locked yet.
_SECONDS_TO_LOCK = 600


@contextmanager
def temporary_copy() -> Iterator[IO[bytes]]:
    """Create a file in the directory for temporary files, which ends with the block."""
    directory = tempfile.gettempdir()
    _remove_abandoned(directory)
    with tempfile.NamedTemporaryFile(prefix=_PREFIX, suffix=_SUFFIX, dir=directory) as file:
        # Some network file systems have no locks. There, a later process may not remove anything.
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        yield file


@functools.cache
def _remove_abandoned(directory: str) -> None:
    """Remove the copies of processes that were killed. Call it once in a process."""
    for path in glob.glob(os.path.join(glob.escape(directory), f"{_PREFIX}*{_SUFFIX}")):
        with suppress(OSError):
            if time.time() - os.lstat(path).st_mtime > _SECONDS_TO_LOCK:
                _remove_unlocked(path)


def _remove_unlocked(path: str) -> None:
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.unlink(path)
    finally:
        os.close(file)
