"""Whether memory stays bounded when a partition does not fit in it.

    PYTHONPATH=src:tests python tests/benchmarks/memory.py [--rows 20000000] [--case NAME ...] [--json]

Run it with the interpreter of an environment with the runtime's requirements and pytest. Each case is a run of a
workflow, in a process of its own, whose function is a generator of ten columns of random values. The figure is the most
memory that this process ever had, imports included, against a limit of 600 MB. CPU seconds include the generator. Exit
code 1 when a limit is exceeded. All cases take about 20 minutes and 6 GB of disk.

- `sorted`, `random`: the rows by ascending and by random keys, as Arrow batches, merged into an empty table.
- `merge`: a quarter of the rows by random keys, into a table of half the rows.
- `append`, `replace`: the rows, with these write dispositions.
- `tuples`: a tenth of the rows, as dicts made from tuples, which take as long as ten times as many in Arrow.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from benchmarks.sample_table import MILLION, batch, cpu_seconds
from pydantic import AwareDatetime, BaseModel

LIMIT_MEGABYTES = 600
_ROWS_PER_BATCH = 100_000
_CASES = ("sorted", "random", "merge", "append", "replace", "tuples")


class Reading(BaseModel):
    """A row of the sample table."""

    id: int
    value_0: float
    value_1: float
    value_2: float
    value_3: float
    station: str
    count: int
    at: AwareDatetime
    day: date
    flag: bool


def arrow(rows: int, *, shuffled: bool) -> Iterator[pa.Table]:
    """Yield rows with even keys, ascending or in random order."""
    # An odd factor visits each number below a power of two once, in an order that has no memory.
    power = 1 << (rows - 1).bit_length()
    for start in range(0, power, _ROWS_PER_BATCH):
        ids = np.arange(start, min(start + _ROWS_PER_BATCH, power))
        if shuffled:
            ids = ids * 0x9E3779B1 % power
        ids = ids[ids < rows]
        if len(ids):
            yield batch(ids * 2, start)


def dicts(rows: int) -> Iterator[dict[str, Any]]:
    """Yield rows one by one, in random order."""
    for table in arrow(rows, shuffled=True):
        names = table.column_names
        for row in zip(*(column.to_pylist() for column in table.columns), strict=True):
            yield dict(zip(names, row, strict=True))


def run_case(case: str, rows: int, home: Path) -> dict[str, float]:
    """Run a workflow in this process, and return what it cost."""
    from cascade.iceberg.catalog import open_lakehouse
    from cascade.iceberg.conftest import Settings
    from cascade.ingestion import cascade_ingestion
    from cascade.ingestion.run import run_ingestion

    sources = {
        "base": lambda: arrow(rows // 2, shuffled=False),
        "merge": lambda: arrow(rows // 4, shuffled=True),
        "sorted": lambda: arrow(rows, shuffled=False),
        "tuples": lambda: dicts(rows // 10),
    }
    disposition = case if case in ("append", "replace") else "merge"
    arguments: dict[str, Any] = {"unique_key": ["id"]} if disposition == "merge" else {}
    arguments |= {"validation_schema": Reading, "write_disposition": disposition, "partitions": None}
    workflow = cascade_ingestion(table_name="readings", group="weather", **arguments)(
        sources.get(case, lambda: arrow(rows, shuffled=True))
    )
    before = cpu_seconds()
    report = run_ingestion(workflow.declaration, lakehouse=open_lakehouse(Settings(home)), window=None, run_id=case)
    return {
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "seconds": cpu_seconds() - before,
        "rows": report.rows_in,
        "inserted": report.rows_inserted,
        "updated": report.rows_updated,
        "snapshots": float(report.committed),
    }


def measured(case: str, rows: int, home: Path) -> dict[str, float]:
    """Return what a case costs in a process of its own."""
    command = [sys.executable, __file__, "--child", case, "--rows", str(rows), "--home", str(home)]
    found = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    answer: dict[str, float] = json.loads(found.stdout.splitlines()[-1])
    return answer


def main() -> int:
    """Print the figures and compare them with the limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=20 * MILLION, help="rows of the generator, 20 million by default")
    parser.add_argument("--case", action="append", choices=_CASES, help="a case; all by default")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(run_case(options.child, options.rows, options.home)))
        return 0
    figures = {}
    for case in options.case or _CASES:
        with tempfile.TemporaryDirectory(prefix="cascade-benchmark-") as home:
            if case == "merge":
                measured("base", options.rows, Path(home))
            found = figures[case] = measured(case, options.rows, Path(home))
        if not options.json:
            met = "" if found["megabytes"] <= LIMIT_MEGABYTES else "  exceeded"
            given = f"{case:8} {found['rows'] / MILLION:5.1f}M rows {found['seconds']:7.1f} s"
            print(f"{given} {found['megabytes']:6.0f} MB, limit {LIMIT_MEGABYTES} MB{met}", flush=True)
    if options.json:
        print(json.dumps(figures, indent=2))
    return int(any(found["megabytes"] > LIMIT_MEGABYTES for found in figures.values()))


if __name__ == "__main__":
    sys.exit(main())
