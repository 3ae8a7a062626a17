"""Validation by pydantic models: exactly pydantic's judgement, the refusals on top of it, and what lands."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, Self
from uuid import UUID

import pyarrow as pa
import pydantic
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import (
    AfterValidator,
    AliasChoices,
    AliasPath,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    HttpUrl,
    NaiveDatetime,
    Strict,
    field_validator,
    model_validator,
)

from cascade.exceptions import MissingColumnError
from cascade.schemas import RefusedRow, ValidationResult, declared_schema, validator_for

UTC = dt.UTC


class Colour(Enum):
    RED = "r"
    BLUE = "b"


class Wind(BaseModel):
    speed: float = Field(alias="wind speed", ge=0)
    gust: float | None = None


class Observation(BaseModel):
    id: int = Field(gt=0)
    station: str = Field(alias="stationId", max_length=4)
    seen: dt.datetime
    celsius: float | None = None
    kind: Literal["a", "b"] = "a"
    wind: Wind | None = None
    tags: list[str] = []


def judge(schema: type, *rows: dict[str, object], key: tuple[str, ...] = (), validate: bool = True) -> ValidationResult:
    return validator_for(schema, unique_key=key, validate=validate).validate(list(rows))


def row(**changes: object) -> dict[str, object]:
    return {"id": 1, "stationId": "KJFK", "seen": "2013-01-01T05:00:00Z", **changes}


def one_refused(schema: type, given: dict[str, object], **options: Any) -> RefusedRow:
    result = judge(schema, given, **options)
    assert result.good.num_rows == 0
    [refused] = result.refused
    return refused


def test_the_validated_values_land_under_the_names_of_the_fields() -> None:
    wind = {"wind speed": "3.5"}
    result = judge(Observation, row(id="7", celsius=1, wind=wind, tags=("x",), seen="2013-01-01T00:00:00-05:00"))
    assert result.refused == ()
    assert result.good.schema.equals(declared_schema(Observation).arrow, check_metadata=True)
    assert result.good.to_pylist() == [
        {
            "id": 7,
            "station": "KJFK",
            "seen": dt.datetime(2013, 1, 1, 5, tzinfo=UTC),
            "celsius": 1.0,
            "kind": "a",
            "wind": {"speed": 3.5, "gust": None},
            "tags": ["x"],
        }
    ]


def test_a_bad_row_leaves_its_neighbours_and_their_order_alone() -> None:
    result = judge(Observation, row(id=1), row(id=-1), row(id=3), row(id="x"), row(id=5))
    assert result.good["id"].to_pylist() == [1, 3, 5]
    assert [(refused.rule, refused.field, refused.row["id"]) for refused in result.refused] == [
        ("greater_than", "id", -1),
        ("int_parsing", "id", "x"),
    ]


def test_the_refused_row_is_the_source_row_and_tells_every_reason() -> None:
    given = row(id=0, stationId="TOOLONG", wind={"wind speed": -1}, extra=object())
    refused = one_refused(Observation, given)
    assert refused.row is given
    assert (refused.rule, refused.field) == ("greater_than", "id")
    assert refused.message == (
        "id: Input should be greater than 0; stationId: String should have at most 4 characters; "
        "wind.wind speed: Input should be greater than or equal to 0"
    )


def test_a_single_reason_is_told_in_pydantics_words() -> None:
    assert one_refused(Observation, row(id=0)).message == "Input should be greater than 0"


def test_fields_that_the_model_lacks_are_dropped_and_named_once() -> None:
    result = judge(Observation, row(b=1), row(a=1, b=2))
    assert result.good.num_rows == 2
    assert result.dropped_fields == ("b", "a")


def test_a_field_that_is_excluded_from_the_table_is_not_called_dropped() -> None:
    class Model(BaseModel):
        id: int
        raw: dict[str, int] = Field(exclude=True, alias="RAW")

    result = judge(Model, {"id": 1, "RAW": {"a": 1}}, {"id": 2, "RAW": 5})
    assert result.good.to_pylist() == [{"id": 1}]
    assert result.dropped_fields == ()
    assert result.refused[0].rule == "dict_type"


def test_a_model_that_forbids_other_fields_refuses_their_rows() -> None:
    class Model(BaseModel):
        model_config = ConfigDict(extra="forbid")
        id: int

    result = judge(Model, {"id": 1}, {"id": 2, "x": 1})
    assert result.good.to_pylist() == [{"id": 1}]
    assert (result.refused[0].rule, result.refused[0].field) == ("extra_forbidden", "x")
    assert result.dropped_fields == ()


def test_fields_that_a_model_allows_beside_its_own_are_dropped_too() -> None:
    class Model(BaseModel):
        model_config = ConfigDict(extra="allow")
        id: int

    result = judge(Model, {"id": 1, "x": 2})
    assert result.good.to_pylist() == [{"id": 1}]
    assert result.dropped_fields == ("x",)


def test_aliases_choices_and_paths_are_read_as_pydantic_reads_them() -> None:
    class Model(BaseModel):
        a: int = Field(validation_alias=AliasChoices("x", "y"))
        b: int = Field(validation_alias=AliasPath("deep", "er", 0))

    result = judge(Model, {"x": 1, "deep": {"er": [5]}}, {"y": 2, "deep": {"er": [6]}, "a": 9})
    assert result.good.to_pylist() == [{"a": 1, "b": 5}, {"a": 2, "b": 6}]
    assert result.dropped_fields == ("a",)


def test_no_rows_give_an_empty_table_of_the_schema() -> None:
    declared = declared_schema(Observation)
    batches: list[Any] = [[], pa.table({"id": pa.array([], pa.int64())})]
    for batch in batches:
        result = validator_for(Observation, unique_key=("id",)).validate(batch)
        assert result.good.schema.equals(declared.arrow, check_metadata=True)
        assert (result.good.num_rows, result.refused) == (0, ())


def test_a_batch_whose_rows_are_all_refused_gives_an_empty_table() -> None:
    assert judge(Observation, row(id=0)).good.schema == declared_schema(Observation).arrow


# Keys


def test_a_null_key_is_a_refused_row() -> None:
    refused = one_refused(Observation, row(stationId=None), key=("id", "station"))
    assert (refused.rule, refused.field) == ("unique_key", "stationId")
    assert refused.message == "A field of the unique key is null"


def test_a_key_that_a_validator_makes_null_is_a_refused_row() -> None:
    class Model(BaseModel):
        id: Annotated[int, AfterValidator(lambda value: value or None)]

    result = judge(Model, {"id": 0}, {"id": 1}, key=("id",))
    assert result.good.to_pylist() == [{"id": 1}]
    assert result.refused[0].rule == "unique_key"


def test_a_key_that_is_wrong_otherwise_keeps_pydantics_rule() -> None:
    assert one_refused(Observation, row(id="x"), key=("id",)).rule == "int_parsing"


# Absent columns


def test_a_required_field_that_no_row_has_is_an_error() -> None:
    with pytest.raises(MissingColumnError) as caught:
        judge(Observation, *({"id": 1, "station_id": "KJFK", "seen": "2013-01-01T05:00:00Z"},) * 3)
    assert str(caught.value).endswith(
        'Observation requires the field "stationId", for column station, and no row of the batch has it. '
        'The nearest field of the source is "station_id".\n'
        'Either rename it in the workflow, or read it by an alias: Field(validation_alias="station_id").'
    )


def test_a_required_field_that_some_rows_lack_refuses_those() -> None:
    result = judge(Observation, row(), {"id": 2, "seen": "2013-01-01T05:00:00Z"})
    assert result.good.num_rows == 1
    assert result.refused[0].rule == "missing"


def test_a_required_field_that_a_validator_provides_may_be_absent() -> None:
    class Model(BaseModel):
        id: int
        double: int

        @model_validator(mode="before")
        @classmethod
        def fill(cls, data: Any) -> Any:
            return {**data, "double": data["id"] * 2}

    assert judge(Model, {"id": 2}).good.to_pylist() == [{"id": 2, "double": 4}]


def test_rows_without_any_field_are_an_error() -> None:
    with pytest.raises(MissingColumnError, match="The source's rows have no fields at all"):
        judge(Observation, {}, {})


# Datetimes


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2013-01-01T05:00:00Z", dt.datetime(2013, 1, 1, 5, tzinfo=UTC)),
        ("2013-01-01T05:00:00.123456+01:00", dt.datetime(2013, 1, 1, 4, 0, 0, 123456, tzinfo=UTC)),
        (1357016400, dt.datetime(2013, 1, 1, 5, tzinfo=UTC)),
        (dt.datetime(2013, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=-5))), dt.datetime(2013, 1, 1, 5, tzinfo=UTC)),
    ],
)
@pytest.mark.parametrize("annotation", [dt.datetime, AwareDatetime])
def test_instants_are_written_in_utc(annotation: Any, given: object, expected: dt.datetime) -> None:
    model = pydantic.create_model("Model", at=(annotation, ...))
    assert judge(model, {"at": given}).good["at"].to_pylist() == [expected]


@pytest.mark.parametrize("annotation", [dt.datetime, AwareDatetime, pydantic.PastDatetime])
@pytest.mark.parametrize("given", ["2013-01-01T05:00:00", dt.datetime(2013, 1, 1), "2013-01-01"])
def test_a_naive_datetime_is_refused_where_an_instant_is_declared(annotation: Any, given: object) -> None:
    model = pydantic.create_model("Model", at=(annotation, ...))
    refused = one_refused(model, {"at": given})
    assert (refused.rule, refused.field, refused.message) == ("timezone_aware", "at", "Input should have timezone info")


def test_a_naive_datetime_has_its_own_type() -> None:
    class Model(BaseModel):
        at: NaiveDatetime

    result = judge(Model, {"at": "2013-01-01T05:00:00"}, {"at": "2013-01-01T05:00:00Z"})
    assert result.good["at"].to_pylist() == [dt.datetime(2013, 1, 1, 5)]
    assert result.refused[0].rule == "timezone_naive"


def test_a_naive_datetime_inside_a_nested_model_is_told_with_its_path() -> None:
    class Event(BaseModel):
        at: dt.datetime

    class Model(BaseModel):
        events: list[Event] = Field(alias="Events")

    refused = one_refused(Model, {"Events": [{"at": "2013-01-01T00:00:00Z"}, {"at": "2013-01-01T00:00:00"}]})
    assert (refused.rule, refused.field) == ("timezone_aware", "Events.1.at")


# What pydantic accepts and a column cannot hold


class Wide(BaseModel):
    n: int = 0
    money: Annotated[Decimal, Field(max_digits=5, decimal_places=2)] = Decimal(0)
    at: dt.datetime = dt.datetime(2013, 1, 1, tzinfo=UTC)
    clock: dt.time = dt.time(0)
    text: str = ""


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ({"n": 2**63}, "column_range"),
        ({"n": -(2**63) - 1}, "column_range"),
        ({"at": "9999-12-31T23:00:00-05:00"}, "column_range"),
        ({"at": "0001-01-01T00:00:00+05:00"}, "column_range"),
        ({"clock": "12:00:00Z"}, "timezone_naive"),
        ({"text": "\ud800"}, "string_unicode"),
        ({"money": "1234.5"}, "decimal_whole_digits"),
        ({"money": "1.234"}, "decimal_max_places"),
        ({"money": "NaN"}, "finite_number"),
    ],
)
def test_a_value_that_a_column_cannot_hold_refuses_its_row(given: dict[str, object], rule: str) -> None:
    result = judge(Wide, {}, given, {"n": 2**63 - 1})
    assert result.good["n"].to_pylist() == [0, 2**63 - 1]
    [refused] = result.refused
    assert refused.rule == rule
    assert refused.field == next(iter(given))


def test_nan_and_infinity_are_floating_numbers() -> None:
    class Model(BaseModel):
        x: float | None

    values = judge(Model, {"x": float("nan")}, {"x": "inf"}, {"x": None}).good["x"].to_pylist()
    assert math.isnan(values[0])
    assert values[1:] == [math.inf, None]


def test_nan_is_refused_where_the_model_says_so() -> None:
    class Model(BaseModel):
        x: float = Field(allow_inf_nan=False)
        n: int = 0

    result = judge(Model, {"x": float("nan")}, {"x": 1, "n": float("nan")})
    assert [refused.rule for refused in result.refused] == ["finite_number", "finite_number"]


# Validators


def test_validators_of_fields_and_of_the_model_are_obeyed() -> None:
    class Model(BaseModel):
        low: Annotated[int, BeforeValidator(lambda value: str(value).strip("<"))]
        high: int

        @field_validator("high")
        @classmethod
        def even(cls, value: int) -> int:
            if value % 2:
                raise AssertionError("high is odd")
            return value + 1

        @model_validator(mode="after")
        def ordered(self) -> Self:
            if self.low > self.high:
                raise ValueError("low is above high")
            self.low = -self.low
            return self

    result = judge(Model, {"low": "<1", "high": 2}, {"low": 9, "high": 2}, {"low": 1, "high": 3})
    assert result.good.to_pylist() == [{"low": -1, "high": 3}]
    assert [(r.rule, r.field, r.message) for r in result.refused] == [
        ("value_error", None, "Value error, low is above high"),
        ("assertion_error", "high", "Assertion failed, high is odd"),
    ]


def test_a_validator_that_breaks_refuses_its_row() -> None:
    class Model(BaseModel):
        a: Annotated[str, AfterValidator(lambda value: {"x": "y"}[value])]

    result = judge(Model, {"a": "x"}, {"a": "z"})
    assert result.good.to_pylist() == [{"a": "y"}]
    assert (result.refused[0].rule, result.refused[0].message) == ("validator_error", "KeyError: 'z'")


def test_a_validator_that_returns_another_type_refuses_its_row() -> None:
    class Model(BaseModel):
        a: Annotated[int, AfterValidator(lambda value: value / 2)]
        day: Annotated[dt.date, AfterValidator(lambda value: dt.datetime(2013, 1, 1, 5))] = dt.date(2013, 1, 1)

    result = judge(Model, {"a": 3})
    assert result.refused[0].rule == "column_type"
    assert result.refused[0].message == "The schema gave 1.5, a float, where the column needs an integer"
    assert judge(Model, {"a": 3, "day": "2013-01-01"}).refused[0].message.startswith("a: The schema gave 1.5")


def test_a_validator_that_returns_no_model_refuses_its_row() -> None:
    class Model(BaseModel):
        a: int

        @model_validator(mode="wrap")
        @classmethod
        def replace(cls, data: Any, handler: Any) -> Any:
            return handler(data) if data["a"] else data

    result = judge(Model, {"a": 1}, {"a": 0}, {"a": 2})
    assert result.good["a"].to_pylist() == [1, 2]
    assert (result.refused[0].rule, result.refused[0].row) == ("column_type", {"a": 0})
    assert result.refused[0].message == "A validator of Model returned a dict in place of the model"


def test_enums_urls_and_plain_enum_values_land_as_what_they_stand_for() -> None:
    class Model(BaseModel):
        colour: Colour
        link: HttpUrl

    class Plain(Model):
        model_config = ConfigDict(use_enum_values=True)

    for model in (Model, Plain):
        good = judge(model, {"colour": "r", "link": "https://example.org/x"}).good
        assert good.to_pylist() == [{"colour": "r", "link": "https://example.org/x"}]


def test_literals_of_members_and_values_land_as_values() -> None:
    class Model(BaseModel):
        mixed: Literal[Colour.RED, "other"]

    good = judge(Model, {"mixed": Colour.RED}, {"mixed": "other"}).good
    assert good["mixed"].to_pylist() == ["r", "other"]


def test_a_batch_of_many_steps_keeps_its_order_and_its_refusals() -> None:
    rows = [row(id=n % 1000) for n in range(10_000)]
    result = judge(Observation, *rows)
    assert result.good["id"].to_pylist() == [n % 1000 for n in range(10_000) if n % 1000]
    assert result.good["id"].num_chunks == 1
    assert [id(refused.row) for refused in result.refused] == [id(rows[n]) for n in range(0, 10_000, 1000)]


def test_a_field_that_only_a_later_step_has_is_not_absent() -> None:
    lacking: list[dict[str, object]] = [{"id": 1}] * 5000
    with pytest.raises(MissingColumnError):
        judge(Observation, *lacking)
    result = judge(Observation, *lacking, row())
    assert (result.good.num_rows, len(result.refused)) == (1, 5000)


@pytest.mark.filterwarnings("ignore:Field name")
def test_a_field_may_be_named_like_a_method_of_pydantic() -> None:
    class Inner(BaseModel):
        copy: int  # type: ignore[assignment]
        model_fields_x: int = Field(alias="x")

    class Model(BaseModel):
        json: int  # type: ignore[assignment]
        inner: Inner

    for validate in (True, False):
        result = judge(Model, {"json": 1, "inner": {"copy": 2, "x": 3}}, validate=validate)
        assert result.good.to_pylist() == [{"json": 1, "inner": {"copy": 2, "model_fields_x": 3}}]


def test_what_is_no_row_is_refused() -> None:
    result = validator_for(Observation, unique_key=()).validate([row(), 5])
    assert result.good.num_rows == 1
    assert (result.refused[0].rule, result.refused[0].row) == ("model_type", {"value": 5})


def test_a_batch_needs_no_neighbours() -> None:
    assert not validator_for(Observation, unique_key=("id",)).needs_whole_partition


# Arrow batches


class Typed(BaseModel):
    model_config = ConfigDict(strict=True)
    id: int
    colour: Colour = Colour.RED
    uid: UUID | None = None
    pair: tuple[Colour, ...] = ()
    at: dt.datetime = dt.datetime(2013, 1, 1, tzinfo=UTC)
    money: Annotated[Decimal, Field(max_digits=5, decimal_places=2)] = Decimal(0)


def test_an_arrow_batch_is_judged_like_its_rows() -> None:
    table = pa.table(
        {
            "id": pa.array([1, None, 3], pa.int32()),
            "stationId": pa.array(["KJFK", "KJFK", "TOOLONG"]).dictionary_encode(),
            "seen": pa.array([1999, 0, 0], pa.timestamp("ns", "America/New_York")),
            "extra": [1, 2, 3],
        }
    )
    result = validator_for(Observation, unique_key=("id",)).validate(table)
    assert result.good["id"].to_pylist() == [1]
    assert result.good["seen"].to_pylist() == [dt.datetime(1970, 1, 1, 0, 0, 0, 1, tzinfo=UTC)]
    assert [(r.rule, r.field) for r in result.refused] == [("unique_key", "id"), ("string_too_long", "stationId")]
    assert result.refused[1].row["stationId"] == "TOOLONG"
    assert result.dropped_fields == ("extra",)


def test_a_strict_model_gets_from_arrow_what_arrow_has_no_type_for() -> None:
    table = pa.table(
        {
            "id": [1, 2],
            "colour": ["r", "nope"],
            "uid": pa.array([UUID(int=5).bytes, None], pa.binary(16)),
            "pair": [["r", "b"], None],
            "at": pa.array([0, 0], pa.timestamp("s", "UTC")),
            "money": pa.array([Decimal("1.50"), None], pa.decimal128(10, 2)),
        }
    )
    result = validator_for(Typed, unique_key=("id",)).validate(table)
    assert result.good.to_pylist() == [
        {
            "id": 1,
            "colour": "r",
            "uid": UUID(int=5),
            "pair": ["r", "b"],
            "at": dt.datetime(1970, 1, 1, tzinfo=UTC),
            "money": Decimal("1.50"),
        }
    ]
    assert result.refused[0].rule == "is_instance_of"
    assert result.refused[0].row["colour"] == "nope"


def test_a_strict_model_stays_strict() -> None:
    result = validator_for(Typed, unique_key=()).validate(pa.table({"id": ["1"], "uid": [str(UUID(int=1))]}))
    assert [r.rule for r in result.refused] == ["int_type"]
    assert judge(Typed, {"id": 1, "colour": "r"}).refused[0].rule == "is_instance_of"


def test_a_strict_field_in_a_lax_model_is_known() -> None:
    class Model(BaseModel):
        colour: Annotated[Colour, Strict()]
        n: int

    result = validator_for(Model, unique_key=()).validate(pa.table({"colour": ["r"], "n": ["5"]}))
    assert result.good.to_pylist() == [{"colour": "r", "n": 5}]


def test_a_nullable_column_that_arrow_lacks_is_null() -> None:
    class Model(BaseModel):
        id: int
        note: str | None
        given: str | None = "default"

    result = validator_for(Model, unique_key=()).validate(pa.table({"id": [1]}))
    assert result.good.to_pylist() == [{"id": 1, "note": None, "given": "default"}]
    with pytest.raises(MissingColumnError, match='requires the field "note"'):
        judge(Model, {"id": 1})


def test_a_required_column_that_arrow_lacks_is_an_error() -> None:
    with pytest.raises(MissingColumnError, match='The nearest field of the source is "StationId"'):
        validator_for(Observation, unique_key=()).validate(
            pa.table({"id": [1], "StationId": ["KJFK"], "seen": ["2013-01-01T00:00:00Z"]})
        )


def test_an_arrow_value_that_python_cannot_express_refuses_its_row() -> None:
    table = pa.table({"id": [1, 2], "stationId": ["A", "B"], "seen": pa.array([0, 2**60], pa.timestamp("us", "UTC"))})
    result = validator_for(Observation, unique_key=("id",)).validate(table)
    assert result.good["id"].to_pylist() == [1]
    assert (result.refused[0].rule, result.refused[0].field) == ("unreadable_value", "seen")
    assert result.refused[0].row_json.startswith('{"id": 2, "stationId": "B", "seen": "')


# Types only


class Ruled(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    id: int = Field(gt=100, alias="ID")
    kind: Literal["a"] = "a"
    colour: Colour | None = None
    wind: Wind | None = None
    at: dt.datetime = dt.datetime(2013, 1, 1, tzinfo=UTC)
    tags: list[Annotated[str, Field(max_length=1)]] = Field(default_factory=list)

    @model_validator(mode="after")
    def never(self) -> Self:
        raise ValueError("never")


def test_without_validation_only_the_types_count() -> None:
    result = judge(Ruled, {"ID": "5", "kind": "z", "colour": "q", "wind": {"wind speed": -1}, "x": 1}, validate=False)
    assert result.refused == ()
    assert result.dropped_fields == ("x",)
    assert result.good.schema == declared_schema(Ruled).arrow
    assert result.good.to_pylist() == [
        {
            "id": 5,
            "kind": "z",
            "colour": "q",
            "wind": {"speed": -1.0, "gust": None},
            "at": dt.datetime(2013, 1, 1, tzinfo=UTC),
            "tags": [],
        }
    ]


def test_without_validation_keys_types_and_nulls_still_count() -> None:
    rows: list[dict[str, object]] = [
        {"ID": "x"},
        {"ID": None},
        {"ID": 1, "at": "2013-01-01T00:00:00"},
        {"ID": 2, "kind": None},
        {"ID": 3},
    ]
    result = judge(Ruled, *rows, key=("id",), validate=False)
    assert result.good["id"].to_pylist() == [3]
    assert [(r.rule, r.field) for r in result.refused] == [
        ("int_parsing", "ID"),
        ("unique_key", "ID"),
        ("timezone_aware", "at"),
        ("string_type", "kind"),
    ]


def test_without_validation_an_absent_column_is_still_an_error() -> None:
    with pytest.raises(MissingColumnError, match='requires the field "ID"'):
        judge(Ruled, {"Id": 1}, validate=False)


# The judgement is pydantic's

CELLS = (
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(allow_nan=False, width=16)
    | st.sampled_from(["", "a", "b", "1", "-2", "1.5", "x" * 9, "true", "r", "2013-01-01", "2013-01-01T00:00:00Z"])
    | st.binary(max_size=2)
    | st.decimals(-5, 5, places=1)
    | st.dates(dt.date(2000, 1, 1), dt.date(2020, 1, 1))
    | st.datetimes(dt.datetime(2000, 1, 1), dt.datetime(2020, 1, 1), timezones=st.just(UTC))
    | st.lists(st.integers(0, 3) | st.text(max_size=2), max_size=2)
    | st.dictionaries(st.sampled_from(["wind speed", "speed", "gust"]), st.floats(-2, 2) | st.none(), max_size=3)
)


class Anything(BaseModel):
    a: int | None = Field(default=None, gt=-3, multiple_of=2)
    b: str = Field(default="b", pattern="^[a-z]?$", alias="B")
    d: list[int] = []
    e: Wind | None = None
    f: bool = False
    g: Annotated[Decimal, Field(max_digits=4, decimal_places=1)] = Decimal(0)
    h: dt.date = dt.date(2013, 1, 1)
    i: AwareDatetime | None = None
    j: Colour | None = None
    k: float = Field(default=0, lt=4)
    m: bytes = b""


class StrictAnything(Anything):
    model_config = ConfigDict(strict=True)


@pytest.mark.parametrize("model", [Anything, StrictAnything])
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.dictionaries(st.sampled_from("aBdefghijkm"), CELLS, max_size=4), max_size=6))
def test_a_row_lands_exactly_when_pydantic_accepts_it(model: type[BaseModel], rows: list[dict[str, object]]) -> None:
    accepted, refused = [], []
    for given_row in rows:
        try:
            accepted.append(model.model_validate(given_row))
        except pydantic.ValidationError as error:
            refused.append((error.errors()[0]["type"], given_row))
    result = validator_for(model, unique_key=()).validate(rows)
    assert [(r.rule, r.row) for r in result.refused] == refused
    assert result.good.schema == declared_schema(model).arrow
    assert result.good.to_pylist() == [_stored(value) for value in accepted]


def _stored(model: BaseModel) -> dict[str, Any]:
    found: dict[str, Any] = dict(model.__dict__)
    for name, value in found.items():
        if isinstance(value, Enum):
            found[name] = value.value
        if isinstance(value, BaseModel):
            found[name] = dict(value.__dict__)
    return found
