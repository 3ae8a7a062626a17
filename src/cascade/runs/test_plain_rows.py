"""Rows get Python's own values, column by column as row by row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascade.runs.plain_rows import make_plain, plain_row
from cascade.schemas.dict_rows import DictRows

NAN = float("nan")
VALUES = st.sampled_from(
    [
        *(None, True, 0, 2**70, 1.5, -0.0, NAN, float("inf"), -float("inf"), "a", b"", [NAN], pd.NA, pd.NaT),
        *(np.float64("nan"), np.int8(3), np.array([1.5, NAN]), pd.Timestamp("2013-01-15")),
    ]
)


@given(st.lists(st.dictionaries(st.sampled_from("ab"), VALUES), max_size=4))
def test_rows_together_become_what_each_becomes_alone(given: list[dict[str, Any]]) -> None:
    expected = [plain_row(row) for row in given]
    rows = DictRows([row.copy() for row in given])
    make_plain(rows)
    assert repr(rows) == repr(expected)
    read = {name: [value for value in rows.column(name) if not repr(value).startswith("<")] for name in rows.names}
    assert repr(read) == repr({name: [row[name] for row in expected if name in row] for name in rows.names})


@pytest.mark.parametrize(
    "column",
    [[1.5, NAN, None], [1, NAN, 2**2000], [float("inf"), -float("inf"), 2.0], [1.0, "a", NAN]],
)
def test_nan_is_found_among_other_numbers(column: list[Any]) -> None:
    rows = DictRows([{"x": value} for value in [*column, *column]] + [{}])
    make_plain(rows)
    assert [row.get("x", "absent") for row in rows] == [None if value != value else value for value in column * 2] + [
        "absent"
    ]


@pytest.mark.parametrize(
    "rows",
    [[], [{}], [{"a": 1}, {"a": 2}], [{"a": 1, "b": 2}, {"b": 3, "a": 4}], [{"a": 1}, {"b": 2}], [{}, {"a": 1}]],
)
def test_the_names_of_rows_are_those_of_any_row_in_order(rows: list[dict[str, object]]) -> None:
    found = DictRows(rows)
    assert found.names == list(dict.fromkeys(name for row in rows for name in row))
    assert [[*filter(lambda value: isinstance(value, int), found.column(name))] for name in found.names] == [
        [row[name] for row in rows if name in row] for name in found.names
    ]
