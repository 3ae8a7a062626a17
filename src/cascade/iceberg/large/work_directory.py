"""Directories for temporary files that have names, and that no process leaves behind for long.

A process that is killed leaves its directory behind, and the operating system releases its lock. The next one that can
lock the parent for itself alone knows that no process owns what it finds there, and removes it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from cascade.iceberg.large.spool import disk_errors_named

_PREFIX = "work-"


def home() -> Path:
    """Return the parent of the directories of this user."""
    return Path(tempfile.gettempdir()) / f"cascade-{os.getuid()}"


@contextmanager
def work_directory() -> Iterator[Path]:
    """Create a directory, and remove it afterwards, together with those of processes that were killed.

    Yields:
        The directory.

    Raises:
        CascadeError: the disk is full.
    """
    with disk_errors_named():
        home().mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (home() / ".lock").open("a")
    with lock:
        _sweep(lock)
        # Others may work in their own directories at the same time.
        _locked(lock, fcntl.LOCK_SH)
        with disk_errors_named():
            own = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=home()))
        try:
            yield own
        finally:
            shutil.rmtree(own, ignore_errors=True)


def _sweep(lock: IO[str]) -> None:
    if _locked(lock, fcntl.LOCK_EX | fcntl.LOCK_NB):
        for left in home().glob(f"{_PREFIX}*"):
            shutil.rmtree(left, ignore_errors=True)


def _locked(lock: IO[str], kind: int) -> bool:
    """Lock the parent. Return False if other processes have directories, or if the file system has no locks."""
    try:
        fcntl.flock(lock, kind)
    except OSError:
        return False
    return True
