"""Report a wrong decorator: raise its error, or record it and let the rest of the module load."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar

from cascade.exceptions import DeclarationError

_BROKEN_ATTRIBUTE = "__cascade_declaration_error__"

_collected: ContextVar[list[DeclarationError] | None] = ContextVar("cascade_declaration_problems", default=None)


@contextmanager
def collecting_problems() -> Iterator[list[DeclarationError]]:
    """Record the errors of decorators in a list instead of raising them.

    Inside the block a wrong decorator leaves its function undecorated, so the rest of the module loads and every
    decorator in it is checked.

    Yields:
        The list to which the errors are added, in the order in which the decorators ran.
    """
    problems: list[DeclarationError] = []
    token = _collected.set(problems)
    try:
        yield problems
    finally:
        _collected.reset(token)


def report(error: DeclarationError, function: object = None) -> None:
    """Raise an error, or record it inside `collecting_problems`.

    Args:
        error: what is wrong with the decorator.
        function: the function that stays undecorated. It is marked, so that a workflow that depends on it is not
            reported too.

    Raises:
        DeclarationError: `error` itself, outside `collecting_problems`.
    """
    problems = _collected.get()
    if problems is None:
        raise error
    problems.append(error)
    # A value that cannot be marked, such as a number, is not a function that another workflow could depend on.
    with suppress(AttributeError, TypeError):
        setattr(function, _BROKEN_ATTRIBUTE, error)


def is_broken(value: object) -> bool:
    """Return whether a value is a function whose decorator is wrong and was recorded."""
    return hasattr(value, _BROKEN_ATTRIBUTE)
