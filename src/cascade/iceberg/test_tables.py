from __future__ import annotations

from pathlib import Path

import pytest
from pyiceberg.schema import Schema, assign_fresh_schema_ids
from pyiceberg.table import Table
from pyiceberg.types import (
    DecimalType,
    DoubleType,
    FloatType,
    IcebergType,
    IntegerType,
    ListType,
    LongType,
    MapType,
    NestedField,
    StringType,
    StructType,
    TimestampType,
    TimestamptzType,
)

from cascade.declarations import PartitionField
from cascade.exceptions import SchemaDriftError
from cascade.iceberg.catalog import Lakehouse
from cascade.iceberg.tables import check_drift, ensure_table
from cascade.notices import notices_to
from cascade.table_ref import TableRef

NAME = TableRef("raw", "readings")
Field = tuple[str, IcebergType, bool]
BASE: list[Field] = [
    ("id", IntegerType(), True),
    ("at", TimestamptzType(), True),
    ("celsius", FloatType(), False),
    ("place", StructType(NestedField(101, "city", StringType(), required=False)), False),
    ("tags", ListType(102, IntegerType(), element_required=False), False),
    ("price", DecimalType(10, 2), False),
]


def schema(fields: list[Field], key: tuple[str, ...] = ("id",)) -> Schema:
    found = [NestedField(n, name, kind, required=required) for n, (name, kind, required) in enumerate(fields, 1)]
    return Schema(*found, identifier_field_ids=[field.field_id for field in found if field.name in key])


def ensured(lakehouse: Lakehouse, fields: list[Field], key: tuple[str, ...] = ("id",)) -> Table:
    return ensure_table(lakehouse, NAME, schema(fields, key))


def replaced(name: str, kind: IcebergType, required: bool = False) -> list[Field]:
    return [(name, kind, required) if field[0] == name else field for field in BASE]


def test_a_table_is_created_with_its_namespace_key_order_and_layout(lakehouse: Lakehouse) -> None:
    table = ensure_table(
        lakehouse, NAME, schema(BASE), partition_spec=[PartitionField("at", "month"), PartitionField("id", "bucket[4]")]
    )
    assert table.schema().identifier_field_names() == {"id"}
    assert [(field.name, str(field.transform)) for field in table.spec().fields] == [
        ("at_month", "month"),
        ("id_bucket_4", "bucket[4]"),
    ]
    assert table.properties["write.metadata.metrics.column.id"] == "full"
    assert len(table.sort_order().fields) == 1
    assert table.current_snapshot() is None


def test_the_same_schema_changes_nothing(lakehouse: Lakehouse) -> None:
    before = ensured(lakehouse, BASE)
    assert ensured(lakehouse, BASE[::-1]).metadata_location == before.metadata_location


def test_files_of_a_table_that_the_catalog_lost_are_noticed(lakehouse: Lakehouse) -> None:
    said: list[str] = []
    with notices_to(said.append):
        table = ensured(lakehouse, BASE)
        lakehouse.catalog.drop_table(NAME.identifier)
        ensured(lakehouse, BASE)
        assert said == []
        file = Path(table.location().removeprefix("file://")) / "data" / "day=1" / "rows.parquet"
        file.parent.mkdir(parents=True)
        file.touch()
        ensured(lakehouse, BASE)
        assert said == []
        lakehouse.catalog.drop_table(NAME.identifier)
        ensured(lakehouse, BASE)
    assert len(said) == 1 and f"{NAME.full_name} is a new table" in said[0] and str(file.parents[2]) in said[0]


def test_new_optional_columns_and_widenings_are_applied(lakehouse: Lakehouse) -> None:
    ensured(lakehouse, BASE)
    place = StructType(
        NestedField(101, "city", StringType(), required=False), NestedField(103, "floor", LongType(), required=False)
    )
    wider: list[Field] = [
        ("note", StringType(), False),
        ("id", LongType(), True),
        ("at", TimestamptzType(), True),
        ("celsius", DoubleType(), False),
        ("place", place, False),
        ("tags", ListType(102, LongType(), element_required=False), False),
        ("price", DecimalType(12, 2), False),
    ]
    table = ensured(lakehouse, wider)
    found = {field.name: field for field in table.schema().fields}
    assert list(found) == ["id", "at", "celsius", "place", "tags", "price", "note"]
    assert found["id"].field_type == LongType() and found["id"].required
    assert found["celsius"].field_type == DoubleType()
    assert found["note"].optional
    assert found["price"].field_type == DecimalType(12, 2)
    assert str(found["place"].field_type) == "struct<7: city: optional string, 9: floor: optional long>"
    assert str(found["tags"].field_type) == "list<long>"
    assert table.schema().identifier_field_names() == {"id"}


