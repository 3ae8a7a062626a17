"""A batch of which a mask cleared some rows: the others as Python values, and then all rows in order again."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from cascade.schemas.mask.compile import Others
from cascade.schemas.rows import Batch, python_rows


@dataclass(frozen=True)
class Masked:
    """What a mask found in a batch.

    Args:
        others: the fields that pydantic decides, or None if there are none.
        rows: which rows the mask clears; all if None.
        columns: the landed values of the other fields, of no meaning in rows that it does not clear.
    """

    others: Others | None
    rows: pa.Array | None
    columns: Mapping[str, pa.Array]

    @property
    def is_whole(self) -> bool:
        """Whether all rows are valid."""
        return self.others is None and (self.rows is None or self.rows.true_count == len(self.rows))

    def sliced(self, start: int, count: int) -> Masked:
        """Return what it found in `count` rows from `start` on."""
        rows = None if self.rows is None else self.rows.slice(start, count)
        return Masked(self.others, rows, {name: array.slice(start, count) for name, array in self.columns.items()})

    def flags(self, count: int) -> list[bool]:
        """Return for each of `count` rows whether the mask clears it."""
        return [True] * count if self.rows is None else self.rows.to_pylist()


@dataclass
class Accepted:
    """Rows that passed.

    Args:
        positions: their positions in the batch, in order.
        values: the validated values of each.
    """

    positions: list[int] = field(default_factory=list)
    values: list[Mapping[str, Any]] = field(default_factory=list)

    def add(self, position: int, values: Mapping[str, Any]) -> None:
        """Add the next row."""
        self.positions.append(position)
        self.values.append(values)


class RowsOf:
    """The rows of a batch as Python values, converted when they are needed.

    Args:
        batch: the batch.
        expected: the positions of rows that will be needed, which are converted together.
        reads: the fields whose values must be readable; all if None.
    """

    def __init__(self, batch: Batch, expected: Sequence[int], reads: Container[str] | None) -> None:
        self._batch = batch
        self._reads = reads
        self.unreadable: dict[int, tuple[str, str]] = {}
        """The field and the reason of values that Python cannot represent, by the position of the row."""
        self._rows: dict[int, dict[str, object]] = {}
        if isinstance(batch, pa.Table) and expected:
            self._read(expected)

    def get(self, position: int) -> dict[str, object]:
        """Return a row as the source gave it."""
        if not isinstance(self._batch, pa.Table):
            return self._batch[position]
        if position not in self._rows:
            self._read([position])
        return self._rows[position]

    def _read(self, positions: Sequence[int]) -> None:
        assert isinstance(self._batch, pa.Table)
        try:
            wanted = self._batch.take(pa.array(positions, pa.int64()))
        except pa.ArrowNotImplementedError:  # of a view of strings, for example
            wanted, positions = self._batch, range(len(self._batch))
        rows, unreadable = python_rows(wanted, self._reads)
        self._rows.update(zip(positions, rows, strict=True))
        self.unreadable.update({positions[index]: problem for index, problem in unreadable.items()})


def in_order(pieces: Sequence[tuple[pa.Table, Sequence[int]]]) -> pa.Table:
    """Return the rows of tables, at least one, in the order of their positions in the batch."""
    pieces = [piece for piece in pieces if piece[1]] or list(pieces[:1])
    if len(pieces) == 1:
        return pieces[0][0]
    positions = [position for _, found in pieces for position in found]
    order = sorted(range(len(positions)), key=positions.__getitem__)
    return pa.concat_tables([table for table, _ in pieces]).take(pa.array(order, pa.int64()))
