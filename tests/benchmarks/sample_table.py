"""The table of ten columns that benchmarks merge into, and how they measure."""

from __future__ import annotations

import gc
import os
import resource
import shutil
import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cascade.iceberg.catalog import open_lakehouse
from cascade.iceberg.columns import arrow_schema
from cascade.iceberg.conftest import Settings
from cascade.iceberg.merge import merge_rows
from cascade.iceberg.tables import ensure_table
from cascade.table_ref import TableRef

if TYPE_CHECKING:
    from pyiceberg.schema import Schema

    from cascade.iceberg.catalog import Lakehouse

REF = TableRef("raw", "readings")
MILLION = 1_000_000
HOUR = 3_600_000_000
EPOCH = 1_357_000_000_000_000


class SampleTable:
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
        ensure_table(
            lakehouse, REF, sample_schema(key), properties={"write.metadata.delete-after-commit.enabled": "false"}
        )
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
            given = rows.cast(arrow_schema(table))
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


def sample_schema(key: tuple[str, ...]) -> Schema:
    """Return the schema of the table with a key."""
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
    return medians(runs, measure)[0]


def medians(runs: int, *measures: Callable[[int], float]) -> list[float]:
    """Return the medians of measurements that take turns, so that whatever else the machine does falls on all alike."""
    found = [[measure(seed) for measure in measures] for seed in range(runs + 1)][1:]
    return [statistics.median(figures) for figures in zip(*found, strict=True)]
