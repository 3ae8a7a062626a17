"""What a dry run says of a replay is what the replay then does."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import pytest
from hypothesis import HealthCheck, given, settings
from pydantic import Field, create_model

from cascade.exceptions import RowsRefusedError, SchemaDriftError
from cascade.iceberg.catalog import Lakehouse, open_lakehouse
from cascade.iceberg.conftest import Settings
from cascade.iceberg.quarantined_rows import no_quarantined_rows, quarantined_rows
from cascade.iceberg.snapshot.retention import Retention
from cascade.ingestion import cascade_ingestion
from cascade.ingestion.conftest import ARGUMENTS, DAY, ran
from cascade.ingestion.replay_rows import Foretold, foretell
from cascade.ingestion.test_replay import EVENTS, LAX, NEXT, READINGS, STEPS, STRICT, landed, replayed, run, schema


def foretold(lakehouse: Lakehouse, keys: Sequence[str] = (DAY,), model: Any = LAX, **how: Any) -> list[Foretold]:
    declaration = cascade_ingestion(**{**ARGUMENTS, **EVENTS, "validation_schema": model, **how})(
        lambda: []
    ).declaration
    rows = quarantined_rows(lakehouse, READINGS.quarantine)
    return list(foretell(declaration, lakehouse, no_quarantined_rows() if rows is None else rows, keys))


def test_rows_that_stay_although_they_pass_are_told_apart(lakehouse: Lakehouse) -> None:
    run(lakehouse, {1: 200, 2: 300, 3: 400, 4: 4, 5: 5000})
    eager = replace(lakehouse, retention=Retention(snapshots=1, days=0, least_age=0))
    # The second row waits for a newer one that stays, and nobody knows which version of the first one is newer.
    run(eager, {2: 3000, 6: 6}, key=NEXT)
    run(eager, {1: 1, 2: 3000}, key=NEXT)
    run(eager, {7: 7, 2: 3000}, key=NEXT)
    [found] = foretold(lakehouse)
    assert (found.rows, found.passing, found.leaving, found.outdated) == (4, 3, 1, 0)
    assert [notice.partition(" now, but ")[2][:20] for notice in found.notices] == [
        "a newer row with the",
        "nobody knows whether",
    ]
    report = replayed(lakehouse)
    assert (report.rows_good, report.notices) == (found.leaving, found.notices)


def test_rows_that_leave_without_landing_are_counted(lakehouse: Lakehouse) -> None:
    run(lakehouse, {1: 200, 2: 300, 3: 3})
    run(lakehouse, {1: 1}, key=NEXT)
    [found] = foretold(lakehouse)
    assert (found.passing, found.leaving, found.outdated) == (2, 2, 1)
    report = replayed(lakehouse)
    assert (report.rows_good, report.rows_inserted, landed(lakehouse)) == (2, 1, {1: 1, 2: 300, 3: 3})


def test_a_column_that_the_table_lacks_is_no_obstacle_and_drift_is_told(lakehouse: Lakehouse) -> None:
    run(lakehouse, {1: 200, 3: 3})
    before = lakehouse.require(READINGS).metadata_location
    [found] = foretold(lakehouse, model=schema(1000, note=(str | None, None)))
    assert found.leaving == 1
    with pytest.raises(SchemaDriftError):
        foretold(lakehouse, model=schema(1000, note=(str, "")))
    assert lakehouse.require(READINGS).metadata_location == before


def test_a_key_of_text_and_a_decimal_that_became_wider_are_compared(lakehouse: Lakehouse) -> None:
    def priced(limit: int, digits: int) -> Any:
        amount = Annotated[Decimal, Field(max_digits=digits, decimal_places=2, lt=limit)]
        return create_model("Price", station=(str, ...), day=(date, ...), amount=(amount, ...))

    def price(station: str, amount: str) -> dict[str, Any]:
        return {"station": station, "day": "2024-01-01", "amount": Decimal(amount)}

    how: dict[str, Any] = {"unique_key": ("station", "day")}
    rows = [price("a", "1.00"), price("b", "20000.00"), price("c", "30.00")]
    ran(lakehouse, *rows, validation_schema=priced(10, 5), **how)
    ran(lakehouse, price("c", "3.00"), key=NEXT, validation_schema=priced(10, 5), **how)
    wider = priced(100_000, 9)
    [found] = foretold(lakehouse, model=wider, **how)
    assert (found.rows, found.leaving, found.outdated) == (2, 2, 1)
    report = replayed(lakehouse, wider, **how)
    assert (report.rows_good, report.rows_inserted) == (2, 1)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(STEPS)
def test_replays_do_what_was_foretold(steps: list[tuple[str, str, set[int]]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        lakehouse, model = open_lakehouse(Settings(Path(directory))), STRICT
        for number, (step, key, bad) in enumerate([("run", DAY, {1}), *steps]):
            if step == "fix":
                model = LAX
            elif step == "run":
                rows = {each: number + (500.0 if each in bad else 0.0) for each in (1, 2, 3)}
                run(lakehouse, {**rows, 9: 0.0}, key=key, validation_schema=model)
        keys = [NEXT, DAY]
        for found in foretold(lakehouse, keys):
            try:
                left = replayed(lakehouse, key=found.partition).rows_good
            except RowsRefusedError:
                left = 0
            assert left == found.leaving
