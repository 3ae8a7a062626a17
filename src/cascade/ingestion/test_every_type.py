"""Every supported type, also nested and null, through a run, an identical run, a changed run and a read."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import AwareDatetime, BaseModel, Field, NaiveDatetime, create_model

from cascade.iceberg.catalog import Lakehouse
from cascade.ingestion.conftest import ran, table_rows
from cascade.runs.report import RunReport


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class City(BaseModel):
    name: str
    zone: UUID | None = None


Money = Annotated[Decimal, Field(max_digits=10, decimal_places=2)]
AWARE = datetime(2013, 1, 15, 12, 30, 15, 250_000, UTC)
# Two values of each type as a source gives them, and as they are stored.
TYPES: dict[str, tuple[Any, list[Any], list[Any]]] = {
    "int": (int, [-(2**63), 2**63 - 1], [-(2**63), 2**63 - 1]),
    "float": (float, [0.1, -1e308], [0.1, -1e308]),
    "bool": (bool, [True, False], [True, False]),
    "str": (str, ["", "Zürich 🚲"], ["", "Zürich 🚲"]),
    "bytes": (bytes, [b"", b"\x00\xff"], [b"", b"\x00\xff"]),
    "uuid": (UUID, [UUID(int=2**128 - 1), str(UUID(int=1))], [UUID(int=2**128 - 1), UUID(int=1)]),
    "decimal": (Money, [Decimal("-0.01"), "12345678.90"], [Decimal("-0.01"), Decimal("12345678.90")]),
    "date": (date, [date(1, 1, 1), "9999-12-31"], [date(1, 1, 1), date(9999, 12, 31)]),
    "time": (time, [time(0), "23:59:59.999999"], [time(0), time(23, 59, 59, 999_999)]),
    "aware": (AwareDatetime, [AWARE, "2013-01-15T00:00:00+05:00"], [AWARE, datetime(2013, 1, 14, 19, tzinfo=UTC)]),
    "naive": (NaiveDatetime, [AWARE.replace(tzinfo=None)] * 2, [AWARE.replace(tzinfo=None)] * 2),
    "enum": (Color, [Color.RED, "blue"], ["red", "blue"]),
    "literal": (Literal["a", "b"], ["a", "b"], ["a", "b"]),
    "model": (City, [{"name": "x"}] * 2, [{"name": "x", "zone": None}] * 2),
    "model with a uuid": (
        City,
        [{"name": "x", "zone": UUID(int=1)}, {"name": "y"}],
        [{"name": "x", "zone": UUID(int=1)}, {"name": "y", "zone": None}],
    ),
}


def schema_of(kind: Any) -> type[BaseModel]:
    """Return a model with the type in each place where it can be."""
    part: Any = create_model("Part", one=(kind, ...), maybe=(kind | None, None), some=(list[kind], []))
    fields: dict[str, Any] = {
        "flat": kind,
        "maybe": kind | None,
        "some": list[kind],
        "holes": list[kind | None] | None,
        "lists": list[list[kind] | None] | None,
        "part": part,
        "maybe_part": part | None,
        "parts": list[part],
        "maybe_parts": list[part | None] | None,
        "part_lists": list[list[part]] | None,
    }
    declared: dict[str, Any] = {name: (field, ...) for name, field in fields.items()}
    return create_model("Everything", id=(int, ...), **declared)


def rows_with(one: Any, two: Any) -> list[dict[str, Any]]:
    part, bare = {"one": one, "maybe": two, "some": [one, two]}, {"one": two, "maybe": None, "some": []}
    nothing = {"id": 2, "flat": two, "maybe": None, "some": [], "holes": None, "lists": None, "part": bare}
    return [
        {
            "id": 1,
            "flat": one,
            "maybe": two,
            "some": [one, two],
            "holes": [None, one, None],
            "lists": [[one, two], None, []],
            "part": part,
            "maybe_part": part,
            "parts": [part, bare],
            "maybe_parts": [None, part],
            "part_lists": [[part], [], [bare, part]],
        },
        {**nothing, "maybe_part": None, "parts": [], "maybe_parts": None, "part_lists": None},
        {**nothing, "id": 3, "holes": [], "lists": [], "maybe_part": bare, "parts": [bare], "maybe_parts": []}
        | {"part_lists": []},
    ]


@pytest.mark.parametrize("name", TYPES)
def test_each_type_in_each_place_is_stored_read_and_found_the_same(lakehouse: Lakehouse, name: str) -> None:
    kind, given, stored = TYPES[name]

    def run(*rows: dict[str, Any]) -> RunReport:
        return ran(lakehouse, *rows, unique_key="id", validation_schema=schema_of(kind))

    given_rows, stored_rows = rows_with(*given), rows_with(*stored)
    first = run(*given_rows)
    assert (first.rows_inserted, first.rows_refused) == (3, 0), first.refused
    assert table_rows(lakehouse) == stored_rows
    assert not run(*given_rows).committed
    # One row changes, and the others are written again with it.
    changed = run({**given_rows[1], "id": 1})
    assert (changed.rows_updated, changed.rows_inserted) == (1, 0)
    assert table_rows(lakehouse) == [{**stored_rows[1], "id": 1}, *stored_rows[1:]]
    assert not run({**given_rows[1], "id": 1}, *given_rows[1:]).committed
    assert lakehouse.read("raw.readings").height == 3
