"""What a declaration knows about a check: what it reads, and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar, Literal, get_args

from cascade.declarations.schema_fields import absent_field
from cascade.spelling import did_you_mean

Scope = Literal["partition", "table"]
"""What a check judges: the rows that a run landed, or the whole table."""

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_]+")
_LONGEST_NAME = 60


@dataclass(frozen=True)
class Check:
    """The base of every check. It is frozen, and wrong arguments are reported by the decorator that takes it.

    Args:
        scope: `"partition"` judges the rows that the run landed, `"table"` the whole table; None for the default of the
            kind of check.
        name: tells checks of one kind apart. Defaults to the kind and its columns, such as `range_celsius`.
    """

    _: KW_ONLY
    scope: Scope | None = None
    name: str | None = None

    kind: ClassVar[str]
    """The first part of the name, such as `range`."""
    default_scope: ClassVar[Scope] = "partition"

    @property
    def judges(self) -> Scope:
        """What the check judges."""
        return self.scope or self.default_scope

    @property
    def read(self) -> tuple[str, ...]:
        """The columns of the table that the check reads, as far as its arguments show them."""
        return ()

    @property
    def label(self) -> str:
        """The name of the check among those of one declaration."""
        if self.name is not None:
            return self.name
        parts = (_NOT_IN_NAMES.sub("_", part).strip("_") for part in (self.kind, *self.read))
        plain = "_".join(filter(None, parts))
        return plain if len(plain) <= _LONGEST_NAME else plain[:_LONGEST_NAME].rstrip("_")

    def problems(self) -> Iterator[str]:
        """Find what is wrong with the arguments.

        Yields:
            One sentence for each problem.
        """
        if self.scope is not None and self.scope not in get_args(Scope):
            meant = did_you_mean(self.scope, get_args(Scope))
            yield f'scope must be "partition" or "table", not {self.scope!r}.{meant}'
        if self.name is not None and (not isinstance(self.name, str) or _NOT_IN_NAMES.search(self.name or " ")):
            yield f"name may contain only letters, digits and underscores, not {self.name!r}."
        for column in self.read:
            if not isinstance(column, str) or not column:
                yield f"a column must be a name, not {column!r}."

    def unknown_columns(self, schema: type, columns: Mapping[str, object]) -> Iterator[str]:
        """Find the columns that a table lacks.

        Args:
            schema: the schema of the table's rows.
            columns: its columns by name.

        Yields:
            One sentence for each, with the column that was probably meant.
        """
        for column in self.read:
            if column not in columns:
                yield absent_field(schema, column, columns)


def checks(value: object) -> tuple[Check, ...]:
    """Check for a list of checks, at least one, whose arguments are right and whose names differ.

    Raises:
        ValueError: it is anything else. The message has a sentence for each problem.
    """
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        raise ValueError(f"must be a list of checks such as NotNull('id'), not {value!r}.")
    problems = []
    places: dict[str, int] = {}
    for position, item in enumerate(value, start=1):
        if isinstance(item, type) and issubclass(item, Check):
            problems.append(f"{item.__name__} (number {position}) needs its arguments: {item.__name__}(...).")
        elif not isinstance(item, Check):
            problems.append(f"{item!r} (number {position}) is not a check of cascade.quality, such as NotNull('id').")
        else:
            wrong = list(item.problems())
            problems += [f"{type(item).__name__} (number {position}): {problem}" for problem in wrong]
            first = position if wrong else places.setdefault(item.label, position)
            if first != position:
                problems.append(
                    f'numbers {first} and {position} are both called "{item.label}". Pass name="..." to one of them.'
                )
    if problems:
        raise ValueError(" ".join(problems))
    return tuple(value)
