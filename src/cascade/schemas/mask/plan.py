"""How one column is cleared, and what a rule needs to know to plan it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    import polars as pl


def _unchanged(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column


@dataclass(frozen=True)
class Plan:
    """How to clear the values of a column that has one Arrow type.

    Args:
        ok: which values are cleared; every value if absent. It may be null for a null, or for a value that `value`
            does not convert, which is then not cleared.
        value: the landed value of each cleared value; the value itself if absent. Arrow casts it to the column's type.
        prepare: what Arrow does to the column before Polars sees it. It may raise `pa.ArrowException`, and then no
            value is cleared.
    """

    ok: Callable[[pl.Expr], pl.Expr] | None = None
    value: Callable[[pl.Expr], pl.Expr] | None = None
    prepare: Callable[[pa.ChunkedArray], pa.ChunkedArray] = _unchanged


@dataclass(frozen=True)
class Given:
    """What the values of a column are.

    Args:
        arrow: their Arrow type.
        strict: whether the field is strict.
        restored: whether Enum members and UUIDs, which Arrow has no types for, are restored for the field.
    """

    arrow: pa.DataType
    strict: bool
    restored: bool


@dataclass(frozen=True)
class Rule:
    """The rules of one type, with its constraints.

    Args:
        plan: returns how to clear values, or None if no value of that type is cleared.
        python: the exact Python types whose values the rule can clear, with the Arrow type to read each as.
        enum: the Enum whose members are read as their values.
    """

    plan: Callable[[Given], Plan | None]
    python: Mapping[type, pa.DataType] = field(default_factory=dict)
    enum: type | None = None


Constraints = Mapping[str, Any]
"""A schema of pydantic-core, with the model's settings filled in and everything that decides nothing left out."""


def only(constraints: Constraints, *known: str) -> bool:
    """Return whether a schema has no other keys than those of every type and `known`."""
    return constraints.keys() <= {"type", "strict", *known}
