"""Every type rule of pydantic models, and the text of every error."""

from __future__ import annotations

import datetime as dt
import inspect
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from operator import getitem
from typing import Annotated, Any, Generic, Literal, NewType, Optional, TypeVar, Union
from uuid import UUID

import pyarrow as pa
import pydantic
import pytest
from pydantic import (
    AliasChoices,
    AliasPath,
    AnyUrl,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    HttpUrl,
    NaiveDatetime,
    PositiveInt,
    RootModel,
    SecretStr,
    StrictStr,
    conlist,
    create_model,
)
from pydantic.alias_generators import to_camel
from typing_extensions import TypeAliasType, TypedDict

from cascade.exceptions import SchemaConversionError, SourceLocation
from cascade.schemas import declared_schema

T = TypeVar("T")
Money = Annotated[Decimal, Field(max_digits=18, decimal_places=4)]
Station = NewType("Station", str)
Alias = TypeAliasType("Alias", Annotated[int, Field(gt=0)])


class Colour(Enum):
    RED = "r"
    BLUE = "b"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Kind(StrEnum):
    A = "a"


class Mixed(Enum):
    ONE = 1
    TWO = "two"


class Dated(Enum):
    DAY = dt.date(2013, 1, 1)


class Wind(BaseModel):
    speed: float = Field(description="in  miles\n an hour")
    gust: float | None = None


class Ids(RootModel[list[int]]):
    pass


class Forest(BaseModel):
    trees: list[Tree]


class Tree(BaseModel):
    name: str
    children: list[Tree] = []


class Kept(BaseModel):
    later: Defined


class Defined(StrEnum):
    A = "a"


class Row(TypedDict):
    a: int


def column_of(annotation: Any, **field: Any) -> Any:
    model = create_model("Model", value=(annotation, Field(**field) if field else ...))
    return declared_schema(model).columns[0]


UTC = pa.timestamp("us", "UTC")
MEMBERS = pa.struct([pa.field("speed", pa.float64(), nullable=False), pa.field("gust", pa.float64())])


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (bool, pa.bool_()),
        (int, pa.int64()),
        (float, pa.float64()),
        (str, pa.string()),
        (bytes, pa.binary()),
        (dt.date, pa.date32()),
        (pydantic.PastDate, pa.date32()),
        (dt.time, pa.time64("us")),
        (dt.datetime, UTC),
        (AwareDatetime, UTC),
        (pydantic.PastDatetime, UTC),
        (NaiveDatetime, pa.timestamp("us")),
        (UUID, pa.uuid()),
        (pydantic.UUID4, pa.uuid()),
        (Money, pa.decimal128(18, 4)),
        (pydantic.condecimal(max_digits=5, decimal_places=2), pa.decimal128(5, 2)),
        (PositiveInt, pa.int64()),
        (StrictStr, pa.string()),
        (Station, pa.string()),
        (Alias, pa.int64()),
        (HttpUrl, pa.string()),
        (AnyUrl, pa.string()),
        (Colour, pa.string()),
        (Level, pa.int64()),
        (Kind, pa.string()),
        (Literal["a", "b"], pa.string()),
        (Literal[1, 2], pa.int64()),
        (Literal[True], pa.bool_()),
        (Literal[Colour.RED], pa.string()),
        (Literal[Colour.RED, "other"], pa.string()),
        (Annotated[str, Field(max_length=3), Field(pattern="a")], pa.string()),
        (Wind, MEMBERS),
        (Ids, pa.list_(pa.field("element", pa.int64(), nullable=False))),
        (list[int], pa.list_(pa.field("element", pa.int64(), nullable=False))),
        (list[int | None], pa.list_(pa.field("element", pa.int64()))),
        (tuple[str, ...], pa.list_(pa.field("element", pa.string(), nullable=False))),
        (conlist(float, min_length=1), pa.list_(pa.field("element", pa.float64(), nullable=False))),
        (list[Wind], pa.list_(pa.field("element", MEMBERS, nullable=False))),
        (list[Money], pa.list_(pa.field("element", pa.decimal128(18, 4), nullable=False))),
    ],
)
def test_a_type_becomes_a_column(annotation: Any, expected: pa.DataType) -> None:
    column = column_of(annotation)
    assert column.type == expected
    assert column.required


# Unsubscripted, so that no formatter modernises them.
OLD_SPELLINGS: list[Any] = [getitem(Optional, int), getitem(Union, (None, int))]


@pytest.mark.parametrize("annotation", [int | None, *OLD_SPELLINGS, Annotated[int | None, Field(gt=0)]])
def test_none_makes_a_column_optional(annotation: Any) -> None:
    assert not column_of(annotation).required
    assert column_of(annotation).type == pa.int64()


def test_none_in_a_literal_makes_a_column_optional() -> None:
    column = column_of(Literal["a", None])
    assert (column.type, column.required) == (pa.string(), False)


