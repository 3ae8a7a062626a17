"""The mask and pandera agree: on which rows are valid, on the values that land, and on why a row is refused.

CASCADE_MASK_EXAMPLES sets the number of batches, and CASCADE_MASK_ROWS the most rows of each, as for pydantic's mask.
"""

from __future__ import annotations

import datetime as dt
import os
import warnings
from decimal import Decimal
from typing import Annotated, Any

import pandera.polars as pandera
import polars as pl
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cascade.exceptions import MissingColumnError, RowsRefusedError
from cascade.schemas import Batch, declared_schema
from cascade.schemas.validate_pandera import PanderaValidator

EXAMPLES = int(os.environ.get("CASCADE_MASK_EXAMPLES", "60"))
ROWS = int(os.environ.get("CASCADE_MASK_ROWS", "12"))

NOON = dt.datetime(2013, 1, 1, 12)
AWARE = NOON.replace(tzinfo=dt.UTC)
_INTS = st.integers(-3, 6) | st.sampled_from([2**power + more for power in (7, 8, 31, 63) for more in (-1, 0)])
_FLOATS = st.sampled_from([0.0, -0.0, 0.1, 1.5, -1.5, 5.0, float("nan"), float("inf"), -float("inf"), 1e300, 5e-324])
_TEXTS = st.sampled_from(
    ["", "a", "b", "ab", "abc", "a\n", "A", "1", "é", "e\u0301", "\u212a", "\U0001f600", "a\x00", " a"]
)
_MOMENTS = st.sampled_from([NOON, NOON + dt.timedelta(microseconds=1), dt.datetime.min, dt.datetime.max])
_CHECKS_OF_NUMBERS = (
    {"gt": 0},
    {"ge": 0, "lt": 5},
    {"le": 2.5},
    {"eq": 1},
    {"ne": 1},
    {"in_range": {"min_value": 0, "max_value": 5, "include_max": False}},
    {"isin": [0, 1, 2]},
    {"notin": [1]},
    {"gt": 0, "ignore_na": False},
    {"gt": 0, "raise_warning": True},
    {"gt": 0, "n_failure_cases": 1},
    {"unique_values_eq": {1, 2}},
)
_CHECKS_OF_TEXTS = (
    {"str_matches": "^[a-z]+$"},
    {"str_matches": r"\w$"},
    {"str_contains": "b"},
    {"str_startswith": "a", "str_endswith": "b"},
    {"str_length": {"min_value": 1, "max_value": 2}},
    {"isin": ["a", "b", "ab"]},
    {"notin": ["", "a"], "ignore_na": False},
    {"eq": "a"},
)
_CHECKS_OF_MOMENTS = ({"gt": NOON}, {"le": NOON}, {"isin": [NOON]})
# Checks that raise for the type of the column are among these, too.
_KINDS: tuple[tuple[Any, Any, tuple[dict[str, Any], ...]], ...] = (
    (int, _INTS, _CHECKS_OF_NUMBERS),
    (pl.Int8, _INTS, _CHECKS_OF_NUMBERS),
    (pl.UInt32, _INTS, _CHECKS_OF_NUMBERS),
    (float, _FLOATS | _INTS, (*_CHECKS_OF_NUMBERS, {"str_matches": "a"})),
    (pl.Float32, _FLOATS, _CHECKS_OF_NUMBERS),
    (str, _TEXTS, (*_CHECKS_OF_TEXTS, {"gt": 0})),
    (pl.Categorical, _TEXTS, ({"eq": "a"}, {"isin": ["a", "b"]})),
    (Annotated[pl.Enum, ["a", "b", "c"]], _TEXTS, ({"eq": "a"}, {"isin": ["a", "b"]}, {"gt": "a"})),
    (bool, st.booleans(), ({"eq": True}, {"isin": [True]})),
    (pl.Binary, st.binary(max_size=2), ({"eq": b"a"},)),
    (pl.Date, st.sampled_from([NOON.date(), dt.date.min, dt.date.max]), ({"ge": NOON.date()},)),
    (pl.Time, st.sampled_from([dt.time(0), dt.time(5, 0, 0, 1)]), ({"gt": dt.time(1)},)),
    (pl.Datetime, _MOMENTS, _CHECKS_OF_MOMENTS),
    (Annotated[pl.Datetime, "ms", None], _MOMENTS, _CHECKS_OF_MOMENTS),
    (Annotated[pl.Datetime, "ns", "UTC"], st.just(AWARE), ({"le": AWARE},)),
    (Annotated[pl.Datetime, "us", "America/New_York"], st.just(AWARE), ({"le": AWARE}, {"lt": AWARE})),
    (Annotated[pl.Decimal, 5, 2], st.sampled_from(list(map(Decimal, ["1.5", "0", "-0.55", "999.99"]))), ({"ge": 0},)),
    (pl.List(pl.Int64), st.lists(st.none() | st.integers(0, 2), max_size=2), ()),
    (pl.Struct({"a": pl.Int64}), st.none() | st.fixed_dictionaries({"a": st.none() | st.integers(0, 2)}), ()),
)


def _each(cls: type, value: Any) -> bool:
    return bool(value != 1)


