"""Rows that need no judgement are cleared by the mask alone, and everything else goes to pydantic."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, Self
from uuid import UUID

import pyarrow as pa
import pytest
from pydantic import (
    AfterValidator,
    AliasChoices,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    NaiveDatetime,
    create_model,
    field_validator,
    model_validator,
)

from cascade.schemas import declared_schema, validate_pydantic, validator_for
from cascade.schemas.mask.compile import compile_mask
from cascade.schemas.pydantic_rows import RowValidator

UTC = dt.UTC


class Colour(Enum):
    RED = "r"


@pytest.fixture
def decided(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the rows that the whole model decides, with a mask for batches of any size."""
    monkeypatch.setattr(validate_pydantic, "_WORTH_A_MASK", 0)
    monkeypatch.setattr(validate_pydantic, "_WORTH_LOADING_POLARS", 0)
    rows: list[Any] = []
    decide: Callable[..., Any] = RowValidator.decide

    def recorded(self: RowValidator, row: Any, absent: Any) -> Any:
        rows.append(row)
        return decide(self, row, absent)

    monkeypatch.setattr(RowValidator, "decide", recorded)
    return rows


MONEY = Annotated[Decimal, Field(max_digits=9, decimal_places=2, ge=0)]
MOMENT = dt.datetime(2013, 1, 1, 5, 0, 0, 250_000, tzinfo=UTC)
IDENTIFIER = UUID("00000000-0000-4000-8000-0000000000ff")
CASES: list[tuple[Any, Any, Any]] = [
    (Annotated[int, Field(gt=0, le=9, multiple_of=3)], [3, 9], [3, 9]),
    (int, ["-12", "0"], [-12, 0]),
    (int, [3.0, -0.0], [3, 0]),
    (Annotated[float, Field(ge=0)], [0.5, float("inf")], [0.5, float("inf")]),
    (float, [1, 2.5], [1.0, 2.5]),
    (float, ["-1.5", "2"], [-1.5, 2.0]),
    (bool, ["yes", "F"], [True, False]),
    (bool, ["True", "T", "YES", "On", "False", "OFF"], [True, True, True, True, False, False]),
    (bool, [1, 0], [True, False]),
    (Annotated[str, Field(min_length=1, max_length=2, pattern=r"^\w+$")], ["a", "b1"], ["a", "b1"]),
    (Annotated[bytes, Field(max_length=2)], [b"", b"ab"], [b"", b"ab"]),
    (Literal["a", "b"], ["a", "b"], ["a", "b"]),
    (Literal[1, 2], [1, 2], [1, 2]),
    (Colour, ["r", "r"], ["r", "r"]),
    (dt.date, [dt.date(2013, 1, 1)], [dt.date(2013, 1, 1)]),
    (dt.date, ["2012-02-29"], [dt.date(2012, 2, 29)]),
    (dt.time, [dt.time(5, 0, 0, 1)], [dt.time(5, 0, 0, 1)]),
    (AwareDatetime, [MOMENT], [MOMENT]),
    (AwareDatetime, ["2013-01-01T05:00:00.25Z", "2013-01-01 00:00:00.25-05:00"], [MOMENT, MOMENT]),
    (NaiveDatetime, ["2013-01-01T05:00:00.25"], [MOMENT.replace(tzinfo=None)]),
    (MONEY, [Decimal("1.50")], [Decimal("1.50")]),
    (MONEY, ["1.5", "9999999.99"], [Decimal("1.50"), Decimal("9999999.99")]),
    (MONEY, [3], [Decimal("3.00")]),
    (UUID, [str(IDENTIFIER)], [IDENTIFIER]),
]


@pytest.mark.parametrize("as_arrow", [True, False])
@pytest.mark.parametrize(("annotation", "given", "landed"), CASES)
def test_ordinary_values_need_no_pydantic(
    decided: list[Any], annotation: Any, given: list[Any], landed: list[Any], as_arrow: bool
) -> None:
    model = create_model("Model", x=(annotation | None if annotation is not Colour else Colour | None, None))
    batch: Any = pa.table({"x": [*given, None]}) if as_arrow else [{"x": value} for value in [*given, None]]
    result = validator_for(model, unique_key=()).validate(batch)
    assert result.good["x"].to_pylist() == [*landed, None]
    assert decided == []