def test_a_constraint_on_an_optional_decimal_is_found_inside_and_outside_the_union() -> None:
    inside = column_of(Money | None)
    outside = column_of(Annotated[Decimal | None, Field(max_digits=18, decimal_places=4)])
    field = column_of(Decimal | None, max_digits=18, decimal_places=4)
    assert inside.type == outside.type == field.type == pa.decimal128(18, 4)


def test_a_default_does_not_make_a_column_optional() -> None:
    assert column_of(int, default=5).required


def test_descriptions_become_documentation_at_every_depth() -> None:
    class Model(BaseModel):
        wind: Wind = Field(description="The wind.")

    declared = declared_schema(Model)
    assert declared.columns[0].doc == "The wind."
    assert declared.arrow.field("wind").metadata == {b"doc": b"The wind."}
    assert declared.arrow.field("wind").type.field("speed").metadata == {b"doc": b"in miles an hour"}


def test_attribute_docstrings_are_documentation_too() -> None:
    class Model(BaseModel):
        model_config = ConfigDict(use_attribute_docstrings=True)
        wind: int
        """In miles per hour."""

    assert declared_schema(Model).columns[0].doc == "In miles per hour."


@pytest.mark.parametrize(
    ("field", "names"),
    [
        ({}, ("value",)),
        ({"alias": "A"}, ("A",)),
        ({"validation_alias": "V", "alias": "A"}, ("V",)),
        ({"serialization_alias": "S"}, ("value",)),
        ({"validation_alias": AliasChoices("X", "Y")}, ("X", "Y")),
        ({"validation_alias": AliasPath("deep", "er", 0)}, ("deep",)),
        ({"validation_alias": AliasChoices("X", AliasPath("deep", 0))}, ("X", "deep")),
    ],
)
def test_the_alias_is_the_name_in_the_source(field: dict[str, Any], names: tuple[str, ...]) -> None:
    column = column_of(int, **field)
    assert column.name == "value"
    assert column.source_name == names[0]
    assert column.source_names == names


def test_an_alias_generator_names_the_source() -> None:
    class Model(BaseModel):
        model_config = ConfigDict(alias_generator=to_camel)
        station_id: str

    column = declared_schema(Model).columns[0]
    assert (column.name, column.source_name) == ("station_id", "stationId")


def test_validation_by_name_reads_both_names() -> None:
    class Model(BaseModel):
        model_config = ConfigDict(validate_by_name=True)
        station_id: str = Field(alias="stationId")

    class NameOnly(BaseModel):
        model_config = ConfigDict(validate_by_name=True, validate_by_alias=False)
        station_id: str = Field(alias="stationId")

    assert declared_schema(Model).columns[0].source_names == ("stationId", "station_id")
    assert declared_schema(NameOnly).columns[0].source_names == ("station_id",)


def test_inherited_fields_come_first_and_can_be_narrowed() -> None:
    class Base(BaseModel):
        id: int | None
        note: str

    class Child(Base):
        id: int
        extra: float

    declared = declared_schema(Child)
    assert [column.name for column in declared.columns] == ["id", "note", "extra"]
    assert declared.columns[0].required


def test_a_generic_model_is_read_with_its_parameters() -> None:
    class Page(BaseModel, Generic[T]):
        item: T
        items: list[T]

    declared = declared_schema(Page[int])
    assert declared.columns[0].type == pa.int64()
    assert declared.columns[1].type.value_type == pa.int64()
    with pytest.raises(SchemaConversionError, match=r"could be any type; parametrize the generic model"):
        declared_schema(Page)


def test_an_excluded_field_has_no_column_and_can_have_any_type() -> None:
    class Model(BaseModel):
        id: int
        raw: dict[str, Any] = Field(exclude=True)

    assert [column.name for column in declared_schema(Model).columns] == ["id"]


def test_a_class_defined_later_is_found() -> None:
    assert not Kept.__pydantic_complete__
    assert declared_schema(Kept).columns[0].type == pa.string()


def test_the_declared_schema_gives_the_location_of_the_model() -> None:
    location = declared_schema(Wind).location
    assert location is not None
    assert location.file == __file__


def test_an_error_gives_the_location_of_own_and_inherited_fields() -> None:
    class Base(BaseModel):
        id: int
        # A comment between two fields.
        raw: dict[str, Any] = Field(
            default_factory=dict,
        )

    class Model(Base):
        name: str

    with pytest.raises(SchemaConversionError) as caught:
        declared_schema(Model)
    assert caught.value.location == SourceLocation(__file__, inspect.getsourcelines(Base)[1] + 3)


def test_every_unsupported_field_is_named() -> None:
    class Inner(BaseModel):
        raw: dict[str, int]

    class Model(BaseModel):
        id: int
        anything: Any
        inner: Inner

    with pytest.raises(SchemaConversionError) as caught:
        declared_schema(Model)
    assert [error.field for error in (caught.value, *caught.value.others)] == ["anything", "inner.raw"]
    first, second = str(caught.value).splitlines()
    assert "Model.anything: Any does not specify" in first
    assert "Model.inner.raw: dict[str, int] has no fixed fields" in second


