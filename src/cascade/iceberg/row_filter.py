"""Which rows of a table meet a filter expression, judged on rows that are read file by file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import pyarrow as pa

from cascade.exceptions import UsageError
from cascade.iceberg.reading import condition

if TYPE_CHECKING:
    from pyiceberg.expressions import BooleanExpression
    from pyiceberg.expressions.visitors import _InclusiveMetricsEvaluator
    from pyiceberg.manifest import DataFile
    from pyiceberg.schema import Schema
    from pyiceberg.table import Table

    from cascade.table_ref import TableRef


@dataclass(frozen=True)
class RowFilter:
    """A filter expression.

    Args:
        schema: the columns of the table.
        expression: the expression.
    """

    schema: Schema
    expression: BooleanExpression

    @cached_property
    def bound(self) -> BooleanExpression:
        """The expression over the columns of the table."""
        from pyiceberg.expressions.visitors import bind

        return bind(self.schema, self.expression, case_sensitive=True)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns of the table that the expression names, in the table's order."""
        from pyiceberg.expressions.visitors import extract_field_ids

        ids = extract_field_ids(self.bound)
        top = {str(self.schema.find_column_name(one)).split(".")[0] for one in ids}
        return tuple(each.name for each in self.schema.fields if each.name in top)

    @cached_property
    def arrow(self) -> pa.Schema:
        """The same columns in Arrow."""
        from pyiceberg.io.pyarrow import schema_to_pyarrow

        return schema_to_pyarrow(self.schema.select(*self.columns), include_field_ids=False)

    def matches(self, rows: pa.Table) -> pa.Array:
        """Return the positions of the rows that meet the expression, in order.

        Args:
            rows: rows with at least the columns of the expression.
        """
        if not self.columns:
            from pyiceberg.expressions import AlwaysTrue

            return pa.arange(0, rows.num_rows if isinstance(self.bound, AlwaysTrue) else 0)
        from pyiceberg.io.pyarrow import expression_to_pyarrow

        expression = expression_to_pyarrow(self.bound, self.schema)
        position = "cascade:row"
        numbered = rows.select(self.columns).append_column(position, pa.arange(0, rows.num_rows))
        return numbered.filter(expression).column(position).combine_chunks()

    def may_match(self, file: DataFile) -> bool:
        """Return whether the statistics of a file allow a row that meets the expression.

        Args:
            file: the file.
        """
        return self._statistics.eval(file)

    @cached_property
    def _statistics(self) -> _InclusiveMetricsEvaluator:
        from pyiceberg.expressions.visitors import _InclusiveMetricsEvaluator

        return _InclusiveMetricsEvaluator(self.schema, self.expression)


def row_filter(table: Table, ref: TableRef, where: str | None) -> RowFilter:
    """Read a filter expression, and check that rows can be judged by it.

    Args:
        table: the table.
        ref: its name, for errors.
        where: the expression, such as `user_id = 'x'`; None for all rows. Its values are never part of SQL.

    Raises:
        UsageError: the expression is invalid.
    """
    found = RowFilter(table.schema(), condition(table, ref, where))
    try:
        found.matches(found.arrow.empty_table())
    except pa.ArrowException as error:
        raise UsageError(
            f"The filter {where!r} on {ref} compares a column that cannot be compared, such as one of UUIDs: {error}",
            hint="Name the rows by another column.",
        ) from error
    return found
