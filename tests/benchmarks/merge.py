"""What a merge costs, as ratios to what the hardware must spend and to other tools, in one run.

    PYTHONPATH=src:tests python tests/benchmarks/merge.py [--rows 10000000] [--runs 5] [--case NAME ...] [--json]

Run it with the interpreter of an environment with the runtime's requirements and pytest. The tables have ten
columns. Times are CPU seconds of this process, and the median of the runs counts. The peers run beside the merge on the
same data: `floor` reads the key column, finds the keys and writes the batch with fsync; `upsert` is pyiceberg's. Exit
code 1 when a limit is exceeded. All cases take about 15 minutes and 3 GB of disk.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from benchmarks.sample_table import (
    EPOCH,
    HOUR,
    MILLION,
    REF,
    SampleTable,
    batch,
    median,
    medians,
    peak_megabytes,
    sample_schema,
    spent,
)

from cascade.declarations import PartitionField
from cascade.iceberg.catalog import open_lakehouse
from cascade.iceberg.conftest import Settings
from cascade.iceberg.merge import merge_rows
from cascade.iceberg.snapshot.retention import Retention
from cascade.iceberg.tables import ensure_table


@dataclass(frozen=True)
class Figure:
    """A measured ratio and its limit.

    Args:
        case: what was measured.
        peer: what it is compared with.
        seconds: CPU seconds of the case; None if the figure is no time.
        ratio: the figure.
        limit: the most that it may be.
    """

    case: str
    peer: str
    seconds: float | None
    ratio: float
    limit: float

    @property
    def met(self) -> bool:
        """Whether the figure is within its limit."""
        return self.ratio <= self.limit


def random_keys(directory: Path, rows: int, runs: int) -> list[Figure]:
    """Merge 100,000 random keys."""
    bench = SampleTable(directory / "large", rows)
    merged, floor = medians(
        runs,
        lambda seed: bench.merged(bench.random(100_000, seed)),
        lambda seed: bench.floor(bench.random(100_000, seed)),
    )
    memory = peak_megabytes(lambda: bench.merged(bench.random(100_000, runs + 1)))
    upserted = bench.upserted(bench.random(100_000, 1))
    name = f"100k random keys into {rows // MILLION}M"
    return [
        Figure(name, "floor", merged, merged / floor, 1.5),
        Figure(name, "upsert", merged, merged / upserted, 1 / 40),
        Figure(f"{name}, peak memory", "400 MB", None, memory / 400, 1.0),
    ]


def clustered_keys(directory: Path, rows: int, runs: int) -> list[Figure]:
    """Merge neighbouring keys into a large and into a small table."""
    large, small = SampleTable(directory / "ten", rows), SampleTable(directory / "one", rows // 10)
    figures = []

    def merged(bench: SampleTable, count: int, seed: int) -> float:
        return bench.merged(bench.clustered(count, seed))

    for count in (10_000, 100_000):
        into_large, into_small = medians(runs, *(partial(merged, bench, count) for bench in (large, small)))
        name = f"{count // 1000}k clustered keys into {rows // MILLION}M"
        figures.append(Figure(name, "a tenth of the rows", into_large, into_large / into_small, 1.5))
    return figures


def identical(directory: Path, rows: int, runs: int) -> list[Figure]:
    """Merge the same 100,000 rows again."""
    bench = SampleTable(directory / "same", rows // 10)
    written = 0

    def again(seed: int) -> float:
        nonlocal written
        given = bench.random(100_000, seed)
        with bench.fresh() as lakehouse:
            merge_rows(lakehouse, REF, given, bench.key, run_id="run", partition="day")
            before = len(list((directory / "same").rglob("*.*")))
            seconds = spent(lambda: merge_rows(lakehouse, REF, given, bench.key, run_id="run", partition="day"))
            written += len(list((directory / "same").rglob("*.*"))) - before
            return seconds

    seconds = median(runs, again)
    upserted = bench.upserted(bench.random(100_000, 1))
    name = f"identical 100k rows into {rows // 10 // MILLION}M"
    return [
        Figure(name, "upsert", seconds, seconds / upserted, 1 / 20),
        Figure(f"{name}, files written", "none", None, float(written), 0),
    ]


def appended(directory: Path, rows: int, runs: int) -> list[Figure]:
    """Merge a million new rows."""
    bench = SampleTable(directory / "append", MILLION)

    def new(seed: int) -> pa.Table:
        return batch(np.arange(MILLION) * 2 + 1 + 2 * MILLION, seed)

    def polars(seed: int) -> float:
        frame = pl.from_arrow(new(seed))
        assert isinstance(frame, pl.DataFrame)
        path = directory / "polars.parquet"

        def write() -> None:
            frame.write_parquet(path)
            with path.open("rb") as written:
                os.fsync(written.fileno())

        return spent(write)

    merged, written = medians(runs, lambda seed: bench.merged(new(seed)), polars)
    return [Figure("1M new rows", "Polars writes Parquet", merged, merged / written, 1.3)]


def reading(directory: Path, rows: int, runs: int) -> list[Figure]:
    """Read a table of a million rows after thirty merges of 10,000 random keys."""
    bench = SampleTable(directory / "read", MILLION)
    figures = []
    with bench.fresh() as lakehouse:

        def with_polars(seed: int) -> float:
            table = lakehouse.require(REF)
            return spent(lambda: pl.scan_iceberg(table).collect())

        def with_pyiceberg(seed: int) -> float:
            table = lakehouse.require(REF)
            return spent(lambda: table.scan().to_arrow())

        readers = {"Polars": (with_polars, 1.5), "pyiceberg": (with_pyiceberg, 2.5)}
        fresh = {name: median(runs, read) for name, (read, _) in readers.items()}
        for seed in range(30):
            merge_rows(lakehouse, REF, bench.random(10_000, seed), bench.key, run_id="run", partition="day")
        for name, (read, limit) in readers.items():
            seconds = median(runs, read)
            figures.append(
                Figure(f"{name} reads 1M after 30 merges of 10k", "before", seconds, seconds / fresh[name], limit)
            )
    return figures


def composite(directory: Path, rows: int, runs: int) -> list[Figure]:
    """Merge 20,000 rows on a key of two columns into 200,000."""
    bench = SampleTable(directory / "composite", 200_000, key=("station", "id"))
    merged = median(runs, lambda seed: bench.merged(bench.random(20_000, seed)))
    return [Figure("20k rows into 200k on two columns", "0.5 s", merged, merged / 0.5, 1.0)]


def a_year(directory: Path, rows: int, runs: int) -> list[Figure]:
    """Merge 365 days of some 900 rows, one after the other, into a table with a partition for each month."""
    warehouse = directory / "year"
    warehouse.mkdir()
    lakehouse = replace(open_lakehouse(Settings(warehouse)), retention=Retention(least_age=0))
    key = ("at", "station", "id")
    ensure_table(lakehouse, REF, sample_schema(key), partition_spec=[PartitionField("at", "month")])
    days = []
    for day in range(365):
        given = batch(np.arange(day * 1000, day * 1000 + 900), day)
        times = EPOCH + (day * 24 + np.arange(900) % 24) * HOUR
        at = given.schema.get_field_index("at")
        days.append(given.set_column(at, "at", pa.array(times, pa.timestamp("us", "UTC"))))
    seconds = [
        spent(partial(merge_rows, lakehouse, REF, given, key, run_id="run", partition=str(day)))
        for day, given in enumerate(days)
    ]
    pq.write_table(pa.concat_tables(days), directory / "year.parquet", compression="zstd")
    size = sum(path.stat().st_size for path in (warehouse / "warehouse").rglob("*") if path.is_file())
    source = (directory / "year.parquet").stat().st_size
    # The first runs also load libraries.
    first, last = statistics.median(seconds[3:13]), statistics.median(seconds[-10:])
    return [
        Figure("the last ten of 365 days", "the first ten", last, last / first, 1.3),
        Figure("warehouse after 365 days", "one Parquet file", None, size / source, 4.0),
    ]


CASES = {
    "random": random_keys,
    "clustered": clustered_keys,
    "identical": identical,
    "append": appended,
    "read": reading,
    "composite": composite,
    "year": a_year,
}


def main() -> int:
    """Print the figures and compare them with the limits."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=10 * MILLION, help="rows of the large table, 10 million by default")
    parser.add_argument("--runs", type=int, default=5, help="runs of each case, 5 by default")
    parser.add_argument("--case", action="append", choices=CASES, help="a case; all by default")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    figures: list[Figure] = []
    for name in options.case or CASES:
        with tempfile.TemporaryDirectory(prefix="cascade-benchmark-") as directory:
            found = CASES[name](Path(directory), options.rows, options.runs)
        figures += found
        for figure in found if not options.json else []:
            seconds = f"{figure.seconds:7.3f} s" if figure.seconds is not None else " " * 9
            met = "" if figure.met else "  exceeded"
            print(f"{figure.case:44} {seconds} {figure.ratio:8.3f} of {figure.peer:22} limit {figure.limit:.3f}{met}")
    if options.json:
        print(json.dumps([{**vars(figure), "met": figure.met} for figure in figures], indent=2))
    return int(not all(figure.met for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
