"""What a check found, and what every check needs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

R = TypeVar("R")

Status = Literal["ok", "warning", "problem"]
"""`problem`: something will fail. `warning`: something may, or is not as one would expect."""


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Args:
        check: what was looked at, in one to three words.
        status: how it is.
        detail: what was found, with the value.
        hint: what to type or to change, where there is something.
    """

    check: str
    status: Status
    detail: str
    hint: str | None = None


def within(seconds: float, function: Callable[[], R]) -> R:
    """Calls a function that may wait for a server for ever.

    Args:
        seconds: how long it may take.
        function: it goes on in the background when its time is over, and dies with the process.

    Returns:
        What the function returns.

    Raises:
        TimeoutError: its time is over.
        Exception: whatever the function raises.
    """
    results: list[R] = []
    errors: list[Exception] = []

    def call() -> None:
        try:
            results.append(function())
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError(f"no answer within {seconds:g} seconds")
    return results[0]


def nearest_existing(path: Path) -> Path:
    """Gives a path itself, or the nearest directory above it that exists."""
    return next(place for place in (path, *path.parents) if place.exists())


def first_line(error: BaseException) -> str:
    """Gives an exception's message, shortened to its first line."""
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
