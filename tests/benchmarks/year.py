"""What a year of runs does to a table that is maintained every week.

    python tests/benchmarks/year.py [--hourly-weeks 3]

One table gets a run a day for a year, another one a run an hour. Each run merges new rows, and corrects some of those
of the two days before. Every week the table is maintained, and its files get a week older. In the end, the benchmark
reads the table and one that was just written with the same rows, and compares the sizes of both with everything in
their directories. 8,736 hourly runs take a quarter of an hour of CPU time, so the first weeks of the hourly table are
one run each, and only the last ones have a run an hour: `--hourly-weeks 52` simulates them all.

Limits: reads cost at most 1.3 times those of the new table, and the directory is at most twice as large as the new
table's. Reads are the least of seven, in CPU time. The exit code is 1 if a limit is exceeded. A table keeps the
snapshots of its last runs, so a small one, of which each run writes a large part anew, takes more than twice the space.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.types import DoubleType, LongType, NestedField, StringType

from cascade.iceberg import Lakehouse, ensure_table, merge_rows, open_lakehouse
from cascade.iceberg.conftest import Settings
from cascade.iceberg.maintenance import maintain_table, table_locations
from cascade.iceberg.snapshot.retention import Retention
from cascade.table_ref import TableRef

MOST_READING, MOST_SPACE = 1.3, 2.0
WEEKS = 52
DAY = 86_400.0
# A day of this benchmark takes less than the ten minutes for which a snapshot stays otherwise.
RETENTION = Retention(snapshots=20, days=0, least_age=0)
SCHEMA = Schema(
    NestedField(1, "id", LongType(), required=True),
    NestedField(2, "value", DoubleType(), required=False),
    NestedField(3, "text", StringType(), required=False),
    identifier_field_ids=[1],
)


def batch(ids: list[int], version: int) -> pa.Table:
    """Return rows that compress as badly as measurements do."""
    values = random.Random(version)
    columns = [[values.random() for _ in ids], [f"{values.getrandbits(60):x}" for _ in ids]]
    return pa.table({"id": pa.array(ids, pa.int64()), "value": columns[0], "text": columns[1]})


def ids_of(number: int, rows: int, corrected: int, runs_a_day: int) -> list[int]:
    """Return the ids of a run: new ones, and some of those of the two days before."""
    first = number * rows
    old = range(max(0, first - 2 * runs_a_day * rows), first)
    return [*sorted(random.Random(number).sample(old, min(corrected, len(old)))), *range(first, first + rows)]


def week_passes(lakehouse: Lakehouse, ref: TableRef) -> None:
    """Make the files of a table a week older, and maintain it."""
    for path in Path(lakehouse.require(ref).location()).rglob("*"):
        if path.is_file():
            written = path.stat().st_mtime - 7 * DAY
            os.utime(path, (written, written))
    done = maintain_table(lakehouse, ref, table_locations(lakehouse), orphan_age=DAY)
    assert not done.problems, done.problems


def cpu() -> float:
    """Return the CPU seconds of this process."""
    return time.process_time()


def reading(tables: list[Table]) -> list[float]:
    """Return the CPU seconds of reading each table, measured in turns."""
    least = [float("inf")] * len(tables)
    for _ in range(7):
        for place, table in enumerate(tables):
            start = cpu()
            table.scan().to_arrow()
            least[place] = min(least[place], cpu() - start)
    return least


def size(table: Table) -> int:
    """Return the bytes in the directory of a table."""
    return sum(path.stat().st_size for path in Path(table.location()).rglob("*") if path.is_file())


def year(lakehouse: Lakehouse, name: str, rows: int, corrected: int, runs_a_day: int, weeks_of_runs: int) -> bool:
    """Simulate the runs of a table, print what they cost, and return whether that is within the limits."""
    ref, new = TableRef("raw", name), TableRef("raw", f"{name}_new")
    ensure_table(lakehouse, ref, SCHEMA)
    start = cpu()
    for week in range(WEEKS):
        runs = range(week * 7 * runs_a_day, (week + 1) * 7 * runs_a_day)
        if week < WEEKS - weeks_of_runs:
            ids = list(range(runs.start * rows, runs.stop * rows))
            merge_rows(lakehouse, ref, batch(ids, week), ["id"], run_id=f"week {week}")
        else:
            for run in runs:
                ids = ids_of(run, rows, corrected, runs_a_day)
                merge_rows(lakehouse, ref, batch(ids, run), ["id"], run_id=f"{run}")
        week_passes(lakehouse, ref)
    spent = cpu() - start
    table = lakehouse.require(ref)
    ensure_table(lakehouse, new, SCHEMA)
    merge_rows(lakehouse, new, table.scan().to_arrow(), ["id"], run_id="new")
    fresh = lakehouse.require(new)
    (old_read, new_read), (old_size, new_size) = reading([table, fresh]), (size(table), size(fresh))
    files = len(list(table.scan().plan_files()))
    slower, larger = old_read / new_read, old_size / new_size
    print(f"{name}: {weeks_of_runs * 7 * runs_a_day} runs, {spent:.0f} CPU s with maintenance, {files} files")
    print(f"  read       {old_read * 1000:7.1f} ms, new {new_read * 1000:7.1f} ms: {slower:.2f} times")
    print(f"  directory  {old_size / 1e6:7.1f} MB, new {new_size / 1e6:7.1f} MB: {larger:.2f} times")
    return slower <= MOST_READING and larger <= MOST_SPACE


def main() -> int:
    """Simulate both years."""
    parser = argparse.ArgumentParser(description="What a year of runs does to a table that is maintained every week.")
    parser.add_argument("--hourly-weeks", type=int, default=3, help="weeks of the hourly table with a run an hour")
    hourly_weeks = min(parser.parse_args().hourly_weeks, WEEKS)
    with tempfile.TemporaryDirectory() as directory:
        lakehouse = replace(open_lakehouse(Settings(Path(directory) / ".cascade")), retention=RETENTION)
        within = [
            year(lakehouse, "daily", rows=5000, corrected=125, runs_a_day=1, weeks_of_runs=WEEKS),
            year(lakehouse, "hourly", rows=300, corrected=10, runs_a_day=24, weeks_of_runs=hourly_weeks),
        ]
    print(f"limits: read {MOST_READING} times, directory {MOST_SPACE} times")
    return 0 if all(within) else 1


if __name__ == "__main__":
    sys.exit(main())
