"""Compare two states of a table row by row, and read only the files that differ."""

from __future__ import annotations

from cascade.iceberg.diff.difference import ChangedRow, RowDiff, diff_tables
from cascade.iceberg.diff.points import Point, point_of

__all__ = ["ChangedRow", "Point", "RowDiff", "diff_tables", "point_of"]
