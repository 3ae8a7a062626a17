"""What is judged: a table on a branch, and the rows that a run landed there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from cascade.declarations.sensitive import sensitive_columns

if TYPE_CHECKING:
    import pyarrow as pa
    from pyiceberg.table import Table

    from cascade.iceberg import Lakehouse
    from cascade.partitions import PartitionWindow
    from cascade.table_ref import TableRef


@dataclass(frozen=True)
class Subject:
    """What checks judge.

    Args:
        lakehouse: the lakehouse that has the table.
        ref: the table, and the branch to read, such as the audit branch of a run. Other tables are read on `main`.
        rows: the rows that the run landed, with the columns of the table. None if they are not known: the checks of
            a partition then judge the whole table.
        window: the partition of the run; None for a table without partitions.
        schema: the validation schema of the table, which knows the sensitive columns.
        changes: whether the run changes the table. If not, nobody knows what the table was like before the run.
        table: the table as it is to be judged, if its rows are on no branch; loaded from the lakehouse if absent.
        now: the time to which ages are relative, in UTC.
    """

    lakehouse: Lakehouse
    ref: TableRef
    rows: pa.Table | Iterable[pa.RecordBatch] | None = None
    window: PartitionWindow | None = None
    schema: type | None = None
    changes: bool = True
    table: Table | None = None
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    @cached_property
    def landed(self) -> pa.Table | None:
        """The rows of the run as one table."""
        import pyarrow as pa

        if self.rows is None or isinstance(self.rows, pa.Table):
            return self.rows
        batches = list(self.rows)
        if batches:
            return pa.Table.from_batches(batches)
        from cascade.iceberg.columns import arrow_schema
        from cascade.iceberg.hidden import HIDDEN

        schema = arrow_schema(self.table or self.lakehouse.require(self.ref))
        return pa.schema([column for column in schema if column.name not in HIDDEN]).empty_table()

    @cached_property
    def sensitive(self) -> frozenset[str]:
        """The columns that samples leave out."""
        return frozenset() if self.schema is None else sensitive_columns(self.schema)
