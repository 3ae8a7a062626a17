"""Refuse rows that do not belong to the partition that a run replaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from cascade.schemas import ValidationResult
from cascade.schemas.rows import python_rows, refuse

if TYPE_CHECKING:
    from cascade.iceberg.replace import Window
    from cascade.schemas import Batch, Validator

RULE = "partition_window"


class WindowValidator:
    """Validates batches, and refuses valid rows whose partition column is outside of a window.

    Args:
        validator: validates everything else.
        scope: the window.
        field: the source field of the partition column.
        partition: the partition and its window, for messages.
    """

    def __init__(self, validator: Validator, scope: Window, field: str, partition: str) -> None:
        self._validator = validator
        self._scope = scope
        self._field = field
        self._partition = partition

    @property
    def reads(self) -> frozenset[str]:
        """The names of the source fields that the schema reads."""
        return self._validator.reads

    @property
    def needs_whole_partition(self) -> bool:
        """Whether all rows of a partition must arrive in one batch."""
        return self._validator.needs_whole_partition

    def validate(self, batch: Batch) -> ValidationResult:
        """Validate a batch.

        Raises:
            MissingColumnError: a required column is absent from the whole batch.
            RowsRefusedError: a check of the whole frame failed.
        """
        result = self._validator.validate(batch)
        inside = self._scope.contains(result.good)
        outside = pc.indices_nonzero(pc.invert(inside))
        if not len(outside):
            return result
        values = result.good.column(self._scope.column).take(outside).to_pylist()
        refused = {row.position for row in result.refused}
        good_at = [position for position in range(len(batch)) if position not in refused]
        positions = [good_at[index] for index in outside.to_pylist()]
        added = [
            refuse(row, [(RULE, self._field, f"{value} is outside of the partition {self._partition}")], position)
            for position, row, value in zip(positions, _rows(batch, positions), values, strict=True)
        ]
        together = sorted([*result.refused, *added], key=lambda row: row.position)
        return ValidationResult(result.good.filter(inside), tuple(together), result.dropped_fields)


def _rows(batch: Batch, positions: list[int]) -> list[dict[str, object]]:
    if isinstance(batch, pa.Table):
        return python_rows(batch.take(pa.array(positions, pa.int64())))[0]
    return [batch[position] for position in positions]
