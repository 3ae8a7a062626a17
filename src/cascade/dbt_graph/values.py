"""What an expression of Jinja can evaluate to, as far as its source tells.

The values of an expression are a tuple of constants. One of them may be `OPAQUE`, which stands for anything.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

Values: TypeAlias = tuple[Any, ...]

MOST_VALUES = 64
"""With more values than this, an expression counts as unknown."""


class Opaque:
    """A value that only a database, the environment or dbt itself knows.

    Whatever asks for its text or its truth fails, so that no constant is made of it.
    """

    def __repr__(self) -> str:
        return "OPAQUE"

    def __str__(self) -> str:
        raise TypeError("an unknown value has no text")

    def __bool__(self) -> bool:
        raise TypeError("an unknown value is neither true nor false")

    def __eq__(self, other: object) -> bool:
        raise TypeError("an unknown value cannot be compared")

    __hash__ = object.__hash__

    def __deepcopy__(self, memo: object) -> Opaque:
        return self


OPAQUE = Opaque()
UNKNOWN: Values = (OPAQUE,)


def union(many: Iterable[Values]) -> Values:
    """Return all values of several expressions, each once."""
    found: dict[str, Any] = {}
    for values in many:
        for value in values:
            found.setdefault(f"{type(value).__name__} {value!r}", value)
    return tuple(found.values()) if 0 < len(found) <= MOST_VALUES else UNKNOWN


def combinations(operands: Iterable[Values]) -> Iterator[Values] | None:
    """Return each combination of the values of several expressions, or None if there are too many."""
    listed = list(operands)
    count = 1
    for values in listed:
        count *= len(values)
        if count > MOST_VALUES:
            return None
    return itertools.product(*listed)


def apply(function: Callable[..., Any], *operands: Values) -> Values:
    """Apply a function to every combination of values. It is not called for `OPAQUE`, and may fail."""
    combined = combinations(operands)
    if combined is None:
        return UNKNOWN
    return union(((OPAQUE if any(one is OPAQUE for one in each) else _result(function, each)),) for each in combined)


def assemble(function: Callable[..., Any], *operands: Values) -> Values:
    """Like `apply`, for a function that builds a container, which may contain `OPAQUE`."""
    combined = combinations(operands)
    return UNKNOWN if combined is None else union((function(*each),) for each in combined)


def _result(function: Callable[..., Any], arguments: Values) -> Any:
    try:
        result = function(*arguments)
    except Exception:
        # The project's own mistake, which dbt reports.
        return OPAQUE
    # What a filter returns lazily can be read once only.
    return list(result) if isinstance(result, Iterator) else result


def may_be(values: Values, truth: bool) -> bool:
    """Return whether a condition can have a truth value."""
    return any(value is OPAQUE or bool(value) is truth for value in values)
