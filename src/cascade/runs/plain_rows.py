"""Rows that are dicts, with the values that NumPy and pandas put into them as Python's own.

NaN, NaT and NA are how these libraries write a missing value, and `DataFrame.to_dict("records")` keeps them. They
become None, as they become null in a frame.
"""

from __future__ import annotations

import dataclasses
import math
import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from cascade.schemas.dict_rows import ABSENT, Absent, DictRows

# Values of these types are already Python's own.
_PLAIN = frozenset(
    {type(None), bool, int, str, bytes, datetime, date, time, timedelta, Decimal, UUID, dict, list, tuple}
)
_PLAIN_OR_FLOAT = _PLAIN | {float}
_PLAIN_OR_ABSENT = _PLAIN | {Absent}
_FLOAT_OR_ABSENT = _PLAIN_OR_ABSENT | {float}


def make_plain(rows: DictRows) -> None:
    """Put Python's own values into rows. A row that changes is copied.

    Args:
        rows: the rows.
    """
    for name in rows.names:
        types = rows.types(name)
        values = rows.column(name)
        if types <= _PLAIN_OR_ABSENT or (types <= _FLOAT_OR_ABSENT and not _holds_nan(values, types)):
            continue
        rows.replace(name, [value if value is ABSENT else plain_value(value) for value in values])


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


def _holds_nan(values: Sequence[Any], types: set[type]) -> bool:
    """Return whether a value may be NaN. The sum of numbers is NaN if one of them is, or if infinities cancel out."""
    only_floats = types <= {float, type(None)}
    return math.isnan(sum(filter(None, values) if only_floats else (v for v in values if type(v) is float)))


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
