"""Do not wait forever for what may never answer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

R = TypeVar("R")


def within(seconds: float, function: Callable[[], R]) -> R:
    """Call a function that may wait forever for a server.

    Args:
        seconds: how long it may take.
        function: the function. After the time limit it continues in the background and ends with the process.

    Returns:
        The result of the function.

    Raises:
        TimeoutError: the time limit has passed.
        Exception: any exception that the function raises.
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
        raise TimeoutError(f"timeout after {seconds:g} seconds")
    return results[0]