def _column(cls: type, data: Any) -> Any:
    return data.lazyframe.select(pl.col(data.key).is_not_null())


def _whole(cls: type, data: Any) -> Any:
    return data.lazyframe.select(pl.len() > 2)


def _rows(cls: type, data: Any) -> Any:
    return data.lazyframe.select(pl.col("n") > 0)


def _raises(cls: type, data: Any) -> Any:
    raise ValueError("no")


METHODS: dict[str, Any] = {
    "each": lambda: pandera.check("n", element_wise=True)(_each),
    "column": lambda: pandera.check("x")(_column),
    "whole": lambda: pandera.dataframe_check(_whole),
    "rows": lambda: pandera.dataframe_check(_rows),
    "raises": lambda: pandera.check("n")(_raises),
    # It is not the check whose name it has.
    "isin": lambda: pandera.check("n", name="isin")(_column),
}


@st.composite
def models(draw: st.DrawFn, kind: int) -> Any:
    """Return a model of the columns `x` and `n`."""
    annotation, values, checks = _KINDS[kind]
    rules = dict(draw(st.sampled_from([{}, *checks])))
    flags: dict[str, Any] = {name: draw(st.booleans()) for name in ("nullable", "coerce")}
    if draw(st.sampled_from([False, False, False, True])):
        rules["unique"] = True
    if kind < 6 and draw(st.sampled_from([False, False, False, True])):
        rules["default"] = draw(values.filter(lambda value: value == value))
    config = {
        "strict": draw(st.sampled_from([False, False, True, "filter"])),
        "coerce": draw(st.booleans()),
        "ordered": draw(st.booleans()),
        "add_missing_columns": draw(st.booleans()),
        "drop_invalid_rows": draw(st.booleans()),
    }
    if draw(st.sampled_from([False, False, True])):
        config["unique"] = draw(st.sampled_from([["n"], ["n", "x"]] if kind < len(_KINDS) - 2 else [["n"]]))
    methods = draw(st.lists(st.sampled_from(sorted(METHODS)), max_size=1)) if draw(st.booleans()) else []
    body: dict[str, Any] = {name: METHODS[name]() for name in methods}
    optional = annotation in (int, float, str, bool) and draw(st.booleans())
    others: list[dict[str, Any]] = [{}, {"ge": 0}, {"nullable": True}, {"in_range": {"min_value": 0, "max_value": 4}}]
    return type(
        "Model",
        (pandera.DataFrameModel,),
        {
            "__module__": __name__,
            "__annotations__": {"x": annotation | None if optional else annotation, "n": int},
            "x": pandera.Field(**rules, **flags),
            "n": pandera.Field(**draw(st.sampled_from(others))),
            "Config": type("Config", (), config),
            **body,
        },
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[Any, Batch]:
    """Return a model and a batch of mostly valid values, as dicts or as Arrow."""
    kind = draw(st.integers(0, len(_KINDS) - 1))
    values = _KINDS[kind][1]
    odd = draw(st.sampled_from([st.nothing(), st.nothing(), st.none(), st.none() | _TEXTS | _INTS | _FLOATS]))
    cells = draw(st.lists(values | odd, min_size=1, max_size=ROWS))
    numbers = draw(st.sampled_from([st.integers(0, 4), st.integers(-1, 99) | st.none()]))
    repeats = draw(st.booleans())
    rows: list[dict[str, object]] = [
        {"x": cell, "n": draw(numbers) if repeats else position} for position, cell in enumerate(cells)
    ]
    for name in draw(st.sampled_from([(), (), (), ("x",), ("n",)])):
        rows = [{other: value for other, value in row.items() if other != name} for row in rows]
    if draw(st.sampled_from([False, False, True])):
        rows = [{**row, "more": 1} for row in rows]
    model = draw(models(kind))
    if not draw(st.booleans()):
        return model, rows
    try:
        table = pa.Table.from_pylist(rows)
    except (pa.ArrowException, OverflowError):
        return model, rows
    return model, draw(st.sampled_from([table, pa.concat_tables([table, table]).slice(len(table) // 2)]))


def outcome(model: Any, batch: Batch, key: tuple[str, ...], *, masked: bool) -> Any:
    validator = PanderaValidator(declared_schema(model), key)
    if not masked:
        validator._mask = None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = validator.validate(batch)
        except (MissingColumnError, RowsRefusedError) as error:
            return type(error), str(error)
        except (pl.exceptions.PanicException, pl.exceptions.PolarsError) as error:
            # pandera cannot describe the failure: of a row that has bytes, for example.
            return type(error)
    refused = [(row.rule, row.field, row.message, repr(row.row), row.position) for row in result.refused]
    result.good.validate(full=True)
    warned = [str(warning.message) for warning in caught if "pandera" in type(warning.message).__module__]
    # The representation tells NaN from null, and -0.0 from 0.0.
    return repr(result.good.to_pylist()), refused, result.dropped_fields, result.good.schema, warned


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(cases(), st.sampled_from([(), ("n",)]))
def test_the_mask_and_pandera_agree(case: tuple[Any, Batch], key: tuple[str, ...]) -> None:
    model, batch = case
    found, expected = (outcome(model, batch, key, masked=masked) for masked in (True, False))
    assert found == expected
