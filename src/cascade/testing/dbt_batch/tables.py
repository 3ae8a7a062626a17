"""Fill the tables that models read, as their workflows would."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cascade.dbt.fillers import Filler, write_fillers
from cascade.exceptions import CascadeError, SourceLocation
from cascade.sources.files import read_jsonl
from cascade.testing.workflow import test_workflow

if TYPE_CHECKING:
    from cascade.config import CascadeConfig
    from cascade.iceberg import Lakehouse
    from cascade.schemas import RefusedRow
    from cascade.testing.dbt_batch.request import TestTable

_SHOWN = 3


def fill_tables(config: CascadeConfig, lakehouse: Lakehouse, tables: Iterable[TestTable]) -> None:
    """Run the workflow of each table with the rows of its file. A table without a file is empty.

    The rows are validated and converted as in production. Those of a partitioned workflow land in its first partition.

    Args:
        config: the settings of the lakehouse.
        lakehouse: where the tables are.
        tables: the tables.

    Raises:
        CascadeError: a module cannot be loaded, or the schema of a workflow refuses a row.
    """
    tables = list(tables)
    write_fillers(config, [Filler(one.table, one.table, one.module) for one in tables])
    for table in tables:
        if table.rows is not None:
            _fill(lakehouse, table, table.rows)


def _fill(lakehouse: Lakehouse, table: TestTable, file: str) -> None:
    # What a module or the run of a workflow prints is not part of the results.
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        result = test_workflow(_workflow(table), read_jsonl(Path(file)), lakehouse=lakehouse)
    if result.refused and not table.quarantined:
        shown = "".join(f"\n  {_told(one)}" for one in result.refused[:_SHOWN])
        raise CascadeError(
            f"The schema of {table.table} refuses {len(result.refused)} of the rows:{shown}",
            location=SourceLocation(file, 1),
        )
    if not result:
        raise CascadeError(f"The rows cannot be ingested: {result.error}", location=SourceLocation(file, 1))


def _told(refused: RefusedRow) -> str:
    return f"{refused.field or 'row'}: {refused.message}: {refused.row}"


def _workflow(table: TestTable) -> Any:
    try:
        module = import_module(table.module)
    except Exception as error:
        raise CascadeError(f"{table.module} cannot be imported: {type(error).__name__}: {error}") from error
    for value in vars(module).values():
        if getattr(getattr(value, "declaration", None), "table", None) == table.table:
            return value
    raise CascadeError(f"{table.module} has no workflow of {table.table} at its top level.")
