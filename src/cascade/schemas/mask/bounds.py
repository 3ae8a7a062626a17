"""The bounds of a type whose values are whole numbers of some unit, as a closed range."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Any

from cascade.schemas.mask.plan import Constraints

if TYPE_CHECKING:
    import polars as pl

NAMES = ("gt", "ge", "lt", "le")
INT64 = (-(2**63), 2**63 - 1)


@dataclass(frozen=True)
class Range:
    """The whole numbers from `low` to `high`, both included.

    Args:
        low: the least.
        high: the greatest.
    """

    low: int
    high: int

    def within(self, low: int, high: int) -> Range:
        """Return the numbers of this range that are also between `low` and `high`."""
        return Range(max(self.low, low), min(self.high, high))

    def holds(
        self,
        value: pl.Expr,
        literal: Callable[[int], Any] = lambda number: number,
        always: tuple[int | None, int | None] = (None, None),
    ) -> pl.Expr:
        """Return whether a value is in the range.

        Args:
            value: the value.
            literal: converts an end of the range to what the value is compared with.
            always: the least and the greatest number that the value can be, if known.
        """
        if self.low > self.high:
            return value.is_null() & value.is_not_null()
        ends = []
        if self.low != always[0]:
            ends.append(value >= literal(self.low))
        if self.high != always[1]:
            ends.append(value <= literal(self.high))
        return reduce(and_, ends) if ends else value.is_not_null()


def range_of(constraints: Constraints, low: int, high: int, units: Callable[[Any], Fraction | int]) -> Range:
    """Return the range that the bounds of a schema leave between `low` and `high`.

    Args:
        constraints: the schema.
        low: the least number of the type.
        high: its greatest number.
        units: converts a bound to units, exactly.
    """
    found = Range(low, high)
    if "gt" in constraints:
        found = found.within(math.floor(units(constraints["gt"])) + 1, high)
    if "ge" in constraints:
        found = found.within(math.ceil(units(constraints["ge"])), high)
    if "lt" in constraints:
        found = found.within(low, math.ceil(units(constraints["lt"])) - 1)
    if "le" in constraints:
        found = found.within(low, math.floor(units(constraints["le"])))
    return found
