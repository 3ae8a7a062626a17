"""Say what is under way when a command takes long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_FIRST_SECONDS = 5.0
_AGAIN_SECONDS = 10.0


@contextmanager
def patience(
    say: Callable[[str], None], *, first: float = _FIRST_SECONDS, again: float = _AGAIN_SECONDS
) -> Iterator[Callable[[str], None]]:
    """Say what is under way, once it has taken long, and again from time to time.

    Args:
        say: prints a line.
        first: the seconds after which a step is named for the first time.
        again: the seconds between two lines after that.

    Yields:
        A function to call with the name of each step as it begins, such as `Loading the workflows`.
    """
    changed = threading.Condition()
    step, begun, ended = "", time.monotonic(), False

    def begin(name: str) -> None:
        nonlocal step, begun
        with changed:
            step, begun = name, time.monotonic()
            changed.notify()

    def watch() -> None:
        with changed:
            wait, since = first, begun
            while not ended:
                if since != begun:
                    wait, since = first, begun
                if not changed.wait(begun + wait - time.monotonic()) and step:
                    say(f"{step} … ({time.monotonic() - begun:.0f} s)")
                    wait += again

    thread = threading.Thread(target=watch, name="cascade-patience", daemon=True)
    thread.start()
    try:
        yield begin
    finally:
        with changed:
            ended = True
            changed.notify()
        thread.join()
