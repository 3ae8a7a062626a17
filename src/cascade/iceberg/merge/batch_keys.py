"""The keys of a batch, and which of them a file or a row group can contain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from cascade.iceberg.data_file_reader import Bounds
from cascade.iceberg.keys import key_frame, key_names

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from pyiceberg.manifest import DataFile
    from pyiceberg.schema import Schema
    from pyiceberg.types import NestedField


@dataclass(frozen=True)
class BatchKeys:
    """Keys of a batch in comparable form: dates, timestamps and decimals are numbers.

    Args:
        unique_key: the columns of the key.
        frame: the keys, sorted, with the position of each row in the batch as `row`.
        first: the first column again, if it is one of whole numbers, dates or timestamps.
        ranges: the smallest and the largest value of each column in the whole batch.
    """

    unique_key: tuple[str, ...]
    frame: pl.DataFrame
    first: np.ndarray[Any, Any] | None
    ranges: tuple[Bounds, ...]

    @classmethod
    def of(cls, rows: pa.Table, unique_key: Sequence[str]) -> BatchKeys:
        """Return the keys of rows that are sorted by key."""
        frame = physical_keys(rows, unique_key, "row")
        ranges = tuple(Bounds(frame[name].min(), frame[name].max()) for name in key_names(unique_key))
        return cls(tuple(unique_key), frame, whole_numbers(rows.column(unique_key[0])), ranges)

    @property
    def numbers(self) -> np.ndarray[Any, Any] | None:
        """The keys as whole numbers, if they are one column of such."""
        return self.first if len(self.unique_key) == 1 else None

    def __len__(self) -> int:
        return self.frame.height

    def within(self, bounds: Mapping[str, Bounds | None]) -> BatchKeys:
        """Return the keys that are inside all bounds.

        Args:
            bounds: bounds of the key columns. A column without bounds can contain any value.
        """
        found = [bounds[column] for column in self.unique_key]
        if any(outside(limits, all_) for limits, all_ in zip(found, self.ranges, strict=True)):
            return self._slice(0, 0)
        keys = self._between(found[0]) if found[0] is not None else self
        frame = keys.frame
        for name, limits in list(zip(key_names(self.unique_key), found, strict=True))[1:]:
            if limits is not None and not frame.is_empty():
                frame = frame.filter((frame[name] >= limits.least) & (frame[name] <= limits.most))
        return keys if frame is keys.frame else BatchKeys(self.unique_key, frame, None, self.ranges)

    def _between(self, bounds: Bounds) -> BatchKeys:
        """Return the keys whose first column is inside bounds, which are neighbours."""
        import numpy as np

        if self.first is not None:
            start = int(np.searchsorted(self.first, bounds.least))
            stop = int(np.searchsorted(self.first, bounds.most, "right"))
        else:
            first = self.frame.to_series(0)
            start, stop = first.search_sorted(bounds.least, "left"), first.search_sorted(bounds.most, "right")
        return self._slice(start, stop)

    def _slice(self, start: int, stop: int) -> BatchKeys:
        first = self.first[start:stop] if self.first is not None else None
        return BatchKeys(self.unique_key, self.frame.slice(start, stop - start), first, self.ranges)


def outside(bounds: Bounds | None, others: Bounds) -> bool:
    """Return whether no value can be inside both bounds. No bounds contain any value."""
    return bounds is not None and bool(bounds.most < others.least or bounds.least > others.most)


def whole_numbers(column: pa.ChunkedArray) -> np.ndarray[Any, Any] | None:
    """Return a column without nulls as whole numbers, if its type is stored as such."""
    kind = column.type
    numeric = pa.types.is_signed_integer(kind) or pa.types.is_date32(kind) or pa.types.is_timestamp(kind)
    if column.null_count or not numeric:
        return None
    numbers: np.ndarray[Any, Any] = column.cast(pa.int32() if kind.bit_width == 32 else pa.int64()).to_numpy()
    return numbers


def physical_keys(rows: pa.Table, unique_key: Sequence[str], position: str) -> pl.DataFrame:
    """Return the key columns as numbers, text or bytes, with the position of each row."""
    import polars as pl

    return key_frame(rows, unique_key, position).with_columns(pl.col(key_names(unique_key)).to_physical())


def file_bounds(schema: Schema, file: DataFile, unique_key: Sequence[str]) -> dict[str, Bounds | None]:
    """Return the bounds of a file's key columns, from the manifest.

    Args:
        schema: the table's schema.
        file: the data file.
        unique_key: the columns of the key.
    """
    return {column: _bounds(schema.find_field(column), file) for column in unique_key}


def _bounds(field: NestedField, file: DataFile) -> Bounds | None:
    from pyiceberg.types import (
        DateType,
        DecimalType,
        IntegerType,
        LongType,
        StringType,
        TimestampType,
        TimestamptzType,
    )

    least, most = ((found or {}).get(field.field_id) for found in (file.lower_bounds, file.upper_bounds))
    if least is None or most is None:
        return None
    # An integer may have been written before its column was widened, so its length is that of the bound.
    if isinstance(field.field_type, (IntegerType, LongType, DateType, TimestampType, TimestamptzType)):
        return Bounds(*(int.from_bytes(bound, "little", signed=True) for bound in (least, most)))
    if isinstance(field.field_type, DecimalType):
        return Bounds(*(int.from_bytes(bound, "big", signed=True) for bound in (least, most)))
    if isinstance(field.field_type, StringType):
        return Bounds(least.decode(), most.decode())
    return None
