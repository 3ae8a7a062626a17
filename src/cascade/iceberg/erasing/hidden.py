"""Rows to be erased in the tables that exist while Trino merges; a run that was killed leaves them behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cascade.iceberg.erasing.condition import Condition
from cascade.iceberg.erasing.survey import Holding, holding
from cascade.iceberg.trino.hidden_tables import hidden_tables_of, is_abandoned

if TYPE_CHECKING:
    from pyiceberg.table import Table

    from cascade.iceberg.catalog import Lakehouse
    from cascade.table_ref import TableRef


@dataclass(frozen=True)
class HiddenTable:
    """A hidden table of a table.

    Args:
        table: the hidden table.
        abandoned: whether its run was killed, so that it can be dropped.
        files: its files that hold rows to be erased. No state of the table itself names them.
        read: number of its files that were read.
    """

    table: Table
    abandoned: bool
    files: tuple[Holding, ...]
    read: int


def hidden_tables_with_rows(lakehouse: Lakehouse, ref: TableRef, condition: Condition) -> Iterator[HiddenTable]:
    """Read the hidden tables of a table.

    Args:
        lakehouse: the lakehouse.
        ref: the table.
        condition: tells the rows.

    Yields:
        Those that hold rows to be erased.
    """
    for hidden in hidden_tables_of(lakehouse.catalog, lakehouse.require(ref)):
        # It has the columns that the table had then.
        if not {*condition.columns} <= {*hidden.schema().column_names}:
            continue
        files, read = holding(hidden, condition)
        if files:
            unnamed = tuple(replace(one, named=False) for one in files)
            yield HiddenTable(hidden, is_abandoned(hidden), unnamed, read)
