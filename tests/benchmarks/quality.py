"""What checks cost together, compared with the dearest of them alone.

    python tests/benchmarks/quality.py [ROWS]

It judges 1,000,000 rows that a run landed, in memory, by twelve checks of values, counts, keys and a query, first each
alone and then all together, and prints the CPU seconds. Limit: all together cost at most twice the dearest one. Every
number is the least of three runs. The exit code is 1 if the limit is exceeded.
"""

from __future__ import annotations

import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa

from cascade.iceberg import open_lakehouse
from cascade.quality import (
    Freshness,
    Length,
    NotNull,
    OneOf,
    Pattern,
    Range,
    RowCount,
    Sql,
    Subject,
    Unique,
    cascade_quality,
    judge,
)
from cascade.table_ref import TableRef

LIMIT = 2.0
NOW = datetime(2024, 1, 15, tzinfo=UTC)
REF = TableRef("raw", "readings")
CHECKS: list[Any] = [
    NotNull("id"),
    NotNull("station"),
    NotNull("celsius"),
    Range("celsius", -90, 60),
    Range("humidity", min=0, max=100),
    OneOf("station", [f"station-{number}" for number in range(100)]),
    Pattern("station", r"station-\d+"),
    Length("station", 9, 20),
    RowCount(min=1),
    Freshness("at", hours=24, scope="partition"),
    Unique("id", scope="partition"),
    Sql("select * from readings where humidity > 90 and celsius > 50", scope="partition"),
]


def readings(count: int) -> pa.Table:
    """Return rows that pass every check."""
    numbers = range(count)
    return pa.table(
        {
            "id": pa.array(numbers, pa.int64()),
            "station": pa.array([f"station-{number % 100}" for number in numbers]),
            "celsius": pa.array([number % 40 - 10.5 for number in numbers]),
            "humidity": pa.array([number % 101 for number in numbers], pa.int32()),
            "at": pa.array([NOW - timedelta(seconds=number % 3600) for number in numbers], pa.timestamp("us", "UTC")),
        }
    )


def cpu_seconds(subject: Subject, checks: list[Any]) -> float:
    """Return the CPU seconds of judging by some checks, the least of three runs."""

    @cascade_quality(table="readings", checks=checks, group="benchmark")
    def good() -> None: ...

    least = float("inf")
    for _ in range(3):
        started = time.process_time()
        results = judge([good.declaration], subject)
        least = min(least, time.process_time() - started)
        assert all(result.passed for result in results), [result.message for result in results if not result.passed]
    return least


def main() -> int:
    """Measure, print, and return the exit code."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    rows = readings(count)
    with tempfile.TemporaryDirectory() as directory:
        settings: Any = SimpleNamespace(
            state_directory=Path(directory),
            iceberg_catalog=None,
            iceberg_warehouse=None,
            nessie_uri=None,
            nessie_ref="",
        )
        lakehouse = open_lakehouse(settings)
        lakehouse.catalog.create_namespace("raw")
        lakehouse.catalog.create_table(REF.identifier, schema=rows.schema)
        subject = Subject(lakehouse, REF, rows, now=NOW)
        alone = {check.label: cpu_seconds(subject, [check]) for check in CHECKS}
        together = cpu_seconds(subject, CHECKS)
    for label, seconds in sorted(alone.items(), key=lambda item: item[1]):
        print(f"{label:20} {seconds:6.3f} s")
    ratio = together / max(alone.values())
    print(f"{len(CHECKS)} checks together {together:.3f} s of CPU over {count:,} rows")
    print(f"ratio to the dearest {ratio:.2f} (limit {LIMIT:g})")
    return int(ratio > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