def nested(number: IcebergType, price: IcebergType, *, required: bool) -> list[Field]:
    """Return a schema that has the two types in a struct, in a list, in a list of structs and in a map."""
    parts = [
        NestedField(101, "number", number, required=required),
        NestedField(102, "price", price, required=required),
    ]
    return [
        ("id", LongType(), True),
        ("flat", price, required),
        ("part", StructType(*parts), required),
        ("numbers", ListType(103, number, element_required=required), required),
        ("parts", ListType(104, StructType(*parts), element_required=required), required),
        ("lists", ListType(105, ListType(106, price, element_required=required), element_required=required), required),
        ("named", MapType(107, StringType(), 108, price, value_required=required), required),
    ]


def test_widenings_and_optional_columns_are_applied_inside_other_types(lakehouse: Lakehouse) -> None:
    ensured(lakehouse, nested(IntegerType(), DecimalType(10, 2), required=True))
    wider = nested(LongType(), DecimalType(38, 2), required=False)
    found = ensured(lakehouse, wider).schema()
    assert found == assign_fresh_schema_ids(schema(wider))
    assert not check_drift(lakehouse.require(NAME), schema(wider))


def test_the_keys_of_a_map_do_not_change(lakehouse: Lakehouse) -> None:
    ensured(lakehouse, [*BASE, ("named", MapType(200, IntegerType(), 201, LongType(), value_required=False), False)])
    with pytest.raises(SchemaDriftError, match=r"named.key: int in the table, long in the declared schema"):
        ensured(lakehouse, [*BASE, ("named", MapType(200, LongType(), 201, LongType(), value_required=False), False)])


@pytest.mark.parametrize(
    ("fields", "key", "said"),
    [
        (BASE[:2] + BASE[3:], ("id",), "celsius: optional float in the table, absent from the declared schema"),
        (BASE[1:], ("at",), "id: required int in the table, absent from the declared schema"),
        (replaced("celsius", StringType()), ("id",), "celsius: float in the table, string in the declared schema"),
        (replaced("celsius", IntegerType()), ("id",), "celsius: float in the table, int in the declared schema"),
        (replaced("celsius", FloatType(), True), ("id",), "celsius: optional in the table, required"),
        (replaced("price", DecimalType(9, 2)), ("id",), "price: decimal(10, 2) in the table, decimal(9, 2)"),
        (replaced("price", DecimalType(12, 3)), ("id",), "price: decimal(10, 2) in the table, decimal(12, 3)"),
        (replaced("price", DecimalType(12, 1)), ("id",), "price: decimal(10, 2) in the table, decimal(12, 1)"),
        (replaced("price", DoubleType()), ("id",), "price: decimal(10, 2) in the table, double"),
        (replaced("at", TimestampType(), True), ("id",), "at: timestamptz in the table, timestamp"),
        (replaced("at", StringType(), False), ("id",), "at: timestamptz in the table, string"),
        (
            replaced("tags", ListType(102, IntegerType(), element_required=True)),
            ("id",),
            "tags[]: optional in the table, required",
        ),
        ([*BASE, ("new", LongType(), True)], ("id",), "new: absent from the table, required long"),
        (BASE, ("id", "at"), "unique key: the table's is (id), the declared one is (at, id)"),
        (
            replaced("place", StructType(NestedField(101, "town", StringType(), required=False))),
            ("id",),
            "place.city: optional string in the table, absent",
        ),
        (
            replaced("tags", ListType(102, StringType(), element_required=False)),
            ("id",),
            "tags[]: int in the table, string in the declared schema",
        ),
    ],
)
def test_other_changes_are_refused_before_anything_is_written(
    lakehouse: Lakehouse, fields: list[Field], key: tuple[str, ...], said: str
) -> None:
    before = ensured(lakehouse, BASE)
    with pytest.raises(SchemaDriftError) as caught:
        ensured(lakehouse, [*fields, ("also", StringType(), False)], key)
    assert any(said in difference for difference in caught.value.differences), caught.value.differences
    assert "raw.readings" in str(caught.value)
    assert lakehouse.require(NAME).metadata_location == before.metadata_location


def test_a_narrower_type_is_refused(lakehouse: Lakehouse) -> None:
    ensured(lakehouse, replaced("id", LongType(), True))
    with pytest.raises(SchemaDriftError, match="id: long in the table, int in the declared schema"):
        ensured(lakehouse, BASE)


def test_another_layout_is_applied(lakehouse: Lakehouse) -> None:
    ensure_table(lakehouse, NAME, schema(BASE), partition_spec=[PartitionField("at", "day")])
    table = ensure_table(lakehouse, NAME, schema(BASE), partition_spec=[PartitionField("at", "month")])
    assert [field.name for field in table.spec().fields] == ["at_month"]
    again = ensure_table(lakehouse, NAME, schema(BASE), partition_spec=[PartitionField("at", "month")])
    assert again.metadata_location == table.metadata_location
