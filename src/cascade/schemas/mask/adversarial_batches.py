"""Batches of values that the mask and pydantic could read differently."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from cascade.schemas.mask.adversarial_models import NEW_YORK, NOON, Code, Colour, Level, Name

UTC = dt.UTC

_INTS = (
    st.integers(-3, 12)
    | st.integers()
    | st.sampled_from(
        [sign * 2**power + more for power in (8, 31, 32, 53, 62, 63, 64, 70) for sign in (1, -1) for more in (-1, 0, 1)]
    )
)
_FLOATS = (
    st.floats()
    | st.floats(-10, 10, width=16)
    | st.integers(-5, 5).map(float)
    | st.sampled_from(
        [0.0, -0.0, float("nan"), float("inf"), -float("inf"), 2.0**53, 2.0**63, -(2.0**63), 1e300, 5e-324]
    )
)
TEXTS = (
    *(
        "",
        " ",
        "a",
        "b",
        "b\n",
        "r",
        "R",
        "1",
        "0",
        "-0",
        "00",
        "+1",
        "1_0",
        " 1",
        "1 ",
        "1.0",
        "-0.0",
        "1e3",
        "1.",
        ".5",
    ),
    *(
        "nan",
        "inf",
        "-Infinity",
        "true",
        "True",
        "TRUE",
        "tRue",
        "yes",
        "Yes",
        "off",
        "OFF",
        "t",
        "T",
        "n",
        "\u017f",
        "\u212a",
        "K",
        "k",
        "é",
        "e\u0301",
    ),
    *(
        "İ",
        "ß",
        "\u1e9e",
        "Σ",
        "\u0660",
        "\U0001d7d9",
        "a\u2028c",
        "a\nc",
        "abc",
        "\u00a0a\u00a0",
        "\u200ba",
        "\x1fa\x1f",
    ),
    *("2013-01-01", "2013-02-29", "2012-02-29", "0000-01-01", "0001-01-01", "9999-12-31", "2013-1-1", "20130101"),
    *("2013-01-01T05:00:00Z", "2013-01-01 12:00:00.000001+00:00", "2013-01-01T24:00:00Z", "2013-01-01T23:59:60Z"),
    *("2013-01-01T05:00:00", "2013-01-01T05:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-12:00"),
    *(
        "2013-01-01T05:00:00-00:00",
        "2013-01-01t05:00:00z",
        "2013-01-01T05:00:00,5Z",
        "2013-01-01T05:00:00.1234567Z",
    ),
    *("00000000-0000-0000-0000-000000000001", "{00000000-0000-4000-8000-000000000001}", "05:00:00", "1356998400"),
    *(
        "12.345",
        "99999.99",
        "-0.55",
        "0.5",
        "0.00",
        "123456789012345678",
        "1234567890123456789",
        "9" * 38,
        "9" * 39,
    ),
    *("a\x00", "x" * 40, "\U0001f600" * 3),
)
_LOOKS = st.sampled_from(TEXTS)
_CLOCK = r"([01]\d|2[0-9]):[0-6]\d:[0-6]\d(\.\d{1,7})?"
_TEXTS = (
    _LOOKS
    | st.text(max_size=4)
    | st.from_regex(r"\A-?\d{1,19}(\.\d{0,6})?\Z".replace(r"\d", "[0-9]"))
    | st.from_regex(rf"\A\d{{4}}-[01]\d-[0-3]\d[T ]{_CLOCK}(Z|[+-][012]\d:[0-6]\d)?\Z".replace(r"\d", "[0-9]"))
    | st.from_regex(r"\A[0-9]{4}-[01][0-9]-[0-3][0-9]\Z")
    | st.uuids().map(str)
)
_DECIMALS = (
    st.decimals(allow_nan=True, allow_infinity=True)
    | st.decimals(-100, 100, places=2)
    | st.integers(-(10**38), 10**38).map(Decimal)
    | st.sampled_from(
        list(map(Decimal, ["0", "-0", "0.00", "1.0000", "1E+2", "0E+5", "1E-10", "99.99", "-0.55", "7", "9E37"]))
    )
)
_DATETIMES = st.datetimes(
    timezones=st.sampled_from([None, UTC, NEW_YORK, dt.timezone(dt.timedelta(hours=-12, seconds=1))])
) | st.sampled_from(
    [
        *(
            dt.datetime.min,
            dt.datetime.max,
            dt.datetime.max.replace(tzinfo=UTC),
            dt.datetime.min.replace(tzinfo=NEW_YORK),
        ),
        *(dt.datetime.max.replace(tzinfo=NEW_YORK), dt.datetime(2013, 11, 3, 1, 30, fold=1, tzinfo=NEW_YORK), NOON),
    ]
)
_DAYS = st.dates() | st.sampled_from([dt.date(2000, 1, 1), dt.date.min, dt.date.max])
PYTHON: tuple[st.SearchStrategy[Any], ...] = (
    *(
        _INTS,
        _FLOATS,
        _INTS | _FLOATS,
        _TEXTS,
        st.booleans(),
        st.binary(max_size=3) | st.binary(min_size=16, max_size=16),
    ),
    *(_DECIMALS, _DECIMALS | _INTS, _DAYS, _DATETIMES, st.times(timezones=st.sampled_from([None, UTC])), st.uuids()),
    *(_DATETIMES.filter(lambda moment: moment.tzinfo is UTC), _DATETIMES.filter(lambda moment: moment.tzinfo is None)),
    *(st.sampled_from([*Colour, *Name, *Level, *Code]), st.sampled_from(list(Colour)), st.sampled_from(list(Name))),
    st.lists(_INTS, max_size=2) | st.fixed_dictionaries({"a": _INTS}),
    st.sampled_from(["\ud800", "ok"]),
)
_EDGES = [day * 86_400 for day in (-719_162, -719_163, 2_932_896, 2_932_897, 0, 15_706)]


def _moments(unit: str, zone: str | None) -> tuple[pa.DataType, st.SearchStrategy[Any]]:
    per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    near = st.builds(lambda edge, more: edge * per_second + more, st.sampled_from(_EDGES), st.integers(-3, 3))
    whole = st.integers(-(2**63), 2**63 - 1) | near.filter(lambda value: -(2**63) <= value < 2**63)
    return pa.timestamp(unit, zone), whole | st.integers(1_300_000_000, 1_500_000_000).map(lambda s: s * per_second)


def _bits(width: int, signed: bool = True) -> st.SearchStrategy[int]:
    low, high = (-(2 ** (width - 1)), 2 ** (width - 1) - 1) if signed else (0, 2**width - 1)
    return st.integers(low, high) | st.integers(max(low, -3), 12) | st.sampled_from([low, high])


def _decimals(precision: int, scale: int) -> tuple[pa.DataType, st.SearchStrategy[Any]]:
    units = st.integers(-(10**precision) + 1, 10**precision - 1) | st.integers(-60, 60).map(lambda n: n % 10**precision)
    return pa.decimal128(precision, scale), units.map(lambda n: Decimal((n < 0, tuple(map(int, str(abs(n)))), -scale)))


_VALID_TEXTS = _TEXTS.filter(lambda text: "\ud800" not in text)
ARROW: tuple[tuple[pa.DataType, st.SearchStrategy[Any]], ...] = (
    *((pa.int8(), _bits(8)), (pa.int64(), _bits(64)), (pa.uint32(), _bits(32, False)), (pa.uint64(), _bits(64, False))),
    *(
        (pa.float32(), st.floats(width=32) | st.integers(-5, 5).map(float)),
        (pa.float64(), _FLOATS),
        (pa.bool_(), st.booleans()),
    ),
    *((pa.float16(), st.floats(width=16)), (pa.string(), _VALID_TEXTS), (pa.large_string(), _VALID_TEXTS)),
    *((pa.string_view(), _VALID_TEXTS), (pa.dictionary(pa.int32(), pa.string()), _VALID_TEXTS), (pa.null(), st.none())),
    *((pa.binary(), st.binary(max_size=3)), (pa.binary(16), st.binary(min_size=16, max_size=16))),
    *((pa.date32(), st.integers(-(2**31), 2**31 - 1) | st.integers(-719_165, -719_160) | st.integers(10_900, 16_000)),),
    *(_moments("us", None), _moments("us", "UTC"), _moments("ns", None), _moments("ns", "UTC"), _moments("ms", "UTC")),
    *(
        _moments("s", "America/New_York"),
        _moments("us", "America/New_York"),
        _moments("us", "+05:30"),
        _moments("s", None),
    ),
    *(_decimals(5, 2), _decimals(3, 1), _decimals(38, 10), _decimals(2, 2), _decimals(38, 38), _decimals(4, 0)),
    *(
        (pa.time64("us"), st.integers(-1, 86_400_000_001)),
        (pa.time32("s"), st.integers(0, 86_399)),
        (pa.time64("ns"), st.integers(0, 86_399_999_999_999)),
    ),
    (pa.uuid(), st.uuids()),
)


def column(arrow: pa.DataType, values: Sequence[Any]) -> pa.Array:
    """Build an Arrow array, of times from the numbers that Arrow stores."""
    if arrow == pa.uuid():
        return pa.array([None if value is None else value.bytes for value in values], pa.binary(16)).cast(arrow)
    if pa.types.is_dictionary(arrow):
        return pa.array(values, pa.string()).dictionary_encode()
    width = 32 if pa.types.is_date32(arrow) or pa.types.is_time32(arrow) else 64
    if pa.types.is_temporal(arrow):
        return pa.array(values, pa.int32() if width == 32 else pa.int64()).view(arrow)
    return pa.array(values, arrow)


@st.composite
def batches(draw: st.DrawFn, rows: int) -> list[dict[str, Any]] | pa.Table:
    """Return up to `rows` rows of the fields `x` or `X` and `n`, as dicts or as Arrow."""
    count = draw(st.integers(1, rows))
    extra = draw(st.sampled_from(["", "n", "n", "ny"]))
    name = draw(st.sampled_from("xxX"))
    nulls = draw(st.booleans())
    if draw(st.booleans()):
        arrow, values = draw(st.sampled_from(ARROW))
        strategy = values | st.none() if nulls else values
        found = {name: column(arrow, draw(st.lists(strategy, min_size=count, max_size=count)))}
        if "n" in extra:
            found["n"] = pa.array(draw(st.lists(_bits(16), min_size=count, max_size=count)), pa.int32())
        if "y" in extra:
            found["y"] = pa.array([[1]] * count)
        table = pa.table(found)
        first = draw(st.integers(-1, count))
        return table if first < 0 else pa.concat_tables([table, table]).slice(first)
    values = draw(st.sampled_from(PYTHON))
    odd = draw(st.sampled_from([st.nothing(), st.nothing(), st.one_of(*PYTHON)]))
    cells = draw(st.lists(values | odd | st.none() if nulls else values | odd, min_size=count, max_size=count))
    made = [{name: cell, **({"n": 3} if extra else {}), **({"y": [1]} if "y" in extra else {})} for cell in cells]
    if draw(st.booleans()):
        for position in draw(st.lists(st.integers(0, count - 1), max_size=3)):
            made[position].pop(name, None)
    return made
