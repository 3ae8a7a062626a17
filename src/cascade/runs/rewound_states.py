"""Reset dlt's state of a table whose rows go back in time, so that no cursor stays ahead of them (G9)."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from cascade.exceptions import CascadeError
from cascade.runs.dlt_state import CURRENT, LOCK

# The time of a file can lag behind the clock by a few milliseconds.
_TICK = 0.1


@contextmanager
def states_reset(directory: Path, table: str, since: float, check: Callable[[], None]) -> Iterator[int]:
    """Reset the states that runs kept since a moment. No run of the table can read or keep a state meanwhile.

    The next run of a partition without a state reads its source from the beginning.

    Args:
        directory: where the states of all partitions of a table are.
        table: full name of the table, for errors.
        since: seconds since the epoch.
        check: raises an error if the rows can no longer go back. No state is reset then.

    Yields:
        How many states were reset.

    Raises:
        CascadeError: a run of the table is under way.
    """
    homes = sorted(path for path in directory.iterdir() if path.is_dir()) if directory.is_dir() else []
    with ExitStack() as stack:
        for home in homes:
            _lock(stack.enter_context((home / LOCK).open("a")), table)
        # A run may have ended before its lock was taken, and then its cursor belongs to its rows.
        check()
        later = [path for home in homes if (path := home / CURRENT).exists() and path.stat().st_mtime > since - _TICK]
        for path in later:
            path.unlink()
        yield len(later)


def _lock(file: IO[str], table: str) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CascadeError(
            f"A run of {table} is under way, and keeps the cursor of its source when it ends.",
            hint="Run the rollback again when it has ended.",
        ) from None
    except OSError:
        # The file system has no locks. Runs go on without them, too.
        return
