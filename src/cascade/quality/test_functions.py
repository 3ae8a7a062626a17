"""Functions as checks: what they take, and what they return."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from cascade.iceberg.catalog import Lakehouse
from cascade.quality import CheckResult, Subject, cascade_check, judge
from cascade.quality.conftest import DAY, READINGS, Reading, rows_of

if TYPE_CHECKING:
    import duckdb

ROWS = rows_of({"station": "a", "celsius": 1.0}, {"station": "b", "celsius": 99.0, "phone": "call-me"})


def result_of(
    lakehouse: Lakehouse, function: Any, rows: pa.Table | None = ROWS, schema: type | None = Reading, **arguments: Any
) -> CheckResult:
    check = cascade_check(table="readings", group="weather", **arguments)(function)
    (result,) = judge([check.declaration], Subject(lakehouse, READINGS, rows, schema=schema, now=DAY))
    return result


def test_a_function_takes_arrow_polars_or_a_relation(readings: Lakehouse) -> None:
    taken: list[object] = []

    def arrow(rows: pa.Table) -> bool:
        taken.append(rows.num_rows)
        return True

    def polars(rows: pl.DataFrame) -> bool:
        taken.append(rows.height)
        return True

    def relation(rows: duckdb.DuckDBPyRelation) -> bool:
        taken.append(rows.aggregate("sum(celsius)").fetchall())
        return True

    for function in (arrow, polars, relation):
        assert result_of(readings, function).passed
        assert result_of(readings, function, scope="table").passed
    assert taken == [2, 3, 2, 3, [(100.0,)], [(3.0,)]]


@pytest.mark.parametrize(
    ("returned", "passed", "failing", "share"),
    [
        (True, True, None, None),
        (np.bool_(False), False, None, None),
        (0, True, 0, 0.0),
        (1, False, 1, 0.5),
        (0.0, True, 0, 0.0),
        (0.5, False, 1, 0.5),
        (ROWS.slice(1), False, 1, 0.5),
        (pl.DataFrame({"id": [2], "phone": ["call-me"]}), False, 1, 0.5),
        (pl.DataFrame({"id": []}), True, 0, 0.0),
        (ROWS.to_pandas().head(1), False, 1, 0.5),
    ],
)
def test_what_a_function_returns(
    readings: Lakehouse, returned: Any, passed: bool, failing: int | None, share: float | None
) -> None:
    def check(rows: pa.Table) -> Any:
        return returned

    result = result_of(readings, check)
    assert (result.passed, result.failing, result.share) == (passed, failing, share)
    assert (result.name, result.check, result.key, result.rows) == ("check", "", "check", 2)
    assert "call-me" not in repr(result)


def test_a_relation_of_failing_rows(readings: Lakehouse) -> None:
    def hot(rows: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
        return rows.filter("celsius > 60")

    result = result_of(readings, hot)
    assert (result.failing, [row["id"] for row in result.sample.rows]) == (1, [2])
    assert result_of(readings, hot, fail_threshold=0.5).passed


def test_a_result_of_its_own(readings: Lakehouse) -> None:
    def own(rows: pa.Table) -> CheckResult:
        return CheckResult(passed=False, severity="warn", message="Mild.", numbers={"mean": 50.0})

    result = result_of(readings, own, blocking=False)
    assert (result.message, result.severity, result.numbers, result.rows) == ("Mild.", "warn", {"mean": 50.0}, 2)
    assert (result.table, result.blocking, result.blocks) == ("raw.readings", False, False)


@pytest.mark.parametrize("returned", [None, "yes", 1.5, -1, float("nan")])
def test_anything_else_has_failed(readings: Lakehouse, returned: Any) -> None:
    def check(rows: pa.Table) -> Any:
        return returned

    result = result_of(readings, check, schema=None)
    assert result.blocks
    assert f"The function returned {returned!r}. A check returns whether the rows are good" in result.message


def test_a_function_that_raises_has_failed(readings: Lakehouse) -> None:
    def check(rows: pa.Table) -> bool:
        raise KeyError("celcius")

    result = result_of(readings, check, schema=None)
    assert (result.blocks, result.message) == (True, "The check could not run. KeyError: 'celcius'")
    # An error can quote a value of a sensitive column.
    assert result_of(readings, check).message == "The check could not run. It raised KeyError."
