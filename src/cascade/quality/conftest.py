from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import pytest
from pydantic import AwareDatetime, BaseModel

from cascade.dagster_storage import speed_up_dagster_storage
from cascade.declarations.sensitive import Sensitive
from cascade.iceberg import ensure_table, merge_rows
from cascade.iceberg.catalog import Lakehouse, open_lakehouse
from cascade.iceberg.conftest import Settings
from cascade.partitions import PartitionWindow
from cascade.quality import CheckResult, Subject, cascade_quality, judge
from cascade.schemas import declared_schema, to_iceberg_schema
from cascade.table_ref import TableRef


class Reading(BaseModel):
    id: int
    station: str | None = None
    celsius: float | None = None
    at: AwareDatetime | None = None
    day: date | None = None
    phone: Annotated[str | None, Sensitive] = None


READINGS = TableRef("raw", "readings")
AUDIT = READINGS.on("audit")
DAY = datetime(2024, 1, 15, tzinfo=UTC)
WINDOW = PartitionWindow("2024-01-15", DAY, DAY + timedelta(days=1))


def rows_of(*rows: Mapping[str, Any]) -> pa.Table:
    schema = declared_schema(Reading).arrow
    return pa.Table.from_pylist([{"id": number, **row} for number, row in enumerate(rows, start=1)], schema=schema)


def reading_table(count: int = 1, **columns: Any) -> pa.Table:
    """Return rows with ids from 1, and the columns given, each by a function of the id or as one value."""
    schema = declared_schema(Reading).arrow
    given = {
        name: [value(number) if isinstance(value, Callable) else value for number in range(1, count + 1)]  # type: ignore[arg-type]
        for name, value in {"id": lambda number: number, **columns}.items()
    }
    return pa.Table.from_pylist(
        [dict(zip(given, row, strict=True)) for row in zip(*given.values(), strict=True)], schema=schema
    )


def write(lakehouse: Lakehouse, rows: pa.Table, ref: TableRef = READINGS, run_id: str = "run") -> None:
    if lakehouse.load(ref.on("main")) is None:
        ensure_table(lakehouse, ref.on("main"), to_iceberg_schema(Reading, ["id"]))
    merge_rows(lakehouse, ref, rows, ["id"], run_id=run_id)


def branch(lakehouse: Lakehouse, ref: TableRef = AUDIT) -> None:
    table = lakehouse.require(ref.on("main"))
    snapshot = table.current_snapshot()
    assert snapshot is not None
    table.manage_snapshots().create_branch(snapshot.snapshot_id, ref.branch).commit()


def judged(lakehouse: Lakehouse, *checks: Any, rows: pa.Table | None = None, **subject: Any) -> tuple[CheckResult, ...]:
    arguments = {name: subject.pop(name) for name in ("warn_threshold", "fail_threshold") if name in subject}

    @cascade_quality(table="readings", checks=list(checks), group="weather", **arguments)
    def plausible() -> None:
        """Plausible readings."""

    given = {"ref": READINGS, "schema": Reading, "now": DAY, **subject}
    return judge([plausible.declaration], Subject(lakehouse, rows=rows, **given))


def failing(*results: CheckResult) -> dict[str, int | None]:
    return {result.check: result.failing for result in results if not result.passed}


@pytest.fixture(scope="session", autouse=True)
def quick_dagster() -> None:
    """Spare the Dagster instances of all tests what the first one did."""
    speed_up_dagster_storage()


@pytest.fixture
def lakehouse(tmp_path: Path) -> Lakehouse:
    return open_lakehouse(Settings(tmp_path / ".cascade"))


@pytest.fixture
def readings(lakehouse: Lakehouse) -> Lakehouse:
    """Open a lakehouse whose table has three rows."""
    write(
        lakehouse,
        rows_of(
            {"station": "a", "celsius": 1.0, "at": DAY, "day": DAY.date()},
            {"station": "b", "celsius": 2.0, "at": DAY, "day": DAY.date(), "phone": "555"},
            {"station": "a", "celsius": None},
        ),
    )
    return lakehouse
