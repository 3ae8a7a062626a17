"""Reporting a wrong decorator: at once, or after all the others of a module have been read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from cascade.exceptions import DeclarationError

_BROKEN_ATTRIBUTE = "__cascade_declaration_error__"

_collected: ContextVar[list[DeclarationError] | None] = ContextVar("cascade_declaration_problems", default=None)


@contextmanager
def collecting_problems() -> Iterator[list[DeclarationError]]:
    """Record the errors of decorators in a list instead of raising them.

    Inside the block a wrong decorator leaves its function undecorated, so that the rest of the module loads
    and every decorator in it is checked.

    Yields:
        the list to which the errors are added, in the order in which the decorators ran.
    """
    problems: list[DeclarationError] = []
    token = _collected.set(problems)
    try:
        yield problems
    finally:
        _collected.reset(token)


def report(error: DeclarationError, function: Callable[..., object] | None = None) -> None:
    """Raise an error, or record it when `collecting_problems` is active.

    Args:
        error: what is wrong with the decorator.
        function: the function that stays undecorated. It is marked, so that a workflow which depends on it
            is not blamed for that.

    Raises:
        DeclarationError: the given one, outside `collecting_problems`.
    """
    problems = _collected.get()
    if problems is None:
        raise error
    problems.append(error)
    if function is not None and hasattr(function, "__dict__"):
        function.__dict__[_BROKEN_ATTRIBUTE] = error


def is_broken(value: object) -> bool:
    """Tell whether a value is a function whose decorator was wrong and was recorded."""
    return hasattr(value, _BROKEN_ATTRIBUTE)
