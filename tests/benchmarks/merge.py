"""What a merge costs, as ratios to what the hardware must spend and to other tools, in one run.

    PYTHONPATH=src python tests/benchmarks/merge.py [--rows 10000000] [--runs 5] [--case NAME ...] [--json]

Run it with the interpreter of an environment in which the runtime's requirements can be imported. The tables have ten
columns. Times are CPU seconds of this process, and the median of the runs counts. The
peers run beside the merge on the same data: `floor` reads the key column, finds the keys and writes the batch with
fsync; `upsert` is pyiceberg's. Exit code 1 when a limit is exceeded. All cases take about 15 minutes and 2 GB of disk.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import resource
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from cascade.declarations import PartitionField
from cascade.iceberg.catalog import open_lakehouse
from cascade.iceberg.merge import merge_rows
from cascade.iceberg.snapshot.retention import Retention
from cascade.iceberg.tables import ensure_table
from cascade.table_ref import TableRef

if TYPE_CHECKING:
    from pyiceberg.schema import Schema
    from pyiceberg.table import Table

    from cascade.iceberg.catalog import Lakehouse

REF = TableRef("raw", "readings")
MILLION = 1_000_000
HOUR = 3_600_000_000
EPOCH = 1_357_000_000_000_000


@dataclass(frozen=True)
class Settings:
    """The settings of a lakehouse under one directory."""

    state_directory: Path
    iceberg_catalog: str | None = None
    iceberg_warehouse: str | None = None
    nessie_uri: str | None = None
    nessie_ref: str = "main"


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


class Bench:
    """A table of consecutive even keys, and what is measured on it.

    Args:
        directory: where the warehouse is.
        rows: number of rows.
    """

    def __init__(self, directory: Path, rows: int, *, key: tuple[str, ...] = ("id",)) -> None:
        self.rows, self.key = rows, key
        self._directory = directory
        directory.mkdir(parents=True)
        lakehouse = open_lakehouse(Settings(directory))
        ensure_table(lakehouse, REF, _schema(key), properties={"write.metadata.delete-after-commit.enabled": "false"})
        for start in range(0, rows, MILLION):
            size = min(MILLION, rows - start)
            merge_rows(lakehouse, REF, batch(np.arange(start, start + size) * 2, start), key, run_id="base")
        # The partition has a last batch, so that a merge knows that its batch is another one.
        merge_rows(lakehouse, REF, batch(np.arange(2) * 2, 1), key, run_id="run", partition="day")
        shutil.copy(directory / "catalog.db", directory / "base.db")

    @contextmanager
    def fresh(self) -> Iterator[Lakehouse]:
        """Open the lakehouse as it was at first. Its files never change, so restoring the catalog is enough."""
        shutil.copy(self._directory / "base.db", self._directory / "catalog.db")
        lakehouse = open_lakehouse(Settings(self._directory))
        yield lakehouse
        close = getattr(lakehouse.catalog, "close", None)
        if close is not None:
            close()

    def random(self, count: int, seed: int) -> pa.Table:
        """Return a batch with random keys of the table, sorted."""
        chosen = np.random.default_rng(seed).choice(self.rows, count, replace=False)
        return batch(np.sort(chosen) * 2, seed)

    def clustered(self, count: int, seed: int) -> pa.Table:
        """Return a batch with neighbouring keys of the table."""
        start = int(np.random.default_rng(seed).integers(0, self.rows - count))
        return batch(np.arange(start, start + count) * 2, seed)

    def merged(self, rows: pa.Table) -> float:
        """Return the CPU seconds of one merge into the table as it was at first, catalog and table opened before."""
        with self.fresh() as lakehouse:
            return spent(lambda: merge_rows(lakehouse, REF, rows, self.key, run_id="run", partition="day"))

    def upserted(self, rows: pa.Table) -> float:
        """Return the CPU seconds of pyiceberg's upsert of the same rows."""
        with self.fresh() as lakehouse:
            table = lakehouse.require(REF)
            given = rows.cast(_arrow(table))
            return spent(lambda: table.upsert(given, join_cols=list(self.key)))

    def floor(self, rows: pa.Table) -> float:
        """Return the CPU seconds of reading the key column, finding the keys and writing the batch with fsync."""
        with self.fresh() as lakehouse:
            paths = [task.file.file_path for task in lakehouse.require(REF).scan().plan_files()]

        def least() -> None:
            wanted = rows["id"].to_numpy()
            for path in paths:
                stored = pq.read_table(path, columns=["id"])["id"].to_numpy()
                first, last = np.searchsorted(wanted, [stored[0], stored[-1]])
                np.searchsorted(stored, wanted[first : last + 1])
            write_with_fsync(rows, self._directory / "batch.parquet")

        return spent(least)


def batch(ids: np.ndarray, seed: int) -> pa.Table:
    """Return rows of ten columns: four of random numbers, text, an integer, a time, a day, a flag and the key."""
    random, count = np.random.default_rng(seed), len(ids)
    columns = {
        "id": ids,
        **{f"value_{number}": random.random(count) for number in range(4)},
        "station": pa.array(np.char.add("station-", random.integers(0, 500, count).astype(str))),
        "count": random.integers(0, 1 << 40, count),
        "at": pa.array(EPOCH + random.integers(0, 1 << 44, count), pa.timestamp("us", "UTC")),
        "day": pa.array(random.integers(0, 20_000, count).astype("int32"), pa.date32()),
        "flag": pa.array(random.random(count) > 0.5),
    }
    return pa.table(columns)


