"""Name the row and the column of a database's value that SQLAlchemy cannot convert.

SQLAlchemy's own error, such as `year 0 is out of range` for a date `0000-00-00`, names neither. The query is run again,
and each value converted by itself, until the first one that fails.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from types import TracebackType
from typing import Any

from cascade.exceptions import CascadeError, SourceError, SourceLocation
from cascade.schemas.values import shown


@contextmanager
def database_values_named(table: str, location: SourceLocation) -> Iterator[None]:
    """Name the value that a query failed on.

    Args:
        table: full name of the table, for the error.
        location: the workflow's function, for the error.

    Raises:
        SourceError: SQLAlchemy could not convert a value of a query's result.
    """
    try:
        yield
    except CascadeError:
        raise
    except (ValueError, TypeError, ArithmeticError) as error:
        problem = _problem(error)
        if problem is None:
            raise
        column, value, row = problem
        raise SourceError(
            f'{table}: the database returned {shown(value)} in the column "{column}", which cannot be read: {error}. '
            f"The row is {shown(row)}.",
            location=location,
            hint="Let the schema decide, which refuses the row: read the column as text, for example with "
            f'sql_table(..., table_adapter_callback=as_text), where as_text sets table.c["{column}"].type = '
            "sqlalchemy.String().",
        ) from error


def _problem(error: BaseException) -> tuple[str, object, tuple[object, ...]] | None:
    """Return the column, the value and the row that a query failed on, or None if no query failed."""
    result = _failed_result(error.__traceback__)
    try:
        return _first_unreadable(result) if result is not None else None
    except Exception:  # The database may be gone, and the original error is the one to report.
        return None


def _failed_result(traceback: TracebackType | None) -> Any:
    """Return the result of the query whose values SQLAlchemy was converting, or None."""
    engine = sys.modules.get("sqlalchemy.engine")
    found, is_inside = None, False
    while engine is not None and traceback is not None:
        frame = traceback.tb_frame
        is_inside = is_inside or "/sqlalchemy/" in frame.f_code.co_filename.replace("\\", "/")
        found = next((one for one in frame.f_locals.values() if isinstance(one, engine.CursorResult)), found)
        traceback = traceback.tb_next
    return found if is_inside else None


def _first_unreadable(result: Any) -> tuple[str, object, tuple[object, ...]] | None:
    names: Sequence[str] = list(result.keys())
    processors = result._metadata._processors
    context = result.context
    with closing(context.engine.raw_connection()) as connection:
        cursor = connection.cursor()
        cursor.execute(context.statement, context.parameters[0])
        for row in cursor:
            for name, process, value in zip(names, processors, row, strict=True):
                try:
                    process and process(value)
                except Exception:
                    return name, value, tuple(row)
    return None
