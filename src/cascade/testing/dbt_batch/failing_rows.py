"""The rows for which a data test fails."""

from __future__ import annotations

from typing import Any

_SHOWN = 5
_WIDTH = 60


def failing_rows(sql: str) -> str:
    """Return the first rows that a data test selects, one on each line.

    Args:
        sql: the compiled SQL of the test. It runs in the DuckDB file that dbt has open in this process.
    """
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager  # pants: no-infer-dep

    environment: Any = DuckDBConnectionManager.env()
    cursor = environment.handle().cursor()
    try:
        cursor.execute(f"select * from (\n{sql}\n) limit {_SHOWN + 1}")
        names = [column[0] for column in cursor.description]
        rows = cursor.fetchall()
    except Exception as error:
        # The test has failed anyway, and says so.
        return f"The rows cannot be shown: {error}"
    finally:
        cursor.close()
    lines = [", ".join(f"{name}={_short(value)}" for name, value in zip(names, row, strict=True)) for row in rows]
    return "\n".join([*lines[:_SHOWN], *(["..."] if len(lines) > _SHOWN else [])])


def _short(value: object) -> str:
    text = str(value) if value is not None else "null"
    return text if len(text) <= _WIDTH else f"{text[:_WIDTH]}..."
