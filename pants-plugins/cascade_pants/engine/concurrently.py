"""A replacement for `pants.engine.rules.concurrently`, which Pants 2.17 does not have.

Pants 2.17 resolves several values concurrently only if all are plain requests. Our helpers are coroutines that may make
one request after another, so this steps them in lockstep and sends what they wait for to the engine as one batch.
"""

from __future__ import annotations

from collections.abc import Coroutine, Iterable
from typing import Any

from pants.engine.internals.selectors import _MultiGet


async def concurrently(
    first: Coroutine[Any, Any, Any] | Iterable[Coroutine[Any, Any, Any]], *rest: Coroutine[Any, Any, Any]
) -> tuple[Any, ...]:
    """Run coroutines concurrently and wait for all.

    An error is raised here, not inside the coroutine that caused it. If you expect failures, request a result that can
    represent one, such as a `FallibleProcessResult`.

    Args:
        first: a coroutine, or an iterable of all coroutines.
        rest: more coroutines, if `first` is one. Later versions of Pants accept at most ten in total.

    Returns:
        The results, in the order of the coroutines.
    """
    coroutines = [first, *rest] if isinstance(first, Coroutine) else list(first)
    results: list[Any] = [None] * len(coroutines)
    waiting: dict[int, Any] = {}

    def step(index: int, value: Any) -> None:
        try:
            waiting[index] = coroutines[index].send(value)
        except StopIteration as stop:
            results[index] = stop.value
            waiting.pop(index, None)

    for index in range(len(coroutines)):
        step(index, None)
    while waiting:
        batch = list(waiting.items())
        flat = [request for _, asked in batch for request in (asked if isinstance(asked, tuple) else (asked,))]
        answers = iter(await _MultiGet(tuple(flat)))
        for index, asked in batch:
            step(index, tuple(next(answers) for _ in asked) if isinstance(asked, tuple) else next(answers))
    return tuple(results)