@pytest.mark.parametrize("strict", [True, False])
def test_dicts_of_types_that_arrow_lacks_need_no_pydantic(decided: list[Any], strict: bool) -> None:
    class Model(BaseModel):
        model_config = ConfigDict(strict=strict)
        colour: Colour
        uid: UUID
        note: str = "none"

    rows: list[dict[str, object]] = [
        {"colour": Colour.RED, "uid": IDENTIFIER, "note": "a"},
        {"colour": Colour.RED, "uid": IDENTIFIER},
    ]
    result = validator_for(Model, unique_key=()).validate(rows)
    assert result.good.to_pylist() == [
        {"colour": "r", "uid": IDENTIFIER, "note": "a"},
        {"colour": "r", "uid": IDENTIFIER, "note": "none"},
    ]
    assert decided == []


def test_only_the_rows_that_the_mask_cannot_clear_go_to_pydantic(decided: list[Any]) -> None:
    class Model(BaseModel):
        id: int = Field(gt=0)
        x: float = Field(le=10)

    rows: list[dict[str, object]] = [{"id": n, "x": float(n)} for n in range(1, 6)]
    rows[1]["id"] = 0
    rows[2]["x"] = float("nan")
    rows[4]["id"] = "+5"
    result = validator_for(Model, unique_key=("id",)).validate(rows)
    assert decided == [rows[1], rows[2], rows[4]]
    assert result.good.to_pylist() == [{"id": 1, "x": 1.0}, {"id": 4, "x": 4.0}, {"id": 5, "x": 5.0}]
    assert [(row.rule, row.position) for row in result.refused] == [("greater_than", 1), ("less_than_equal", 2)]


def test_only_the_fields_that_the_mask_cannot_express_fall_back(decided: list[Any]) -> None:
    seen: list[object] = []

    def remember(value: str) -> str:
        if value in seen:
            raise ValueError("seen before")
        seen.append(value)
        return value.upper()

    class Inner(BaseModel):
        a: int

    class Model(BaseModel):
        id: int
        name: Annotated[str, AfterValidator(remember)]
        other: str = Field(validation_alias=AliasChoices("o1", "o2"))
        inner: Inner

    rows: list[dict[str, object]] = [
        {"id": 1, "name": "a", "o1": "x", "inner": {"a": 1}},
        {"id": 2, "name": "b", "o2": "y", "inner": {"a": "2"}},
        {"id": 3, "name": "a", "o2": "y", "inner": {"a": 3}},
        {"id": "x", "name": "c", "o2": "y", "inner": {"a": 3}},
    ]
    result = validator_for(Model, unique_key=()).validate(rows)
    assert result.good.to_pylist() == [
        {"id": 1, "name": "A", "other": "x", "inner": {"a": 1}},
        {"id": 2, "name": "B", "other": "y", "inner": {"a": 2}},
    ]
    assert [(row.rule, row.field) for row in result.refused] == [("value_error", "name"), ("int_parsing", "id")]
    assert decided == rows[3:]


def test_a_field_validator_sees_the_rows_in_their_order(decided: list[Any]) -> None:
    seen: list[int] = []

    class Model(BaseModel):
        id: int = Field(lt=100)
        n: int

        @field_validator("n")
        @classmethod
        def remember(cls, value: int) -> int:
            seen.append(value)
            return value

    rows: list[dict[str, object]] = [{"id": "+1" if n % 3 else n, "n": n} for n in range(10)]
    assert validator_for(Model, unique_key=()).validate(rows).good.num_rows == 10
    assert seen == list(range(10))