def test_an_error_gives_the_location_of_the_class_if_the_source_lacks_the_field() -> None:
    made = create_model("made", raw=(dict, ...))
    with pytest.raises(SchemaConversionError) as caught:
        declared_schema(made)
    assert caught.value.location is None


@pytest.mark.parametrize(
    ("annotation", "reason"),
    [
        (Any, "Any does not specify what to store; use a specific type, such as `str | None`"),
        (object, "Any does not specify what to store"),
        (
            dict[str, int],
            "dict[str, int] has no fixed fields; use a nested pydantic model, or a str that holds JSON",
        ),
        (dict, "dict has no fixed fields"),
        (Row, "Row has no fixed fields"),
        (int | str, "a column has one type, but `int | str` allows 2; use one, such as `str`"),
        (int | str | None, "`int | str` allows 2"),
        (Wind | Tree, "`Wind | Tree` allows 2"),
        (Decimal, "max_digits and decimal_places is missing; write Annotated[Decimal, Field(max_digits=18, "),
        (Annotated[Decimal, Field(max_digits=5)], "decimal_places is missing"),
        (Annotated[Decimal, Field(decimal_places=5)], "max_digits is missing"),
        (Annotated[Decimal, Field(max_digits=39, decimal_places=2)], "Iceberg decimals have 1 to 38 digits"),
        (Annotated[Decimal, Field(max_digits=2, decimal_places=3)], "Iceberg decimals have 1 to 38 digits"),
        (Literal["a", 1], "the values of Literal[...] have different types (int, str); use one type"),
        (Literal[True, 1], "different types (bool, int)"),
        (Literal[None], "the only value is None"),
        (None, "NoneType is not a supported column type"),
        (Mixed, "the values of Mixed have different types (int, str)"),
        (Dated, "the values of Dated have the type date; use str, int, float, bool or bytes"),
        (Enum("Empty", []), "Empty has no members"),
        (set[int], "set[int] is unordered, so equal rows could differ; use list[...]"),
        (frozenset[int], "is unordered"),
        (list, "list does not specify the type of its elements; write list[...]"),
        (tuple, "tuple does not specify the type of its elements"),
        (tuple[int, str], "tuple[int, str] has no named elements; use a nested model"),
        (dt.timedelta, "Iceberg has no duration type; use int or float with the unit in the name"),
        (SecretStr, "secrets do not belong in a table"),
        (pydantic.Json, "Json can hold values of any type; use str"),
        (pydantic.Json[int], "Json can hold values of any type"),
        (pydantic.FilePath, "Path is not a supported column type; use one of bool, int"),
        (complex, "complex is not a supported column type"),
        (pydantic.IPvAnyAddress, "IPvAnyAddress is not a supported column type"),
        (Annotated[Any, Field(gt=1)], "Any does not specify"),
    ],
)
def test_the_error_for_an_unsupported_type_names_the_field_and_the_fix(annotation: Any, reason: str) -> None:
    with pytest.raises(SchemaConversionError) as caught:
        column_of(annotation)
    assert caught.value.schema == "Model"
    assert caught.value.field == "value"
    assert reason in caught.value.reason
    assert str(caught.value).startswith("Model.value: ")


def test_an_error_in_a_nested_model_gives_the_whole_path_and_the_file() -> None:
    class Inner(BaseModel):
        data: dict[str, int]

    class Outer(BaseModel):
        inner: list[Inner]

    with pytest.raises(SchemaConversionError) as caught:
        declared_schema(Outer)
    assert caught.value.field == "inner.element.data"
    assert caught.value.schema == "Outer"
    assert str(caught.value).startswith(f"{__file__}:")


def test_a_model_that_contains_itself_is_an_error() -> None:
    with pytest.raises(
        SchemaConversionError,
        match="Tree contains itself, so it would nest forever; store the key of the other row instead",
    ):
        declared_schema(Forest)
    with pytest.raises(SchemaConversionError, match=r"Tree\.children\.element: Tree contains itself"):
        declared_schema(Tree)


def test_an_undefined_name_is_an_error() -> None:
    class Model(BaseModel):
        value: Nowhere  # type: ignore[name-defined]  # noqa: F821

    with pytest.raises(SchemaConversionError, match="the annotation refers to 'Nowhere', which is not defined"):
        declared_schema(Model)


def test_a_model_without_columns_is_an_error() -> None:
    class Model(BaseModel):
        pass

    with pytest.raises(SchemaConversionError, match="no fields that can become columns"):
        declared_schema(Model)


def test_a_nested_model_without_fields_is_an_error() -> None:
    with pytest.raises(SchemaConversionError, match="Empty has no fields"):
        column_of(create_model("Empty"))


def test_the_error_for_a_dataclass_suggests_a_model() -> None:
    from dataclasses import dataclass

    @dataclass
    class Plain:
        a: int

    with pytest.raises(
        SchemaConversionError, match=r"Plain is not a pydantic model; make it a subclass of pydantic\.BaseModel"
    ):
        column_of(Plain)
