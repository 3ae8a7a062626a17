"""What all tests share: where their temporary files are, how patient hypothesis is, and what is no garbage.

The temporary files are in memory, where the system has room for them. Nearly every test has a catalog and a run history
of its own in SQLite, whose commits wait for the disk. In memory they do not wait, and show the same: a process that is
killed loses nothing there, and no test cuts the power.

Importing Dagster and other libraries makes about a million objects, which stay. Looking through them for garbage again
and again takes a third of the CPU time of a small package's tests, so that the collector ignores what collection made.
"""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is not a fault of a test. Pants caches the result of a test, which must therefore depend on its files
# alone: other examples than the last time are tried only where somebody asks for them.
settings.register_profile(
    "patient",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="CASCADE_NEW_EXAMPLES" not in os.environ,
)
settings.load_profile("patient")

gc.disable()

_MEMORY = Path("/dev/shm")
_BYTES = 4 * 2**30


def _has_room() -> bool:
    # That of a container is often small, and programs in it do not start.
    return (
        os.access(_MEMORY, os.W_OK)
        and shutil.disk_usage(_MEMORY).free >= _BYTES
        and not os.statvfs(_MEMORY).f_flag & os.ST_NOEXEC
    )


_directory: str | None = None
# A directory that the user chose is kept, and so is that of the test that started this one.
if "TMPDIR" not in os.environ and _has_room():
    os.environ["TMPDIR"] = _directory = tempfile.mkdtemp(prefix="cascade-tests-", dir=_MEMORY)
    # PostgreSQL runs as another user, and has a directory in this one.
    os.chmod(_directory, 0o711)
    # It may have been looked up already.
    tempfile.tempdir = None


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Collect garbage from now on, among what the tests make."""
    gc.freeze()
    gc.enable()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Remove the directory, unless somebody may want to look at what a failed test has left."""
    # What a finalizer raises shows now. pytest looks five times, and Python twice more.
    gc.collect()
    gc.freeze()
    if _directory is not None and session.testsfailed == 0:
        shutil.rmtree(_directory, ignore_errors=True)