def test_a_validator_with_a_memory_is_called_once_for_each_row(decided: list[Any]) -> None:
    seen: list[str] = []

    class Model(BaseModel):
        id: int
        name: str
        tags: list[int]

        @field_validator("name")
        @classmethod
        def new(cls, value: str) -> str:
            assert value not in seen, "seen before"
            seen.append(value)
            return value

    rows: list[dict[str, object]] = [
        {"id": 1, "name": "a", "tags": ["x"]},
        {"id": 2, "name": "a", "tags": [1]},
        {"id": 3},
    ]
    result = validator_for(Model, unique_key=()).validate(rows)
    reasons = [(row.rule, row.field, row.message) for row in result.refused]
    assert [reason[:2] for reason in reasons] == [
        ("int_parsing", "tags.0"),
        ("assertion_error", "name"),
        ("missing", "name"),
    ]
    assert reasons[2][2] == "name: Field required; tags: Field required"
    assert decided == []


def test_more_text_than_an_array_holds_is_left_to_pydantic(decided: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def overflow(*arguments: object) -> None:
        raise pa.ArrowCapacityError("array cannot contain more than 2147483646 bytes")

    monkeypatch.setattr("cascade.schemas.mask.clear._combined", overflow)
    model = create_model("Model", x=(str, ...))
    assert validator_for(model, unique_key=()).validate(pa.table({"x": ["a"]})).good.num_rows == 1
    assert len(decided) == 1


def test_a_dropped_column_that_python_cannot_represent_refuses_no_row(decided: list[Any]) -> None:
    class Model(BaseModel):
        id: int = Field(gt=1)

    far = pa.array([2**60, 2**60], pa.timestamp("us"))
    result = validator_for(Model, unique_key=()).validate(pa.table({"id": [1, 2], "unread": far}))
    assert result.good.to_pylist() == [{"id": 2}]
    assert [row.rule for row in result.refused] == ["greater_than"]


def test_text_that_is_not_unicode_is_left_to_pydantic(decided: list[Any]) -> None:
    class Model(BaseModel):
        name: str = Field(min_length=1)

    broken = pa.Array.from_buffers(
        pa.string(), 2, [None, pa.py_buffer(b"\0\0\0\0\1\0\0\0\3\0\0\0"), pa.py_buffer(b"a\xff\xfe")]
    )
    result = validator_for(Model, unique_key=()).validate(pa.table({"name": broken}))
    assert result.good.to_pylist() == [{"name": "a"}]
    assert [row.rule for row in result.refused] == ["unreadable_value"]


def test_a_rule_of_the_whole_row_leaves_every_row_to_pydantic() -> None:
    class Ordered(BaseModel):
        low: int
        high: int

        @model_validator(mode="after")
        def ordered(self) -> Self:
            assert self.low <= self.high
            return self

    class Related(BaseModel):
        low: int
        high: int

        @field_validator("high")
        @classmethod
        def above(cls, value: int, info: Any) -> int:
            assert value >= info.data["low"]
            return value

    class Initialized(BaseModel):
        low: int

        def __init__(self, **values: Any) -> None:
            super().__init__(**values)

    class WithState(BaseModel):
        low: int
        _seen: int = 0

    for model in (Ordered, Related, Initialized, WithState):
        assert compile_mask(model, declared_schema(model).columns) is None


def test_small_batches_are_not_worth_a_mask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validate_pydantic, "compile_mask", None)
    model = create_model("Model", x=(int, ...))
    assert validator_for(model, unique_key=()).validate([{"x": 1}] * 100).good.num_rows == 100


@pytest.mark.parametrize("as_arrow", [True, False])
def test_without_rules_a_column_still_refuses_times_of_the_other_kind(decided: list[Any], as_arrow: bool) -> None:
    class Model(BaseModel):
        local: NaiveDatetime
        at: AwareDatetime

    naive = MOMENT.replace(tzinfo=None)
    rows: list[dict[str, object]] = [{"local": naive, "at": MOMENT}] * 2
    validator = validator_for(Model, unique_key=(), validate=False)
    assert validator.validate(pa.Table.from_pylist(rows) if as_arrow else rows).good.to_pylist() == rows
    assert decided == []
    for given, rule in ((MOMENT, "timezone_naive"), (naive, "timezone_aware")):
        rows = [{"local": given, "at": given}]
        result = validator.validate(pa.Table.from_pylist(rows) if as_arrow else rows)
        assert [row.rule for row in result.refused] == [rule]
