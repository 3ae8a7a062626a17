"""`refuse_over`: a run with too many refused rows publishes nothing."""

from __future__ import annotations

import dlt
import pytest

from cascade.exceptions import RowsRefusedError
from cascade.iceberg.catalog import Lakehouse
from cascade.ingestion.conftest import HOT, A, ran, stations, table_rows
from cascade.ingestion.refusals import most_refused


def rows(good: int, refused: int) -> list[dict[str, object]]:
    found = [{**A, "station": f"good{number}"} for number in range(good)]
    return found + [{**HOT, "station": f"hot{number}"} for number in range(refused)]


@pytest.mark.parametrize("limit", [2, 0.2])
def test_a_run_with_as_many_refused_rows_as_allowed_publishes(lakehouse: Lakehouse, limit: float) -> None:
    report = ran(lakehouse, *rows(8, 2), refuse_over=limit)
    assert (report.rows_good, report.rows_refused, len(stations(lakehouse))) == (8, 2, 8)


@pytest.mark.parametrize("limit", [2, 0.2, 0, 0.0])
def test_a_run_with_more_publishes_nothing_and_keeps_the_refused_rows(lakehouse: Lakehouse, limit: float) -> None:
    ran(lakehouse, A)
    [head] = lakehouse.catalog.load_table("raw.readings").snapshots()
    with pytest.raises(RowsRefusedError) as caught:
        ran(lakehouse, *rows(7, 2), {**A, "at": "noon"}, refuse_over=limit)
    assert (caught.value.refused, caught.value.total) == (3, 10)
    text = str(caught.value)
    allowed = most_refused(limit, 10)
    assert f"3 of 10 rows were refused, more than the {allowed} that refuse_over={limit!r} allows" in text
    assert "so no row was published. The refused rows are in raw.readings__quarantine." in text
    assert "By rule: less_than in celsius 2, datetime_from_date_parsing in at 1." in text
    assert lakehouse.catalog.load_table("raw.readings").snapshots() == [head]
    assert stations(lakehouse) == ["a"]
    assert len(table_rows(lakehouse, "readings__quarantine")) == 3


def test_what_earlier_runs_refused_stays_until_a_run_publishes(lakehouse: Lakehouse) -> None:
    ran(lakehouse, A, HOT, refuse_over=1)
    corrected = {**HOT, "celsius": 20.0}
    with pytest.raises(RowsRefusedError):
        ran(lakehouse, corrected, *rows(0, 2), refuse_over=1)
    assert len(table_rows(lakehouse, "readings__quarantine")) == 3
    ran(lakehouse, corrected, *rows(0, 1), refuse_over=1)
    assert stations(lakehouse) == ["a", "c"]
    assert len(table_rows(lakehouse, "readings__quarantine")) == 1


def test_a_cursor_stays_behind_the_rows_of_a_run_that_fails(lakehouse: Lakehouse) -> None:
    def source(*found: dict[str, object]) -> object:
        return lambda: dlt.resource(list(found), name="readings").apply_hints(incremental=dlt.sources.incremental("n"))

    first = [{**row, "n": number} for number, row in enumerate(rows(3, 2))]
    with pytest.raises(RowsRefusedError):
        ran(lakehouse, function=source(*first), refuse_over=1)
    report = ran(lakehouse, function=source(*first), refuse_over=2)
    assert (report.rows_in, report.rows_good, report.rows_refused) == (5, 3, 2)


@pytest.mark.parametrize(
    ("limit", "rows_in", "most"), [(0.29, 100, 29), (0.05, 20, 1), (0.05, 19, 0), (0.001, 999, 0), (3, 10, 3)]
)
def test_a_share_is_that_of_its_decimal_digits(limit: float, rows_in: int, most: int) -> None:
    assert most_refused(limit, rows_in) == most
