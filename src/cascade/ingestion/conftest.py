from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import AwareDatetime, BaseModel, Field

from cascade.dagster_storage import speed_up_dagster_storage
from cascade.iceberg.catalog import Lakehouse, open_lakehouse
from cascade.iceberg.conftest import Settings
from cascade.ingestion import cascade_ingestion
from cascade.ingestion.run import run_ingestion
from cascade.partitions import window_for
from cascade.runs.report import RunReport

DAY = "2013-01-15"


class Reading(BaseModel):
    station: str
    at: AwareDatetime
    celsius: float | None = Field(None, lt=60)


AT = datetime(2013, 1, 15, 12, tzinfo=UTC)
A = {"station": "a", "at": AT, "celsius": 1.0}
B = {"station": "b", "at": AT, "celsius": None}
HOT = {"station": "c", "at": AT, "celsius": 99.0}

ARGUMENTS: dict[str, Any] = {
    "table_name": "readings",
    "unique_key": ["station", "at"],
    "group": "weather",
    "validation_schema": Reading,
    "partition_start": "2013-01-01",
}


@pytest.fixture(scope="session", autouse=True)
def quick_dagster() -> None:
    """Spare the Dagster instances of all tests what the first one did."""
    speed_up_dagster_storage()


def ran(
    lakehouse: Lakehouse,
    *rows: object,
    function: Any = None,
    key: str | None = DAY,
    run_id: str = "run",
    **arguments: Any,
) -> RunReport:
    declaration = cascade_ingestion(**{**ARGUMENTS, **arguments})(function or (lambda: list(rows))).declaration
    return run_ingestion(declaration, lakehouse=lakehouse, window=window_for(declaration, key), run_id=run_id)


def table_rows(lakehouse: Lakehouse, name: str = "readings") -> list[dict[str, Any]]:
    return sorted(lakehouse.catalog.load_table(("raw", name)).scan().to_arrow().to_pylist(), key=repr)


def stations(lakehouse: Lakehouse) -> list[str]:
    return [row["station"] for row in table_rows(lakehouse)]


@pytest.fixture
def lakehouse(tmp_path: Path) -> Lakehouse:
    return open_lakehouse(Settings(tmp_path / ".cascade"))
