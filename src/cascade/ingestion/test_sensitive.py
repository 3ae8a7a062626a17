"""Values of sensitive columns are in the table, and nowhere else."""

from __future__ import annotations

import json
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, Field

from cascade.declarations.sensitive import Sensitive
from cascade.iceberg.catalog import Lakehouse
from cascade.ingestion.conftest import AT, ran, table_rows
from cascade.schemas.sensitive import LEFT_OUT


class Reading(BaseModel):
    station: str
    at: AwareDatetime
    celsius: float | None = Field(None, lt=60)
    phone: Annotated[str | None, Sensitive] = None


GOOD = {"station": "a", "at": AT, "phone": "call-a"}
HOT = {"station": "b", "at": AT, "celsius": 99.0, "phone": "call-b", "remark": "call call-b"}


def test_values_are_in_the_table_but_in_no_preview_quarantine_or_report(lakehouse: Lakehouse) -> None:
    report = ran(lakehouse, GOOD, HOT, validation_schema=Reading)
    assert [row["phone"] for row in table_rows(lakehouse)] == ["call-a"]
    assert report.sample.rows and "phone" not in report.sample.rows[0]
    (kept,) = table_rows(lakehouse, "readings__quarantine")
    assert json.loads(kept["row"]) == {
        "station": "b",
        "at": AT.isoformat(),
        "celsius": 99.0,
        LEFT_OUT: ["phone", "remark"],
    }
    assert "call-" not in repr(report) + repr(kept)


def test_an_identical_run_keeps_the_quarantine_and_a_corrected_one_clears_it(lakehouse: Lakehouse) -> None:
    for _ in range(2):
        ran(lakehouse, GOOD, HOT, validation_schema=Reading)
        assert len(table_rows(lakehouse, "readings__quarantine")) == 1
    ran(lakehouse, GOOD, {**HOT, "celsius": 9.0}, validation_schema=Reading)
    assert table_rows(lakehouse, "readings__quarantine") == []


def test_a_sensitive_key_is_not_in_the_warning_about_another_partition(lakehouse: Lakehouse) -> None:
    class Keyed(BaseModel):
        station: Annotated[str, Sensitive]

    ran(lakehouse, {"station": "call-c"}, key="2013-01-15", validation_schema=Keyed, unique_key="station")
    report = ran(lakehouse, {"station": "call-c"}, key="2013-01-16", validation_schema=Keyed, unique_key="station")
    assert "call-" not in repr(report)
