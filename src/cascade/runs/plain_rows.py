"""Rows that are dicts, with the values that NumPy and pandas put into them as Python's own.

NaN, NaT and NA are how these libraries write a missing value, and `DataFrame.to_dict("records")` keeps them. They
become None, as they become null in a frame.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

# Values of these types are already Python's own.
_PLAIN = frozenset(
    {type(None), bool, int, str, bytes, datetime, date, time, timedelta, Decimal, UUID, dict, list, tuple}
)
_PLAIN_OR_FLOAT = _PLAIN | {float}


def plain_row(row: Mapping[Any, Any]) -> dict[str, object]:
    """Return a row as a dict of Python values, which is the row itself if it is one already."""
    types = set(map(type, row.values()))
    if type(row) is dict and (types <= _PLAIN or (types <= _PLAIN_OR_FLOAT and not _has_nan(row))):
        return row
    return {name: plain_value(value) for name, value in row.items()}


def plain_value(value: Any) -> Any:
    """Return a value as Python's own: None for a missing value, a list for an array."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if isinstance(value, float) and value != value:
        return None
    library = kind.__module__.partition(".")[0]
    if library == "numpy":
        return _from_numpy(value)
    if library == "pandas":
        pandas = sys.modules["pandas"]
        return None if value is pandas.NaT or value is pandas.NA else value
    return value


def advice_for(value: object) -> str | None:
    """Return how to turn a value that looks like a row into one, or None if it does not look like a row."""
    kind = type(value)
    library = kind.__module__.partition(".")[0]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return "A dataclass becomes a row with dataclasses.asdict(row)."
    if hasattr(value, "_mapping"):
        return "A row of SQLAlchemy becomes a dict with dict(row._mapping)."
    if hasattr(value, "_asdict"):
        return "A named tuple becomes a row with row._asdict()."
    if library == "sqlite3":
        return "A row of sqlite3 becomes a dict with dict(row)."
    if hasattr(kind, "__attrs_attrs__"):
        return "An object of attrs becomes a row with attrs.asdict(row)."
    if kind.__name__ == "Series" and library in ("pandas", "polars"):
        return "A series is one column; make a frame of it with series.to_frame()."
    if library == "pyarrow" and hasattr(value, "type"):
        return 'An Arrow array is one column; make a table of it with pyarrow.table({"name": array}).'
    if library == "numpy" and hasattr(value, "dtype"):
        return "A NumPy array has no names of fields; make a frame of it with pandas.DataFrame(array, columns=[...])."
    return None


def _has_nan(row: Mapping[Any, Any]) -> bool:
    return any(value != value for value in row.values() if type(value) is float)


def _from_numpy(value: Any) -> Any:
    kind = getattr(getattr(value, "dtype", None), "kind", None)
    if kind is None:
        return value
    if value.ndim:
        return [plain_value(item) for item in value] if kind in "MmO" else value.tolist()
    if kind in "Mm":
        # In nanoseconds, NumPy's own conversion returns a bare integer.
        unit = value.dtype.str[4:-1]
        return value.item() if unit in ("D", "W", "M", "Y") else value.astype(f"{kind}8[us]").item()
    return value.item()
