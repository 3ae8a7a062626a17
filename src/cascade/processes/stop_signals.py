"""Handle requests to stop: Ctrl-C, a closed terminal, a service manager."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


class Stopped(BaseException):
    """The user or the system asks the process to end. Libraries do not catch it, as with `KeyboardInterrupt`."""


class StopSignals:
    """Turns the first SIGINT, SIGTERM or SIGHUP into `Stopped`. Further signals do not interrupt the shutdown."""

    def __init__(self) -> None:
        self._asked = self._held = self._raised = False

    def __enter__(self) -> StopSignals:
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        self._before = {number: signal.signal(number, self._ask) for number in numbers}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Delay `Stopped` until the end of the block, so that no child starts without being recorded."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
        if self._asked:
            self._raise()

    def _ask(self, number: int, frame: object) -> None:
        self._asked = True
        if not self._held:
            self._raise()

    def _raise(self) -> None:
        if not self._raised:
            self._raised = True
            raise Stopped
