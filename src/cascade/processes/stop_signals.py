"""Handle requests to stop: Ctrl-C, a closed terminal, a service manager."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

# Who starts this process may pass on a signal that it got from the terminal itself.
_ONE_PRESS_SECONDS = 0.5


class Stopped(BaseException):
    """The user or the system asks the process to end. Libraries do not catch it, as with `KeyboardInterrupt`."""


class StopSignals:
    """Turns the first SIGINT, SIGTERM or SIGHUP into `Stopped`. Further signals do not interrupt the shutdown."""

    def __init__(self) -> None:
        self._asked = self._held = self._raised = self._insisted = False
        self._asked_at = 0.0

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

    def insisted(self) -> bool:
        """Return whether another signal has come after the first one: the user does not want to wait for the end."""
        return self._insisted

    def _ask(self, number: int, frame: object) -> None:
        now = time.monotonic()
        if not self._asked:
            self._asked, self._asked_at = True, now
        elif now - self._asked_at > _ONE_PRESS_SECONDS:
            self._insisted = True
        if not self._held:
            self._raise()

    def _raise(self) -> None:
        if not self._raised:
            self._raised = True
            raise Stopped
