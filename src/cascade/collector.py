"""Python's garbage collector, while libraries load.

An import creates objects that stay, and no garbage. Dagster, pyiceberg and what they import create so many that the
collector, which runs after every few hundred new objects, takes a third of the time in which they load.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_kept_for_good = False


@contextmanager
def collector_paused(*, for_good: bool = False) -> Iterator[None]:
    """Pause the collector while libraries load.

    Args:
        for_good: never visit what exists at the end, not even when the process ends. For a process that runs one
            command: garbage that other code left in cycles is kept as well.

    Yields:
        Nothing. The collector runs again at the end, unless it was off before.
    """
    global _kept_for_good
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        # A process that runs many commands, such as one of tests, would keep the garbage of each.
        # `gc.get_freeze_count` knows too, but it visits everything that is kept.
        if for_good and not _kept_for_good:
            _kept_for_good = True
            gc.freeze()
        if was_enabled:
            gc.enable()
