"""Which differences between contracts break readers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pyiceberg.schema import Schema
from pyiceberg.types import IcebergType, ListType, NestedField, StructType

from cascade.contracts.differences import Effect, differences, next_version
from cascade.contracts.model import Column, Contract, Element, Freshness, Reader
from cascade.iceberg.drift import schema_difference

TYPES = ("int", "long", "float", "double", "decimal(9, 2)", "decimal(12, 2)", "decimal(12, 3)", "string", "date")
SIMPLE = Contract(
    table="raw.things",
    write_disposition="merge",
    unique_key=("id",),
    partitions="daily",
    partition_timezone="UTC",
    partition_start="2024-01-01",
    partition_end="2025-01-01",
    freshness_hours=Freshness(warn=6, fail=24),
    columns=(
        Column(name="id", type="long", required=True),
        Column(name="size", type="int"),
        Column(name="place", type="struct", fields=(Column(name="town", type="string"),)),
        Column(name="tags", type="list", element=Element(type="string", required=True)),
    ),
)


def changed(**fields: Any) -> Contract:
    return SIMPLE.model_copy(update=fields)


def with_column(name: str, /, **fields: Any) -> Contract:
    columns = (one.model_copy(update=fields) if one.name == name else one for one in SIMPLE.columns)
    return changed(columns=tuple(columns))


@pytest.mark.parametrize(
    ("new", "effect", "what"),
    [
        (changed(columns=SIMPLE.columns[:1] + SIMPLE.columns[2:]), Effect.BREAKING, "size: removed (was optional int)"),
        (with_column("size", name="length"), Effect.BREAKING, 'size: removed (was optional int); if "length" is its'),
        (with_column("size", type="long"), Effect.COMPATIBLE, "size: type int -> long"),
        (with_column("id", type="int"), Effect.BREAKING, "id: type long -> int"),
        (with_column("size", type="string"), Effect.BREAKING, "size: type int -> string"),
        (with_column("id", required=False), Effect.BREAKING, "id: was never null, may be null now"),
        (with_column("size", required=True), Effect.BREAKING, "size: may be null in rows that exist, required now"),
        (with_column("size", sensitive=True), Effect.COMPATIBLE, "size: now marked as sensitive"),
        (with_column("size", description="In meters."), Effect.NOTE, "size: another description"),
        (with_column("place", fields=()), Effect.BREAKING, "place.town: removed (was optional string)"),
        (with_column("place", type="string", fields=()), Effect.BREAKING, "place: type struct -> string"),
        (
            with_column("tags", element=Element(type="string")),
            Effect.BREAKING,
            "tags[]: was never null, may be null now",
        ),
        (changed(columns=(*SIMPLE.columns, Column(name="new", type="date"))), Effect.COMPATIBLE, "new: new, optional"),
        (
            changed(columns=(*SIMPLE.columns, Column(name="new", type="date", required=True))),
            Effect.BREAKING,
            "new: new, required date; rows that exist have no value for it",
        ),
        (changed(columns=SIMPLE.columns[::-1]), Effect.NOTE, "columns: in another order"),
        (changed(unique_key=("id", "size")), Effect.BREAKING, "unique_key: id -> id, size"),
        (changed(unique_key=()), Effect.BREAKING, "unique_key: id -> none"),
        (changed(write_disposition="replace"), Effect.BREAKING, "write_disposition: merge -> replace"),
        (changed(partitions="hourly"), Effect.BREAKING, "partitions: daily -> hourly"),
        (changed(partition_timezone="Asia/Tokyo"), Effect.BREAKING, "partition_timezone: UTC -> Asia/Tokyo"),
        (changed(partition_start="2023-01-01"), Effect.COMPATIBLE, "partition_start: 2024-01-01 -> 2023-01-01"),
        (changed(partition_start="2024-01-01T00:00:00"), Effect.COMPATIBLE, "partition_start"),
        (changed(partition_start="2024-02-01"), Effect.BREAKING, "partition_start: 2024-01-01 -> 2024-02-01"),
        (changed(partition_start=None), Effect.BREAKING, "partition_start: 2024-01-01 -> none"),
        (changed(partition_end=None), Effect.COMPATIBLE, "partition_end: 2025-01-01 -> none"),
        (changed(partition_end="2024-06-01"), Effect.BREAKING, "partition_end: 2025-01-01 -> 2024-06-01"),
        (changed(partition_spec={"id": "bucket[16]"}), Effect.COMPATIBLE, "partition_spec: none -> bucket[16](id)"),
        (changed(freshness_hours=Freshness(warn=6, fail=48)), Effect.BREAKING, "freshness_hours (fail): 24 -> 48"),
        (changed(freshness_hours=Freshness(fail=24)), Effect.BREAKING, "freshness_hours (warn): 6 -> none"),
        (changed(freshness_hours=Freshness(warn=1, fail=24)), Effect.COMPATIBLE, "freshness_hours (warn): 6 -> 1"),
        (changed(description="Things."), Effect.NOTE, "description: another text"),
        (changed(group="g"), Effect.NOTE, "group: none -> g"),
        (changed(owners=("team:a",)), Effect.NOTE, "owners: none -> team:a"),
        (
            changed(read_by=(Reader(kind="model", name="m", columns=("id",)),)),
            Effect.NOTE,
            "read_by: now model m (id)",
        ),
    ],
)
def test_a_change_has_its_effect(new: Contract, effect: Effect, what: str) -> None:
    first, *_ = differences(SIMPLE, new)
    assert first.what.startswith(what)
    assert first.effect is effect


def test_the_order_of_a_key_breaks_nothing() -> None:
    both = changed(unique_key=("id", "size"))
    (difference,) = differences(both, changed(unique_key=("size", "id")))
    assert difference.effect is Effect.NOTE


def test_without_its_mark_a_sensitive_column_appears_where_it_was_hidden() -> None:
    (difference,) = differences(with_column("size", sensitive=True), SIMPLE)
    assert (difference.what, difference.is_breaking) == ("size: no longer marked as sensitive", True)


def test_a_reader_that_reads_other_columns_is_one_difference() -> None:
    old = changed(read_by=(Reader(kind="model", name="m", columns=("id",)),))
    new = changed(read_by=(Reader(kind="model", name="m", columns=("*",)),))
    (difference,) = differences(old, new)
    assert difference.what == "read_by: model m (id) -> model m (all columns)"


def test_the_version_rises_by_the_worst_difference() -> None:
    assert next_version("1.2.3", differences(SIMPLE, SIMPLE)) == "1.2.3"
    assert next_version("1.2.3", differences(SIMPLE, changed(group="g"))) == "1.2.3"
    assert next_version("1.2.3", differences(SIMPLE, with_column("size", type="long"))) == "1.3.0"
    assert next_version("1.2.3", differences(SIMPLE, changed(partitions=None, group="g"))) == "2.0.0"


@pytest.mark.parametrize("name", sorted(set(Contract.model_fields) - {"format", "version"}))
def test_every_field_of_a_contract_counts(name: str) -> None:
    others: dict[str, object] = {
        "table": "raw.other",
        "description": "d",
        "group": "g",
        "owners": ("team:a",),
        "write_disposition": "append",
        "unique_key": ("size",),
        "partitions": None,
        "partition_timezone": "Asia/Tokyo",
        "partition_start": "2020-01-01",
        "partition_end": None,
        "partition_spec": {"id": "identity"},
        "freshness_hours": None,
        "columns": SIMPLE.columns[:1],
        "read_by": (Reader(kind="asset", name="a"),),
    }
    assert differences(SIMPLE, changed(**{name: others[name]}))


OTHER_COLUMNS: dict[str, object] = {
    "name": "other",
    "type": "string",
    "required": False,
    "sensitive": True,
    "description": "d",
    "fields": (Column(name="x", type="int"),),
    "element": Element(type="int"),
}


@pytest.mark.parametrize("name", sorted(Column.model_fields))
def test_every_field_of_a_column_counts(name: str) -> None:
    old = Column(name="a", type="list", required=True, element=Element(type="string"))
    new = old.model_copy(update={name: OTHER_COLUMNS[name]})
    assert differences(changed(columns=(old,)), changed(columns=(new,)))


Change = Callable[[st.DataObject, Contract], Contract]


def _change_of_column(data: st.DataObject, contract: Contract) -> Contract:
    place = data.draw(st.integers(0, len(contract.columns) - 1))
    old = contract.columns[place]
    new = data.draw(
        st.sampled_from(
            [
                old.model_copy(update={"type": data.draw(st.sampled_from(TYPES)), "fields": (), "element": None}),
                old.model_copy(update={"required": not old.required}),
                old.model_copy(update={"sensitive": not old.sensitive}),
                old.model_copy(update={"fields": (*old.fields, Column(name=f"f{len(old.fields)}", type="int"))}),
                old.model_copy(update={"fields": old.fields[:-1]}),
            ]
        )
    )
    if new.fields and new.type != "struct":
        new = new.model_copy(update={"type": "struct", "element": None})
    elif new.type == "struct" and not new.fields:
        new = new.model_copy(update={"type": "string"})
    return contract.model_copy(update={"columns": (*contract.columns[:place], new, *contract.columns[place + 1 :])})


def _added(data: st.DataObject, contract: Contract) -> Contract:
    name = data.draw(st.sampled_from("abcdef"))
    if name in {column.name for column in contract.columns}:
        return contract
    column = Column(name=name, type=data.draw(st.sampled_from(TYPES)), required=data.draw(st.booleans()))
    return contract.model_copy(update={"columns": (*contract.columns, column)})


def _removed(data: st.DataObject, contract: Contract) -> Contract:
    place = data.draw(st.integers(1, len(contract.columns)))
    return contract.model_copy(update={"columns": contract.columns[:place] + contract.columns[place + 1 :]})


_DATES = st.sampled_from([None, "2023-01-01", "2024-01-01", "2024-01-01T00:00:00+09:00", "2025-01-01"])
_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "partition_start": _DATES,
    "partition_end": _DATES,
    "partition_spec": st.sampled_from([{}, {"id": "bucket[16]"}]),
    "write_disposition": st.sampled_from(["merge", "append"]),
    "unique_key": st.sampled_from([("id",), ("id", "size"), ("size", "id")]),
    "owners": st.sampled_from([(), ("team:a",)]),
    "freshness_hours": st.one_of(
        st.none(), st.builds(Freshness, warn=st.sampled_from([None, 1, 6]), fail=st.sampled_from([6, 24, 48]))
    ),
}


def _field(data: st.DataObject, contract: Contract) -> Contract:
    name = data.draw(st.sampled_from(sorted(_FIELDS)))
    return contract.model_copy(update={name: data.draw(_FIELDS[name])})


def any_change(data: st.DataObject, contract: Contract) -> Contract:
    changes: list[Change] = [_change_of_column, _added, _removed, _field, _field, _change_of_column]
    for change in data.draw(st.lists(st.sampled_from(changes), max_size=3)):
        contract = change(data, contract)
    return contract


def breaks(old: Contract, new: Contract) -> bool:
    return any(one.is_breaking for one in differences(old, new))


@given(st.data())
def test_compatible_changes_in_a_row_are_compatible(data: st.DataObject) -> None:
    first = any_change(data, SIMPLE)
    second = any_change(data, first)
    assume(not breaks(first, second))
    third = any_change(data, second)
    assume(not breaks(second, third))
    assert not breaks(first, third)


@given(st.data())
def test_what_iceberg_refuses_is_breaking(data: st.DataObject) -> None:
    old = any_change(data, SIMPLE)
    new = any_change(data, old)
    if schema_difference(iceberg(old), iceberg(new)).refused:
        assert breaks(old, new)


@given(st.data())
def test_a_contract_does_not_differ_from_itself(data: st.DataObject) -> None:
    contract = any_change(data, SIMPLE)
    assert differences(contract, contract) == ()


def iceberg(contract: Contract) -> Schema:
    fields = [_nested(column, place * 100) for place, column in enumerate(contract.columns, start=1)]
    return Schema(*fields, identifier_field_ids=[])


def _nested(column: Column, number: int) -> NestedField:
    return NestedField(number, column.name, _type(column, number), required=column.required)


def _type(value: Column | Element, number: int) -> IcebergType:
    if value.type == "struct":
        return StructType(*(_nested(field, number + place) for place, field in enumerate(value.fields, start=1)))
    if value.element is not None and value.type == "list":
        return ListType(number + 50, _type(value.element, number + 50), element_required=value.element.required)
    return IcebergType.model_validate(value.type)
