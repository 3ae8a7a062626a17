"""Say what is under way if it takes long, so that no command is silent for more than a few seconds."""

from __future__ import annotations

import io
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

FIRST_SECONDS = 3.0
"""How long a step is silent before its first line."""

AGAIN_SECONDS = 30.0
"""How long until its next line."""


@contextmanager
def telling(label: str) -> Iterator[Callable[[str], None]]:
    """Print a line such as `loading the project … 3 s` on standard error if a step takes long, and again later.

    Args:
        label: what the command is doing.

    Yields:
        A function to call with the name of each step as it begins. Until then, there is one step without a name.
    """
    teller = _Teller(label)
    with own_stderr() as stream:
        thread = threading.Thread(target=teller.run, args=(stream,), daemon=True)
        thread.start()
        try:
            yield teller.begin
        finally:
            teller.stop()
            thread.join()


@contextmanager
def own_stderr() -> Iterator[TextIO]:
    """Open standard error once more, because Dagster redirects descriptor 2 during a step to record what is printed.

    Yields:
        A stream to where standard error goes now.
    """
    try:
        descriptor = os.dup(sys.stderr.fileno())
    except (AttributeError, OSError, io.UnsupportedOperation):
        # A test may have replaced it by an object without a descriptor.
        yield sys.stderr
        return
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as stream:
        yield stream


class _Teller:
    def __init__(self, label: str) -> None:
        self._label = label
        self._step, self._begun = label, time.monotonic()
        self._changed = threading.Event()
        self._stopped = False

    def begin(self, step: str) -> None:
        self._step, self._begun = f"{self._label} {step}".rstrip(), time.monotonic()
        self._changed.set()

    def stop(self) -> None:
        self._stopped = True
        self._changed.set()

    def run(self, stream: TextIO) -> None:
        while not self._stopped:
            self._changed.clear()
            wait = FIRST_SECONDS
            while not self._stopped and not self._changed.wait(wait):
                print(f"{self._step} … {time.monotonic() - self._begun:.0f} s", file=stream, flush=True)
                wait = AGAIN_SECONDS
