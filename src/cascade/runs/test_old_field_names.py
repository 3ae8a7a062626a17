from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from cascade.runs.old_field_names import normalized, with_old_names
from cascade.schemas import Batch


def renamed(batch: Batch, *reads: str) -> Any:
    taken: list[Batch] = []
    with_old_names(taken.append, frozenset(reads))(batch)
    (only,) = taken
    return only


@pytest.mark.parametrize(
    ("name", "new"), [("stationId", "station_id"), ("_id", "_id"), ("ID", "id"), ("Wind Speed", "wind_speed")]
)
def test_names_are_those_of_dlt(name: str, new: str) -> None:
    assert normalized(name) == new


def test_fields_of_rows_get_the_names_that_the_schema_reads() -> None:
    rows: Batch = [{"stationId": "a", "dateString": "x", "other": 1}, {"stationId": "b"}]

    assert renamed(rows, "station_id") == [
        {"dateString": "x", "other": 1, "station_id": "a"},
        {"station_id": "b"},
    ]


def test_a_field_that_the_schema_reads_keeps_its_name() -> None:
    rows: Batch = [{"stationId": "a", "station_id": "b"}]

    assert renamed(rows, "stationId", "station_id") is rows
    assert renamed(rows, "station_id") is rows


def test_objects_are_flattened_as_far_as_the_schema_reads() -> None:
    rows: Batch = [{"id": 1, "actor": {"login": "ada", "more": {"avatarUrl": "u", "x": 1}}}]

    assert renamed(rows, "id", "actor__login", "actor__more__avatar_url") == [
        {"id": 1, "actor__login": "ada", "actor__more__avatar_url": "u"}
    ]
    # A schema of today may read the object as it is.
    assert renamed(rows, "id", "actor") is rows


def test_columns_of_tables_get_the_names_that_the_schema_reads() -> None:
    table = pa.table({"stationId": ["a"], "celsius": [1.0], "windSpeed": [2.0]})

    assert renamed(table, "station_id", "celsius").column_names == ["station_id", "celsius", "windSpeed"]
    assert renamed(table, "celsius") is table


def test_a_column_is_never_there_twice() -> None:
    table = pa.table({"stationId": ["a"], "station_id": ["b"]})

    assert renamed(table, "station_id") is table
