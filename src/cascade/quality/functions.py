"""Run the functions that `@cascade_check` decorates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from cascade.declarations import CheckDeclaration
from cascade.exceptions import DataError
from cascade.quality.kinds import counted_rows
from cascade.quality.result import SHOWN_ROWS, CheckResult

if TYPE_CHECKING:
    from cascade.quality.judged import Judged

_FAULT = "the function says so"


def judge_function(declaration: CheckDeclaration, judged: Judged, rows: int) -> CheckResult:
    """Call a function with the rows, and read what it returns.

    Args:
        declaration: the declaration of the function.
        judged: the rows.
        rows: how many they are.

    Raises:
        DataError: the function returns something else than a result.
        Exception: what the function raises.
    """
    return _result(declaration.function(_given(declaration, judged)), judged, rows)


def _given(declaration: CheckDeclaration, judged: Judged) -> Any:
    if declaration.takes == "duckdb":
        return judged.session.relation(f"SELECT * FROM {judged.source}")
    frame = judged.frame()
    if declaration.takes == "arrow":
        return frame
    import polars as pl

    return pl.from_arrow(frame)


def _result(returned: Any, judged: Judged, rows: int) -> CheckResult:
    if isinstance(returned, CheckResult):
        return returned.within(judged.shown)
    if _is_bool(returned):
        message = f"The function {'accepts' if returned else 'refuses'} {rows} rows."
        return CheckResult(passed=bool(returned), message=message)
    if isinstance(returned, int) and returned >= 0:
        return counted_rows(returned, rows, _FAULT)
    if isinstance(returned, float) and 0 <= returned <= 1:
        message = f"{100 * returned:.3g} % of {rows} rows fail{': ' + _FAULT if returned else ''}."
        return CheckResult(passed=not returned, message=message, share=returned, failing=round(returned * rows))
    failing = _rows(returned)
    if failing is None:
        raise DataError(
            f"The function returned {returned!r:.100}. A check returns whether the rows are good (a bool), the number "
            "(an int) or share (a float from 0 to 1) of failing rows, the failing rows, or a CheckResult."
        )
    return counted_rows(failing.num_rows, rows, _FAULT, sample=judged.preview(failing.slice(0, SHOWN_ROWS)))


def _is_bool(value: object) -> bool:
    # NumPy's own type is not a subclass of bool.
    return isinstance(value, bool) or (type(value).__name__ in ("bool_", "bool") and type(value).__module__ == "numpy")


def _rows(returned: Any) -> pa.Table | None:
    if isinstance(returned, pa.Table):
        return returned
    if isinstance(returned, pa.RecordBatch):
        return pa.Table.from_batches([returned])
    module, name = type(returned).__module__.partition(".")[0].lstrip("_"), type(returned).__name__
    if (module, name) == ("polars", "LazyFrame"):
        returned = returned.collect()
    if module == "polars" and name in ("DataFrame", "LazyFrame"):
        return returned.to_arrow()
    if (module, name) == ("duckdb", "DuckDBPyRelation"):
        return returned.to_arrow_table()
    return pa.Table.from_pandas(returned, preserve_index=False) if (module, name) == ("pandas", "DataFrame") else None
