"""`judge_rows` runs declared checks as a run would."""

from __future__ import annotations

import polars as pl
import pyarrow as pa
import pytest

from cascade import cascade_check, cascade_quality
from cascade.exceptions import UsageError
from cascade.quality import ForeignKey, NotNull, RowCount, Unique
from cascade.testing import judge_rows, throwaway_lakehouse


@cascade_quality(table="lab.readings", checks=[NotNull("celsius"), Unique("id"), RowCount(max=2)])
def plausible() -> None:
    """Plausible readings."""


@cascade_check(table="lab.readings")
def warm(rows: pl.DataFrame) -> pl.DataFrame:
    """Warm readings."""
    return rows.filter(pl.col("celsius") < 10)


@cascade_quality(table="readings", checks=[ForeignKey("id", "lab.stations", "id")])
def known() -> None:
    """Known stations."""


ROWS = [{"id": 1, "celsius": 12.0}, {"id": 2, "celsius": None}]


@pytest.mark.parametrize("rows", [ROWS, pl.DataFrame(ROWS), pa.Table.from_pylist(ROWS)])
def test_rows_are_judged_in_a_lakehouse_of_their_own(rows: pl.DataFrame) -> None:
    assert [result.passed for result in judge_rows(plausible, rows)] == [False, True, True]
    assert [result.failing for result in judge_rows(warm, [{"id": 1, "celsius": 1.0}])] == [1]


def test_earlier_rows_and_other_tables_are_in_a_given_lakehouse() -> None:
    with throwaway_lakehouse() as lakehouse:
        assert judge_rows(plausible, ROWS, lakehouse=lakehouse)[1].passed
        counts = [result.failing for result in judge_rows(plausible, ROWS[:1], lakehouse=lakehouse)]
        assert counts == [0, 2, None]
        lakehouse.catalog.create_table("lab.stations", schema=pa.schema([("id", pa.int64())]))
        (result,) = judge_rows(known, ROWS, lakehouse=lakehouse)
        assert (result.failing, result.rows) == (2, 2)


def test_only_declared_checks_are_run() -> None:
    with pytest.raises(UsageError, match="judge_rows takes a function with @cascade_quality or @cascade_check"):
        judge_rows(test_only_declared_checks_are_run, ROWS)  # type: ignore[arg-type]
