"""Rows on disk that are read one chunk at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from cascade.iceberg.columns import conform
from cascade.iceberg.data_file_writer import ROWS_PER_FILE
from cascade.iceberg.large.spool import Spool

if TYPE_CHECKING:
    import numpy as np

LARGE_BYTES = 128 << 20
"""Staged rows of this size or more are not landed in memory, where they need up to three times as much."""

CHUNK_BYTES = 32 << 20
"""A chunk has at most this size, or is one batch."""


def no_rows(schema: pa.Schema) -> pa.Table:
    """Return a table without rows. `Schema.empty_table` fails on lists of UUIDs."""
    return pa.Table.from_batches([], schema)


Change = Callable[[pa.Table], pa.Table]


@dataclass(frozen=True)
class LargeRows:
    """Rows on disk, in chunks that fit in memory.

    Args:
        spool: where the rows are.
        left_out: positions of the spool's rows that are none of these, sorted.
        changes: what is done to each chunk that is read. The number of rows stays.
        chunk_rows: the most rows of a chunk.
    """

    spool: Spool
    left_out: np.ndarray[Any, Any] | None = None
    changes: tuple[Change, ...] = ()
    chunk_rows: int = ROWS_PER_FILE

    @property
    def num_rows(self) -> int:
        """Number of rows."""
        return self.spool.rows - (0 if self.left_out is None else len(self.left_out))

    @cached_property
    def schema(self) -> pa.Schema:
        """The columns."""
        return self._changed(no_rows(self.spool.schema)).schema

    @cached_property
    def starts(self) -> list[int]:
        """Position of the first row of each chunk, and of the end."""
        import numpy as np

        ends = np.cumsum([0, *self.spool.sizes])
        found = ends[[0, *(group[-1] + 1 for group in self._groups)]]
        if self.left_out is not None:
            found -= np.searchsorted(self.left_out, found)
        return [int(start) for start in found]

    def __len__(self) -> int:
        """Return the number of chunks."""
        return len(self._groups)

    def chunk(self, number: int) -> pa.Table:
        """Return one chunk.

        Args:
            number: its number, from 0.
        """
        group = self._groups[number]
        rows = pa.concat_tables(self.spool.batch(place) for place in group)
        if self.left_out is not None:
            rows = self._without_left_out(rows, sum(self.spool.sizes[: group[0]]))
        return self._changed(rows)

    def chunks(self) -> Iterator[pa.Table]:
        """Yield all rows, one chunk at a time."""
        for number in range(len(self)):
            yield self.chunk(number)

    def take(self, positions: pa.Array) -> pa.Table:
        """Return the rows at some positions, which are sorted. Chunks without any are not read."""
        import numpy as np

        wanted = np.asarray(positions)
        edges = np.searchsorted(wanted, self.starts)
        parts = [no_rows(self.schema)]
        for number, (first, last) in enumerate(pairwise(edges)):
            if first < last:
                parts.append(self.chunk(number).take(pa.array(wanted[first:last] - self.starts[number])))
        return pa.concat_tables(parts)

    def head(self, rows: int) -> pa.Table:
        """Return the first rows."""
        return self.take(pa.array(range(min(rows, self.num_rows)), pa.int64()))

    def conformed(self, schema: pa.Schema) -> LargeRows:
        """Return the rows in a table's schema; see `conform`."""
        return self._with(lambda rows: conform(rows, schema))

    def with_constants(self, columns: Mapping[str, str | None]) -> LargeRows:
        """Return the rows with further columns of text, each with one value."""

        def extended(rows: pa.Table) -> pa.Table:
            for name, value in columns.items():
                rows = rows.append_column(name, pa.repeat(pa.scalar(value, pa.string()), rows.num_rows))
            return rows

        return self._with(extended)

    def _with(self, change: Change) -> LargeRows:
        return replace(self, changes=(*self.changes, change))

    def _changed(self, rows: pa.Table) -> pa.Table:
        for change in self.changes:
            rows = change(rows)
        return rows

    @cached_property
    def _groups(self) -> list[list[int]]:
        """Numbers of the spool's batches in each chunk."""
        found: list[list[int]] = []
        per_row = self.spool.bytes / max(self.spool.rows, 1)
        most = min(self.chunk_rows, CHUNK_BYTES / max(per_row, 1))
        rows = 0
        for number, size in enumerate(self.spool.sizes):
            if not found or rows + size > most:
                found.append([])
                rows = 0
            found[-1].append(number)
            rows += size
        return found

    def _without_left_out(self, rows: pa.Table, start: int) -> pa.Table:
        import numpy as np

        assert self.left_out is not None
        first, last = np.searchsorted(self.left_out, [start, start + rows.num_rows])
        if first == last:
            return rows
        keep = np.ones(rows.num_rows, dtype=bool)
        keep[self.left_out[first:last] - start] = False
        return rows.filter(pa.array(keep))
