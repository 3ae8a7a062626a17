from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from cascade.exceptions import SourceError, SourceLocation
from cascade.runs import batches
from cascade.runs.batches import Feeder, one_batch
from cascade.schemas import Batch

HERE = SourceLocation("flights.py", 7)


def fed(data: object) -> list[Batch]:
    found: list[Batch] = []
    feeder = Feeder(found.append, lambda source: pytest.fail("not dlt"), "raw.flights", HERE)
    feeder.feed(data)
    feeder.flush()
    return found


def rows(data: object) -> list[dict[str, Any]]:
    return [row for batch in fed(data) for row in (batch.to_pylist() if isinstance(batch, pa.Table) else batch)]


ONE_TWO: list[dict[str, Any]] = [{"id": 1, "name": "a"}, {"id": 2, "name": None}]
TABLE = pa.Table.from_pylist(ONE_TWO)


class ForeignFrame:
    """A frame of a library that Cascade does not know, such as a DuckDB relation: it speaks Arrow's C stream."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return TABLE.__arrow_c_stream__(requested_schema)


def generator() -> Iterator[object]:
    yield from ONE_TWO


def pages() -> Iterator[object]:
    yield ONE_TWO[:1]
    yield TABLE.slice(1)


@pytest.mark.parametrize(
    "data",
    [
        ONE_TWO,
        tuple(ONE_TWO),
        generator(),
        pages(),
        (dict(row) for row in ONE_TWO),
        [OrderedDict(row) for row in ONE_TWO],
        TABLE,
        TABLE.to_batches(),
        TABLE.to_reader(),
        pl.DataFrame(ONE_TWO),
        pl.DataFrame(ONE_TWO).lazy(),
        [pl.DataFrame(ONE_TWO[:1]), pl.DataFrame(ONE_TWO[1:])],
        pd.DataFrame(ONE_TWO),
        pd.DataFrame(ONE_TWO).set_index("id"),
        ForeignFrame(),
    ],
    ids=lambda data: type(data).__name__,
)
def test_every_accepted_kind_results_in_the_same_rows(data: object) -> None:
    assert rows(data) == ONE_TWO


@pytest.mark.parametrize("data", [None, [], iter(()), TABLE.slice(0, 0), TABLE.slice(0, 0).to_reader(), pl.DataFrame()])
def test_no_rows_result_in_no_batch(data: object) -> None:
    assert fed(data) == []


def test_values_of_mixed_types_are_unchanged() -> None:
    mixed = [{"id": 1, "x": 1}, {"id": 2, "x": "two"}, {"id": 3, "x": [3]}, {"id": 4, "x": None}]
    assert rows(mixed) == mixed
    assert rows(pd.DataFrame(mixed)) == mixed
    assert rows(pl.DataFrame({"id": [1, 2], "x": pl.Series([1, "two"], dtype=pl.Object)})) == mixed[:2]


def test_pandas_cells_are_python_values() -> None:
    frame = pd.DataFrame({"x": [np.int64(1), "two", pd.NaT, float("nan"), pd.Timestamp("2013-01-15")]}, dtype=object)
    found = [row["x"] for row in rows(frame)]
    assert found == [1, "two", None, None, datetime(2013, 1, 15)]
    assert type(found[0]) is int


def test_pandas_missing_values_are_nulls() -> None:
    frame = pd.DataFrame({"x": [1.5, np.nan], "when": pd.to_datetime(["2013-01-15", None])})
    assert [row["x"] for row in rows(frame)] == [1.5, None]
    assert rows(frame)[1]["when"] is None


def test_many_rows_come_in_batches_and_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "ROWS_PER_BATCH", 10)
    found = fed({"n": n} for n in range(25))
    assert [len(batch) for batch in found] == [10, 10, 5]
    assert [row["n"] for batch in found for row in batch] == list(range(25))
    reader = pa.table({"n": range(25)}).to_reader(max_chunksize=4)
    assert [len(batch) for batch in fed(reader)] == [12, 12, 1]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("rows.csv", "the function returned str 'rows.csv', which is not rows"),
        (3, "the function returned int 3"),
        ([{"id": 1}, 3], "the function returned int 3"),
        (["a"], "the function returned str 'a'"),
        (pl.Series("n", [1]), "the function returned int 1"),
        (print, "the function returned builtin_function_or_method"),
        ([{1: "a"}], "a row has the field 1, whose name is not a string"),
    ],
)
def test_the_error_for_other_data_lists_the_accepted_kinds(data: object, said: str) -> None:
    with pytest.raises(SourceError) as caught:
        fed(data)
    assert said in str(caught.value)
    assert str(caught.value).startswith("flights.py:7: raw.flights: ")
    assert "Return dicts, an Arrow table" in str(caught.value)


def test_several_batches_become_one() -> None:
    assert one_batch([]) is None
    assert one_batch([ONE_TWO]) is ONE_TWO
    both = one_batch([TABLE, TABLE.select(["id"])])
    assert isinstance(both, pa.Table) and both.num_rows == 4
    assert one_batch([ONE_TWO, TABLE]) == ONE_TWO * 2
    assert one_batch([pa.table({"x": [1]}), pa.table({"x": ["a"]})]) == [{"x": 1}, {"x": "a"}]
