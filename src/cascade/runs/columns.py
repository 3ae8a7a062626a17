"""Turn a table or frame into a batch, column by column.

A column keeps its values: it stays an Arrow array, or becomes a list of Python values if Arrow would change them. A
column whose values mean nothing in a table, such as a period, is refused by name if the schema reads it. Otherwise only
its text is kept, because the column is dropped anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import pyarrow as pa

from cascade.schemas import Batch

Values: TypeAlias = "pa.ChunkedArray | pa.Array | list[Any]"

DURATION_ADVICE = "Iceberg has no durations; use a number with the unit in its name"


class ColumnError(Exception):
    """A column of a table or frame that cannot become a column of rows.

    Args:
        problem: what is wrong, without the table, such as `the column "x" has the type period[M], ...`.
        advice: what to write instead, as a whole sentence.
    """

    def __init__(self, problem: str, advice: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.advice = advice


@dataclass(frozen=True)
class Unreadable:
    """Why a column cannot be read.

    Args:
        type: its type, as the library of the frame shows it.
        reason: why, such as `which is a range of time with a start and an end`.
        advice: what to write instead, as a whole sentence.
    """

    type: str
    reason: str
    advice: str


class Everything:
    """The fields that a schema reads if it is not known: all of them."""

    def __contains__(self, name: object) -> bool:
        return True


def batch_of_columns(
    names: Sequence[str],
    read: Callable[[int], Values | Unreadable],
    as_text: Callable[[int], Iterable[object]],
    reads: Container[str],
) -> Batch:
    """Build a batch from columns: an Arrow table if every column is an Arrow array, else rows.

    Args:
        names: the names of the columns.
        read: returns the values of a column by its position, or why it cannot be read.
        as_text: returns the values of a column that cannot be read, which only their text replaces.
        reads: the names of the fields that the schema reads.

    Raises:
        ColumnError: a column that the schema reads occurs twice or cannot be read.
    """
    columns: dict[str, Values] = {}
    for position, name in enumerate(names):
        if name in columns:
            if name in reads:
                raise ColumnError(
                    f'the column "{name}" occurs {names.count(name)} times, so it is unclear which one to read.',
                    "Rename or drop the others before you return it.",
                )
            continue
        values = read(position)
        if isinstance(values, Unreadable):
            if name in reads:
                raise ColumnError(
                    f'the column "{name}" has the type {values.type}, {values.reason}.',
                    values.advice.replace("NAME", name),
                )
            values = pa.array([None if value is None else str(value) for value in as_text(position)], pa.large_string())
        columns[name] = values
    if not any(isinstance(values, list) for values in columns.values()):
        return pa.table(columns)
    from cascade.schemas.rows import python_values

    lists = [
        values if isinstance(values, list) else python_values(pa.chunked_array(_chunks(values)))[0]
        for values in columns.values()
    ]
    return [dict(zip(columns, row, strict=True)) for row in zip(*lists, strict=True)]


def _chunks(values: pa.ChunkedArray | pa.Array) -> list[pa.Array]:
    if isinstance(values, pa.Array):
        return [values]
    return values.chunks or [pa.array([], values.type)]
