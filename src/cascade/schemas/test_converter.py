"""The Iceberg schema of a model: types, ids, documentation, nullability and keys."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import pandera.polars as pandera
import pytest
from pydantic import BaseModel, Field, NaiveDatetime, create_model
from pyiceberg import types
from pyiceberg.catalog.sql import SqlCatalog

from cascade.exceptions import SchemaConversionError
from cascade.schemas import declared_schema, to_iceberg_schema, validator_for


class Wind(BaseModel):
    speed: float = Field(description="In miles an hour.")
    gust: float | None = None


class Everything(BaseModel):
    id: int = Field(description="The key.")
    yes: bool
    ratio: float | None
    name: str
    raw: bytes
    amount: Annotated[Decimal, Field(max_digits=10, decimal_places=2)]
    day: dt.date
    at: dt.time
    seen: dt.datetime
    local: NaiveDatetime
    uid: UUID
    tags: list[str]
    wind: Wind | None
    winds: list[Wind]


class Frame(pandera.DataFrameModel):
    id: int
    ratio: float = pandera.Field(nullable=True)


def test_every_type_has_an_iceberg_type() -> None:
    schema = to_iceberg_schema(Everything)
    found = {field.name: field.field_type for field in schema.fields}
    assert found["id"] == types.LongType()
    assert found["yes"] == types.BooleanType()
    assert found["ratio"] == types.DoubleType()
    assert found["name"] == types.StringType()
    assert found["raw"] == types.BinaryType()
    assert found["amount"] == types.DecimalType(10, 2)
    assert found["day"] == types.DateType()
    assert found["at"] == types.TimeType()
    assert found["seen"] == types.TimestamptzType()
    assert found["local"] == types.TimestampType()
    assert found["uid"] == types.UUIDType()
    assert isinstance(found["tags"], types.ListType)
    assert found["tags"].element_required
    assert isinstance(found["wind"], types.StructType)
    assert [field.required for field in found["wind"].fields] == [True, False]


def test_ids_are_unique_and_column_ids_come_first() -> None:
    schema = to_iceberg_schema(Everything)
    ids = list(schema._lazy_id_to_name)
    assert [field.field_id for field in schema.fields] == list(range(1, len(schema.fields) + 1))
    assert len(ids) == len(set(ids)) == len(schema.fields) + 1 + 2 + 3


def test_documentation_and_nullability_are_kept_at_every_depth() -> None:
    schema = to_iceberg_schema(Everything)
    assert schema.find_field("id").doc == "The key."
    assert schema.find_field("id").required
    assert not schema.find_field("ratio").required
    assert schema.find_field("winds.element.speed").doc == "In miles an hour."


def test_rows_survive_a_round_trip_through_a_table_of_the_schema(tmp_path: Path) -> None:
    catalog = SqlCatalog("test", uri=f"sqlite:///{tmp_path}/catalog.db", warehouse=f"file://{tmp_path}")
    catalog.create_namespace("raw")
    table = catalog.create_table("raw.everything", to_iceberg_schema(Everything, ("id",)))
    row = {
        "id": 1,
        "yes": True,
        "ratio": None,
        "name": "ü",
        "raw": b"\x00",
        "amount": Decimal("12.30"),
        "day": dt.date(2013, 1, 1),
        "at": dt.time(1, 2, 3, 4),
        "seen": dt.datetime(2013, 1, 1, 5, tzinfo=dt.UTC),
        "local": dt.datetime(2013, 1, 1),
        "uid": UUID(int=7),
        "tags": ["a", "b"],
        "wind": {"speed": 1.5, "gust": None},
        "winds": [{"speed": 1.5, "gust": 2.0}],
    }
    good = validator_for(Everything, unique_key=("id",)).validate([row]).good
    table.append(good)
    assert table.scan().to_arrow().to_pylist() == good.to_pylist() == [row]


def test_the_key_becomes_the_identifier() -> None:
    schema = to_iceberg_schema(Everything, ("id", "name"))
    assert schema.identifier_field_names() == {"id", "name"}


def test_a_pandera_model_converts_too() -> None:
    schema = to_iceberg_schema(Frame, ("id",))
    assert schema.find_field("id").field_type == types.LongType()
    assert schema.identifier_field_names() == {"id"}
    assert not schema.find_field("ratio").required


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("nam", 'unique_key: "nam" is not a field of Everything. Did you mean "name"?'),
        ("zzzzzz", '"zzzzzz" is not a field of Everything. It has id, yes, ratio'),
        ("ratio", "this field of unique_key may be null; a key field must be required: declare it without `| None`"),
        ("tags", "a key field must be a single value"),
        ("wind", "may be null"),
    ],
)
def test_a_wrong_key_is_an_error(key: str, reason: str) -> None:
    with pytest.raises(SchemaConversionError) as caught:
        to_iceberg_schema(Everything, (key,))
    assert caught.value.field == key
    assert reason in str(caught.value)


def test_a_floating_point_key_is_an_error() -> None:
    with pytest.raises(
        SchemaConversionError,
        match="is a float; floats rarely compare as equal: use int, Decimal or str",
    ):
        to_iceberg_schema(Wind, ("speed",))


def model_of(fields: dict[str, Any]) -> type[BaseModel]:
    definitions: dict[str, Any] = {name: (kind, ...) for name, kind in fields.items()}
    return create_model("Model", **definitions)


Place = model_of({"city": str})


@pytest.mark.parametrize(
    ("fields", "column", "reason"),
    [
        ({"": int}, "", "Iceberg has no columns with an empty name; rename it"),
        ({"place": model_of({"": str})}, "place", "Iceberg has no columns with an empty name"),
        (
            {"place": Place, "place.city": str},
            "place.city",
            'is also what Iceberg calls a field of "place"; rename one',
        ),
        (
            {"place.city": str, "place": Place},
            "place",
            '"place.city" is also what Iceberg calls a field of "place.city"',
        ),
        ({"tags": list[str], "tags.element": str}, "tags.element", '"tags.element" is also what Iceberg calls'),
    ],
)
def test_names_that_iceberg_cannot_tell_apart_are_an_error(fields: dict[str, Any], column: str, reason: str) -> None:
    with pytest.raises(SchemaConversionError) as caught:
        to_iceberg_schema(model_of({"id": int, **fields}), ("id",))
    assert caught.value.field == column
    assert reason in str(caught.value)


def test_a_dot_in_a_name_is_fine_where_no_other_field_has_that_name() -> None:
    model = model_of({"a": int, "a.b": int, "a.b.c": int})
    assert to_iceberg_schema(model, ("a.b",)).column_names == ["a", "a.b", "a.b.c"]


def test_a_class_that_is_not_a_schema_is_an_error() -> None:
    with pytest.raises(SchemaConversionError, match="neither a pydantic model nor a pandera DataFrameModel"):
        declared_schema(dict)


def test_an_instance_instead_of_a_class_is_an_error() -> None:
    with pytest.raises(SchemaConversionError, match="is an instance; pass the model class itself"):
        declared_schema(Wind(speed=1))  # type: ignore[arg-type]


def test_a_schema_is_converted_once() -> None:
    assert declared_schema(Everything) is declared_schema(Everything)


def test_the_empty_table_has_the_schema_with_its_documentation() -> None:
    declared = declared_schema(Everything)
    assert declared.empty().schema.equals(declared.arrow, check_metadata=True)
    assert declared.empty().num_rows == 0
