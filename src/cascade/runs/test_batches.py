from __future__ import annotations

import dataclasses
import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pydantic
import pytest
import sqlalchemy

from cascade.exceptions import SourceError, SourceLocation
from cascade.runs import batches
from cascade.runs.batches import Feeder, one_batch
from cascade.runs.plain_rows import plain_row
from cascade.schemas import Batch

HERE = SourceLocation("flights.py", 7)


def fed(data: object, *reads: str) -> list[Batch]:
    found: list[Batch] = []
    known: dict[str, Any] = {"reads": reads} if reads else {}
    feeder = Feeder(found.append, lambda source: pytest.fail("not dlt"), "raw.flights", HERE, **known)
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


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("not printable")


def test_a_table_is_taken_in_slices_that_are_bounded_by_bytes_but_not_too_short(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batches, "_ROWS_PER_SLICE", 10)
    monkeypatch.setattr(batches, "_BYTES_PER_SLICE", 160)
    narrow, wide = pa.table({"n": range(50)}), pa.table({f"n{at}": range(25) for at in range(8)})
    assert [len(batch) for batch in fed(narrow)] == [20, 20, 10]
    assert [len(batch) for batch in fed(wide)] == [10, 10, 5]
    assert pa.concat_tables(fed(narrow)).column("n").to_pylist() == list(range(50))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("rows.csv", "the function returned str 'rows.csv', which is not rows"),
        (3, "the function returned int 3"),
        ([{"id": 1}, 3], "the function returned int 3"),
        (["a"], "the function returned str 'a'"),
        (print, "the function returned builtin_function_or_method"),
        ([{1: "a"}], "a row has the field 1, whose name is not a string"),
        ([{"id": 1}, Unprintable()], "the function returned Unprintable <Unprintable>, which is not rows"),
        ([{Unprintable(): "a"}], "a row has the field <Unprintable>, whose name is not a string"),
    ],
)
def test_the_error_for_other_data_lists_the_accepted_kinds(data: object, said: str) -> None:
    with pytest.raises(SourceError) as caught:
        fed(data)
    assert said in str(caught.value)
    assert str(caught.value).startswith("flights.py:7: raw.flights: ")
    assert "Return dicts or pydantic models, an Arrow table" in str(caught.value)


@dataclasses.dataclass
class Reading:
    id: int


class Pair(NamedTuple):
    id: int
    name: str


def sqlite_row() -> object:
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    return connection.execute("select 1 as id").fetchone()


def alchemy_row() -> object:
    with sqlalchemy.create_engine("sqlite://").connect() as connection:
        return connection.execute(sqlalchemy.text("select 1 as id")).one()


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        ([Reading(1)], "dataclasses.asdict(row)"),
        ([Pair(1, "a")], "row._asdict()"),
        (sqlite_row(), "dict(row)"),
        ([alchemy_row()], "dict(row._mapping)"),
        (pd.Series([1], name="id"), "series.to_frame()"),
        (pl.Series("id", [1]), "series.to_frame()"),
        (pa.array([1]), 'pyarrow.table({"name": array})'),
        (np.array([[1]]), "pandas.DataFrame(array"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_error_for_what_looks_like_rows_says_how_to_make_rows(data: object, hint: str) -> None:
    with pytest.raises(SourceError) as caught:
        fed(data)
    assert hint in str(caught.value)
    assert type(data[0] if isinstance(data, list) else data).__name__ in str(caught.value)


def test_missing_values_of_pandas_in_dicts_are_none() -> None:
    frame = pd.DataFrame(
        {"n": [1.5, np.nan], "at": pd.to_datetime(["2013-01-15", None]), "i": pd.array([1, None], "Int64")}
    )
    assert rows(frame.to_dict("records")) == rows(frame)
    assert rows([{"a": np.float64("nan"), "b": float("inf")}]) == [{"a": None, "b": float("inf")}]


def test_values_of_numpy_in_dicts_are_python_values() -> None:
    row = {
        "i": np.int64(1),
        "b": np.bool_(True),
        "at": np.datetime64("2013-01-15T01:02:03.000000001", "ns"),
        "day": np.datetime64("2013-01-15"),
        "none": np.datetime64("NaT"),
        "took": np.timedelta64(1, "s"),
        "list": np.array([1.5, 2.5]),
        "times": np.array(["2013-01-15"], "M8[ns]"),
    }
    assert rows([row]) == [
        {
            "i": 1,
            "b": True,
            "at": datetime(2013, 1, 15, 1, 2, 3),
            "day": date(2013, 1, 15),
            "none": None,
            "took": timedelta(seconds=1),
            "list": [1.5, 2.5],
            "times": [datetime(2013, 1, 15)],
        }
    ]


def test_a_dict_without_such_values_is_the_row_itself() -> None:
    row: dict[str, Any] = {"id": 1, "x": 1.5, "y": None}
    assert plain_row(row) is row
    assert fed([row])[0][0] == row
    given = {"id": 1, "x": float("nan")}
    assert rows([given]) == [{"id": 1, "x": None}]
    assert given["x"] is not None


TWICE = pa.table([pa.array([1]), pa.array([2]), pa.array([3])], ["x", "x", "y"])


@pytest.mark.parametrize(
    "data", [TWICE, TWICE.to_batches()[0], TWICE.to_reader(), pd.DataFrame([[1, 2, 3]], columns=["x", "x", "y"])]
)
def test_a_column_that_occurs_twice_is_refused_only_if_the_schema_reads_it(data: Any) -> None:
    if not isinstance(data, pa.RecordBatchReader):
        assert [row["y"] for batch in fed(data, "y") for row in batch.to_pylist()] == [3]  # type: ignore[union-attr]
    with pytest.raises(SourceError, match='the column "x" occurs 2 times'):
        fed(data, "x", "y")


def test_levels_of_a_pandas_index_are_columns_once() -> None:
    frame = pd.DataFrame({"id": [1, 2], "n": [3, 4]})
    both = [{"id": 1, "n": 3}, {"id": 2, "n": 4}]
    assert rows(frame.set_index("id")) == both
    assert rows(frame.set_index("id", drop=False)) == both
    assert rows(frame.set_index(["id", "n"])) in (both, [{"n": 3, "id": 1}, {"n": 4, "id": 2}])
    assert rows(frame.set_index(pd.Index(["p", "q"]))) == both
    partly = frame.set_index(pd.MultiIndex.from_tuples([(1, "a"), (2, "b")], names=["key", None]))
    assert rows(partly) == [{"key": 1, **both[0]}, {"key": 2, **both[1]}]


def test_an_index_that_differs_from_the_column_of_its_name_is_refused() -> None:
    frame = pd.DataFrame({"id": [1, 2]}, index=pd.Index([3, 4], name="id"))
    with pytest.raises(SourceError, match='the index and a column are both named "id", and their values differ'):
        fed(frame)
    assert fed(frame, "other")


def test_pandas_columns_with_several_levels_are_refused() -> None:
    frame = pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("x", "a"), ("x", "b")]))
    with pytest.raises(SourceError, match=r"the columns of the frame have 2 levels, such as \('x', 'a'\)"):
        fed(frame)