def _schema(key: tuple[str, ...]) -> Schema:
    from pyiceberg import types
    from pyiceberg.schema import Schema

    kinds = {
        "id": types.LongType(),
        **{f"value_{number}": types.DoubleType() for number in range(4)},
        "station": types.StringType(),
        "count": types.LongType(),
        "at": types.TimestamptzType(),
        "day": types.DateType(),
        "flag": types.BooleanType(),
    }
    fields = [
        types.NestedField(number, name, kind, required=name in key)
        for number, (name, kind) in enumerate(kinds.items(), start=1)
    ]
    return Schema(*fields, identifier_field_ids=[field.field_id for field in fields if field.required])


def _arrow(table: Table) -> pa.Schema:
    from cascade.iceberg.columns import arrow_schema

    return arrow_schema(table)


def write_with_fsync(rows: pa.Table, path: Path) -> None:
    """Write rows as Parquet, with a dictionary where values repeat, and wait until they are on disk."""
    pq.write_table(rows, path, compression="zstd", use_dictionary=["station"])
    with path.open("rb") as written:
        os.fsync(written.fileno())


def cpu_seconds() -> float:
    """Return the CPU seconds that this process has spent, in all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def spent(work: Callable[[], object]) -> float:
    """Return the CPU seconds of some work."""
    before = cpu_seconds()
    work()
    return cpu_seconds() - before


def peak_megabytes(work: Callable[[], object]) -> float:
    """Return by how many megabytes some work raises the memory of this process at most. Linux alone can tell."""
    gc.collect()
    pa.default_memory_pool().release_unused()
    Path("/proc/self/clear_refs").write_text("5")
    before = _status("VmRSS")
    work()
    return (_status("VmHWM") - before) / 1024


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))


def median(runs: int, measure: Callable[[int], float]) -> float:
    """Return the median of a measurement that is made with several seeds. The first run warms up and does not count."""
    return statistics.median([measure(seed) for seed in range(runs + 1)][1:])


def random_keys(directory: Path, rows: int, runs: int) -> list[Figure]:
    """Merge 100,000 random keys."""
    bench = Bench(directory / "large", rows)
    merged = median(runs, lambda seed: bench.merged(bench.random(100_000, seed)))
    memory = peak_megabytes(lambda: bench.merged(bench.random(100_000, runs + 1)))
    floor = median(runs, lambda seed: bench.floor(bench.random(100_000, seed)))
    upserted = bench.upserted(bench.random(100_000, 1))
    name = f"100k random keys into {rows // MILLION}M"
    return [
        Figure(name, "floor", merged, merged / floor, 1.5),
        Figure(name, "upsert", merged, merged / upserted, 1 / 40),
        Figure(f"{name}, peak memory", "400 MB", None, memory / 400, 1.0),
    ]


def clustered_keys(directory: Path, rows: int, runs: int) -> list[Figure]:
    """Merge neighbouring keys into a large and into a small table."""
    large, small = Bench(directory / "ten", rows), Bench(directory / "one", rows // 10)
    figures = []
    for count in (10_000, 100_000):
        into_large, into_small = (
            median(runs, lambda seed, bench=bench, count=count: bench.merged(bench.clustered(count, seed)))
            for bench in (large, small)
        )
        name = f"{count // 1000}k clustered keys into {rows // MILLION}M"
        figures.append(Figure(name, "a tenth of the rows", into_large, into_large / into_small, 1.5))
    return figures


def identical(directory: Path, rows: int, runs: int) -> list[Figure]:
    """Merge the same 100,000 rows again."""
    bench = Bench(directory / "same", rows // 10)
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
    bench = Bench(directory / "append", MILLION)

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

    merged = median(runs, lambda seed: bench.merged(new(seed)))
    return [Figure("1M new rows", "Polars writes Parquet", merged, merged / median(runs, polars), 1.3)]


def reading(directory: Path, rows: int, runs: int) -> list[Figure]:
    """Read a table of a million rows after thirty merges of 10,000 random keys."""
    bench = Bench(directory / "read", MILLION)
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
    bench = Bench(directory / "composite", 200_000, key=("station", "id"))
    merged = median(runs, lambda seed: bench.merged(bench.random(20_000, seed)))
    return [Figure("20k rows into 200k on two columns", "0.5 s", merged, merged / 0.5, 1.0)]


def a_year(directory: Path, rows: int, runs: int) -> list[Figure]:
    """Merge 365 days of some 900 rows, one after the other, into a table with a partition for each month."""
    warehouse = directory / "year"
    warehouse.mkdir()
    lakehouse = replace(open_lakehouse(Settings(warehouse)), retention=Retention(least_age=0))
    key = ("at", "station", "id")
    ensure_table(lakehouse, REF, _schema(key), partition_spec=[PartitionField("at", "month")])
    days = []
    for day in range(365):
        given = batch(np.arange(day * 1000, day * 1000 + 900), day)
        times = EPOCH + (day * 24 + np.arange(900) % 24) * HOUR
        at = given.schema.get_field_index("at")
        days.append(given.set_column(at, "at", pa.array(times, pa.timestamp("us", "UTC"))))
    seconds = [
        spent(lambda given=given, day=day: merge_rows(lakehouse, REF, given, key, run_id="run", partition=str(day)))
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
