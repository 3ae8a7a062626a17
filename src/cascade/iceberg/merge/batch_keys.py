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
        numbers: the keys again, if they are one column of whole numbers, dates or timestamps.
    """

    unique_key: tuple[str, ...]
    frame: pl.DataFrame
    numbers: np.ndarray[Any, Any] | None

    @classmethod
    def of(cls, rows: pa.Table, unique_key: Sequence[str]) -> BatchKeys:
        """Return the keys of rows that are sorted by key."""
        return cls(tuple(unique_key), physical_keys(rows, unique_key, "row"), whole_numbers(rows, unique_key))

    def __len__(self) -> int:
        return self.frame.height

    def within(self, bounds: Mapping[str, Bounds | None]) -> BatchKeys:
        """Return the keys that are inside all bounds.

        Args:
            bounds: bounds of the key columns. A column without bounds can contain any value.
        """
        if self.numbers is not None:
            return self._numbers_within(self.numbers, bounds[self.unique_key[0]])
        frame = self.frame
        for place, (column, name) in enumerate(zip(self.unique_key, key_names(self.unique_key), strict=True)):
            found = bounds[column]
            if found is None or frame.is_empty():
                continue
            if place == 0:
                start = frame[name].search_sorted(found.least, "left")
                frame = frame.slice(start, frame[name].search_sorted(found.most, "right") - start)
            else:
                frame = frame.filter((frame[name] >= found.least) & (frame[name] <= found.most))
        return BatchKeys(self.unique_key, frame, None)

    def _numbers_within(self, numbers: np.ndarray[Any, Any], bounds: Bounds | None) -> BatchKeys:
        import numpy as np

        if bounds is None:
            return self
        start = int(np.searchsorted(numbers, bounds.least))
        stop = int(np.searchsorted(numbers, bounds.most, "right"))
        return BatchKeys(self.unique_key, self.frame.slice(start, stop - start), numbers[start:stop])


def whole_numbers(rows: pa.Table, unique_key: Sequence[str]) -> np.ndarray[Any, Any] | None:
    """Return a key of one column without nulls as whole numbers, if its type is stored as such."""
    column = rows.column(unique_key[0])
    kind = column.type
    numeric = pa.types.is_signed_integer(kind) or pa.types.is_date32(kind) or pa.types.is_timestamp(kind)
    if len(unique_key) > 1 or column.null_count or not numeric:
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