def test_a_column_of_objects_keeps_each_value() -> None:
    mixed = [pd.Timestamp("2013-01-15"), pd.Timestamp("2013-01-15", tz="UTC"), date(2013, 1, 15), 1, True, 1.5, None]
    found = [row["x"] for row in rows(pd.DataFrame({"x": pd.Series(mixed, dtype=object)}))]
    assert found == mixed
    assert list(map(type, found)) == list(map(type, mixed))


def test_nan_of_polars_and_arrow_stays_beside_objects() -> None:
    frame = pl.DataFrame({"x": [float("nan"), None], "o": pl.Series([1, "a"], dtype=pl.Object)})
    assert repr([row["x"] for row in rows(frame)]) == "[nan, None]"


def test_large_integers_of_polars_are_exact() -> None:
    frame = pl.DataFrame({"x": pl.Series([2**100, None], dtype=pl.Int128), "y": [1, 2]})
    assert rows(frame) == [{"x": 2**100, "y": 1}, {"x": None, "y": 2}]


def test_several_batches_become_one() -> None:
    assert one_batch([]) is None
    assert one_batch([ONE_TWO]) is ONE_TWO
    both = one_batch([TABLE, TABLE.select(["id"])])
    assert isinstance(both, pa.Table) and both.num_rows == 4
    assert one_batch([ONE_TWO, TABLE]) == ONE_TWO * 2
    assert one_batch([pa.table({"x": [1]}), pa.table({"x": ["a"]})]) == [{"x": 1}, {"x": "a"}]


def test_a_list_of_many_rows_comes_in_batches_and_stays_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "ROWS_PER_BATCH", 3)
    given: list[object] = [{"x": float("nan") if n % 2 else n} for n in range(8)]
    mixed = [*given[:4], TABLE, *given[4:]]
    found = fed(iter([given[:2], given[2:], mixed]))
    assert [len(batch) for batch in found] == [3, 3, 3, 3, 2, 3, 1]
    assert [row["x"] for batch in found[:2] for row in batch] == [0, None, 2, None, 4, None]
    assert [repr(row) for row in given] == [repr({"x": float("nan") if n % 2 else n}) for n in range(8)]


def test_rows_that_a_generator_changes_later_keep_their_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "ROWS_PER_BATCH", 3)

    def pages() -> Iterator[object]:
        page = [{"x": n} for n in range(4)]
        yield page
        for row in page:
            row["x"] = -1
        yield page[0]

    seen: list[object] = []
    feeder = Feeder(lambda batch: seen.extend(map(str, batch)), pytest.fail, "raw.flights", HERE)
    feeder.feed(pages())
    feeder.flush()
    assert seen == [str({"x": n}) for n in (0, 1, 2, 3, -1)]
    [copied] = fed(page := [{"x": 1}])
    page[0]["x"] = -1
    assert copied == [{"x": 1}]


class Page(pydantic.BaseModel):
    id: int
    text: str


def pages_of_a_megabyte(count: int) -> Iterator[dict[str, Any]]:
    yield from ({"id": n, "text": "x" * 2**20} for n in range(count))


def reader_of_pages(count: int) -> pa.RecordBatchReader:
    schema = pa.schema([("id", pa.int64()), ("text", pa.string())])
    found = (pa.RecordBatch.from_pylist([page], schema) for page in pages_of_a_megabyte(count))
    return pa.RecordBatchReader.from_batches(schema, found)


@pytest.mark.parametrize(
    "data",
    [
        lambda: pages_of_a_megabyte(150),
        lambda: ([page] for page in pages_of_a_megabyte(150)),
        lambda: (Page(**page) for page in pages_of_a_megabyte(150)),
        lambda: reader_of_pages(150),
    ],
    ids=["dicts", "lists", "models", "reader"],
)
def test_few_large_rows_are_held_back_at_a_time(data: Callable[[], object]) -> None:
    sizes: list[int] = []
    feeder = Feeder(lambda batch: sizes.append(len(batch)), pytest.fail, "raw.flights", HERE)
    feeder.feed(data())
    feeder.flush()
    assert sum(sizes) == 150
    assert max(sizes) <= 64


def test_rows_of_ordinary_size_are_held_back_until_there_are_many() -> None:
    assert [len(batch) for batch in fed({"id": n, "name": "x" * 20} for n in range(60_000))] == [50_000, 10_000]
