"""Measure how long each step of a run takes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Clock:
    """Measures steps. The time of a step inside another one counts only for the inner step.

    Attributes:
        seconds: seconds spent in each step so far, by its name.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._started = time.perf_counter()
        self._inside: list[float] = []

    @property
    def total(self) -> float:
        """Seconds since the clock was created, to the millisecond."""
        return round(time.perf_counter() - self._started, 3)

    @property
    def timings(self) -> dict[str, float]:
        """Seconds spent in each step so far, to the millisecond."""
        return {step: round(seconds, 3) for step, seconds in self.seconds.items()}

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Measure a step.

        Args:
            step: its name. The times of a step that is measured several times are added up.

        Yields:
            Nothing. The step runs inside the block.
        """
        start = time.perf_counter()
        self._inside.append(0.0)
        try:
            yield
        finally:
            spent, inner = time.perf_counter() - start, self._inside.pop()
            self.seconds[step] = self.seconds.get(step, 0.0) + spent - inner
            if self._inside:
                self._inside[-1] += spent
