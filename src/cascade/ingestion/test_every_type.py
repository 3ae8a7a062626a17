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
from cascade.iceberg.keys import sorted_by_key
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
    "model_with_uuid": (
        City,
        [{"name": "x", "zone": UUID(int=1)}, {"name": "y"}],
        [{"name": "x", "zone": UUID(int=1)}, {"name": "y", "zone": None}],
    ),
}


def fields_of(name: str, kind: Any) -> dict[str, Any]:
    """Return the fields of a model with a type in each place where it can be."""
    part: Any = create_model("Part", one=(kind, ...), maybe=(kind | None, None), some=(list[kind], []))
    places: dict[str, Any] = {
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
    return {f"{name}_{place}": (field, ...) for place, field in places.items()}


def values_of(name: str, one: Any, two: Any) -> list[dict[str, Any]]:
    """Return three rows with values of a type: full ones, null ones, and empty ones."""
    part, bare = {"one": one, "maybe": two, "some": [one, two]}, {"one": two, "maybe": None, "some": []}
    full = {
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
    }
    null = dict.fromkeys(full) | {"flat": two, "some": [], "part": bare, "parts": []}
    empty = null | {"holes": [], "lists": [], "maybe_part": bare, "parts": [bare], "maybe_parts": [], "part_lists": []}
    return [{f"{name}_{place}": value for place, value in row.items()} for row in (full, null, empty)]


def test_each_type_in_each_place_is_stored_read_and_found_the_same(lakehouse: Lakehouse) -> None:
    fields: dict[str, Any] = {"id": (int, ...)}
    given_rows, stored_rows = ([{"id": number} for number in range(3)] for _ in range(2))
    for name, (kind, given, stored) in TYPES.items():
        fields |= fields_of(name, kind)
        for rows, values in ((given_rows, given), (stored_rows, stored)):
            for row, more in zip(rows, values_of(name, *values), strict=True):
                row |= more
    schema = create_model("Everything", **fields)

    def run(*rows: dict[str, Any]) -> RunReport:
        return ran(lakehouse, *rows, unique_key="id", validation_schema=schema)

    first = run(*given_rows)
    assert (first.rows_inserted, first.rows_refused) == (3, 0), first.refused
    assert found(lakehouse) == stored_rows
    assert not run(*given_rows).committed
    # One row changes, and the others are written again with it.
    changed = run({**given_rows[1], "id": 0})
    assert (changed.rows_updated, changed.rows_inserted) == (1, 0)
    assert found(lakehouse) == [{**stored_rows[1], "id": 0}, *stored_rows[1:]]
    assert not run({**given_rows[1], "id": 0}, *given_rows[1:]).committed
    assert lakehouse.read("raw.readings").height == 3


def found(lakehouse: Lakehouse) -> list[dict[str, Any]]:
    return sorted(table_rows(lakehouse), key=lambda row: row["id"])


@pytest.mark.parametrize("name", sorted(TYPES.keys() - {"float", "naive", "model", "model_with_uuid"}))
def test_each_type_of_key_merges_and_sorts(lakehouse: Lakehouse, name: str) -> None:
    kind, given, stored = TYPES[name]
    schema = create_model("Keyed", id=(kind, ...), n=(int, ...))
    options: dict[str, Any] = {"unique_key": "id", "validation_schema": schema}
    first = ran(lakehouse, *({"id": one, "n": n} for n, one in enumerate(given)), **options)
    assert first.rows_inserted == 2, first.refused
    again = ran(lakehouse, {"id": given[1], "n": 7}, {"id": given[0], "n": 0}, **options)
    assert (again.rows_inserted, again.rows_updated) == (0, 1)
    expected = [{"id": one, "n": n} for one, n in zip(stored, (0, 7), strict=True)]
    rows = sorted_by_key(lakehouse.catalog.load_table("raw.readings").scan().to_arrow(), ["id"])
    assert rows.to_pylist() == sorted(expected, key=lambda row: row["id"])
