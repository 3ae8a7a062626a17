"""Run declared checks on rows, in a test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from cascade.exceptions import UsageError
from cascade.testing.lakehouse import throwaway_lakehouse

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

    from cascade.declarations import DecoratedFunction, TableChecks
    from cascade.iceberg import Lakehouse
    from cascade.partitions import PartitionWindow
    from cascade.quality import CheckResult


def judge_rows(
    checks: DecoratedFunction[TableChecks, ..., Any],
    rows: pa.Table | pl.DataFrame | Sequence[Mapping[str, object]],
    *,
    window: PartitionWindow | None = None,
    lakehouse: Lakehouse | None = None,
) -> tuple[CheckResult, ...]:
    """Run declared checks on rows, as if a run had landed them in their table.

    Args:
        checks: a function with `@cascade_quality` or `@cascade_check`.
        rows: an Arrow table, a Polars frame, or dicts, whose types Arrow finds out. They are added to the table.
        window: the partition of the rows; None for a table without partitions.
        lakehouse: a lakehouse that has other tables which the checks read, or earlier rows. A new one by default, in
            which the rows are the table.

    Returns:
        The result of each check, in the order of their declaration.

    Raises:
        UsageError: `checks` is no such function.
    """
    import pyarrow as pa

    from cascade.declarations import TableChecks
    from cascade.quality import Subject, judge

    declaration = getattr(checks, "declaration", None)
    if not isinstance(declaration, TableChecks):
        raise UsageError(f"judge_rows takes a function with @cascade_quality or @cascade_check, not {checks!r}.")
    ref = declaration.table_ref
    if isinstance(rows, pa.Table):
        given = rows
    else:
        given = rows.to_arrow() if hasattr(rows, "to_arrow") else pa.Table.from_pylist(list(rows))
    with nullcontext(lakehouse) if lakehouse is not None else throwaway_lakehouse() as opened:
        table = opened.load(ref)
        if table is None:
            opened.catalog.create_namespace_if_not_exists(ref.namespace)
            table = opened.catalog.create_table(ref.identifier, schema=given.schema)
        table.append(given)
        return judge([declaration], Subject(opened, ref, given, window=window))
