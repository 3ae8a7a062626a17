"""What a merge into a table in S3 costs: requests, bytes and CPU, of Cascade, of Trino and of pyiceberg.

    PYTHONPATH=src:tests python tests/benchmarks/merge_on_s3.py [--rows 10000000] [--batch 100000] [--runs 1] [--json]

Run it with the interpreter of an environment with the runtime's requirements and pytest, and CASCADE_WEED in its
environment, as `scripts/servers` sets it. It starts SeaweedFS, for the catalog and the store, and Trino, which it
downloads once, with Java 25. Requests and bytes are those that the store has counted. CPU seconds are those of
this process and of Trino. `Cascade` merges by itself, and `handed over` lets Trino merge into a copy of the table and
publishes the result. `MERGE` is Trino's own statement on the table, with the batch stored first, and `upsert` is that
of pyiceberg, on `--upsert` rows. Each merges into the same snapshot. Exit code 1 when a limit is exceeded.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
from benchmarks.sample_table import MILLION, REF, batch, sample_schema
from servers.conftest import trino_catalogs
from servers.seaweedfs import SeaweedFS, running_seaweedfs
from servers.trino import Trino, running_trino

from cascade.config import CascadeConfig
from cascade.iceberg import Lakehouse, open_lakehouse
from cascade.iceberg.columns import arrow_schema
from cascade.iceberg.merge import merge_rows
from cascade.iceberg.tables import ensure_table
from cascade.iceberg.trino.hidden_tables import hidden_rows
from cascade.iceberg.trino.merging import merge_on_trino, merge_statement
from cascade.iceberg.trino_server import TrinoServer
from cascade.services import trino_server
from cascade.services.java import find_java

_KEY = ("id",)
_COUNTED = re.compile(
    r"^SeaweedFS_s3_(request_total|bucket_traffic_(?:received|sent)_bytes_total)(?:\{.*\})? (\S+)$", re.M
)


@dataclass(frozen=True)
class Cost:
    """What some work cost.

    Args:
        requests: requests to the store.
        read: megabytes that the store sent.
        written: megabytes that it received.
        own: CPU seconds of this process.
        trino: CPU seconds of Trino.
        seconds: seconds of wall time.
    """

    requests: float
    read: float
    written: float
    own: float
    trino: float
    seconds: float

    @property
    def cpu(self) -> float:
        """CPU seconds of this process and of Trino."""
        return self.own + self.trino


class Bench:
    """A table in S3, and what is measured on it.

    Args:
        store: the server of the catalog and the store.
        trino: the server of Trino.
        directory: for what Cascade keeps on disk.
        rows: number of rows of the table.
    """

    def __init__(self, store: SeaweedFS, trino: Trino, directory: Path, rows: int) -> None:
        self.rows, self._store = rows, store
        settings = {**store.settings, **trino.settings, "keep_snapshots": "0"}
        config = CascadeConfig(project_root=directory, **settings)
        self.lakehouse: Lakehouse = open_lakehouse(config)
        self.server = TrinoServer.of(config)
        # The launcher gives the process another name.
        started = psutil.Process().children(recursive=True)
        self._java = [process for process in started if Path(process.exe()).name == "java"]
        assert self._java, "the process of Trino was not found"
        ensure_table(self.lakehouse, REF, sample_schema(_KEY))
        for start in range(0, rows, MILLION):
            part = batch(np.arange(start, min(start + MILLION, rows)) * 2, start)
            merge_rows(self.lakehouse, REF, part, _KEY, run_id="base")
        # The partition has a last batch, so that a merge knows that its batch is another one.
        merge_rows(self.lakehouse, REF, batch(np.arange(2) * 2, 1), _KEY, run_id="run", partition="day")
        self._base = self.lakehouse.require(REF).metadata.current_snapshot_id
        assert self._base is not None

    def random(self, count: int, seed: int) -> pa.Table:
        """Return a batch with random keys of the table, sorted."""
        chosen = np.random.default_rng(seed).choice(self.rows, count, replace=False)
        return batch(np.sort(chosen) * 2, seed)

    def cascade(self, rows: pa.Table) -> None:
        """Merge as Cascade does."""
        merge_rows(self.lakehouse, REF, rows, _KEY, run_id="run", partition="day")

    def handed_over(self, rows: pa.Table) -> None:
        """Let Trino merge into a copy, and publish the result."""
        merge_on_trino(self.lakehouse, REF, rows, _KEY, server=self.server, run_id="run", partition="day")

    def merge(self, rows: pa.Table) -> None:
        """Store the batch, and let Trino merge it into the table."""
        table = self.lakehouse.require(REF)
        with hidden_rows(self.lakehouse.catalog, table, [rows.cast(arrow_schema(table))]) as stored:
            names = ['"{}"."{}"."{}"'.format(self.server.catalog, *each.name()) for each in (table, stored)]
            self.server.rows(merge_statement(names[0], names[1], rows.column_names, _KEY, compare=False))

    def upsert(self, rows: pa.Table) -> None:
        """Merge as pyiceberg does."""
        table = self.lakehouse.require(REF)
        table.upsert(rows.cast(arrow_schema(table)), join_cols=list(_KEY))

    def cost(self, work: Callable[[], object]) -> Cost:
        """Return what some work costs, on the table as it was at first."""
        table = self.lakehouse.require(REF)
        if table.metadata.current_snapshot_id != self._base:
            table.manage_snapshots().set_current_snapshot(snapshot_id=self._base).commit()
        counted, own, trino, began = self._counted(), time.process_time(), self._trino_cpu(), time.monotonic()
        work()
        seconds = time.monotonic() - began
        spent = (time.process_time() - own, self._trino_cpu() - trino)
        requests, received, sent = (after - before for before, after in zip(counted, self._counted(), strict=True))
        return Cost(requests, sent / 1e6, received / 1e6, *spent, seconds)

    def _counted(self) -> tuple[float, float, float]:
        """Return the requests, and the bytes that the store has received and sent."""
        with urllib.request.urlopen(self._store.metrics, timeout=30) as answer:
            found = _COUNTED.findall(answer.read().decode())
        names = ("request_total", "bucket_traffic_received_bytes_total", "bucket_traffic_sent_bytes_total")
        requests, received, sent = (sum(float(value) for name, value in found if name == wanted) for wanted in names)
        return requests, received, sent

    def _trino_cpu(self) -> float:
        return sum(sum(process.cpu_times()[:2]) for process in self._java)


def measured(options: argparse.Namespace, directory: Path) -> dict[str, Cost]:
    """Return the costs of each way to merge, the median of the runs."""
    java, server = find_java(trino_server.JAVA), trino_server.download_server()
    assert java is not None, f"Trino needs Java {trino_server.JAVA}"
    with ExitStack() as stack:
        gigabytes = max(1.25, options.rows / MILLION * 0.4)
        store = stack.enter_context(running_seaweedfs(Path(os.environ["CASCADE_WEED"]), gigabytes))
        trino = stack.enter_context(running_trino(java, server, {"iceberg": trino_catalogs(store)["iceberg"]}))
        bench = Bench(store, trino, directory, options.rows)
        ways: dict[str, tuple[Callable[[pa.Table], object], int]] = {
            "Cascade": (bench.cascade, options.batch),
            "handed over": (bench.handed_over, options.batch),
            "MERGE": (bench.merge, options.batch),
            **({"upsert": (bench.upsert, options.upsert)} if options.upsert else {}),
        }
        found: dict[str, list[Cost]] = {name: [] for name in ways}
        # The first run of Trino and of this process loads their libraries.
        for warms_up in (bench.cascade, bench.handed_over):
            bench.cost(partial(warms_up, bench.random(1000, 99)))
        for seed in range(options.runs):
            for name, (work, count) in ways.items():
                found[name].append(bench.cost(partial(work, bench.random(count, seed))))
    return {name: _median(costs) for name, costs in found.items()}


def _median(costs: list[Cost]) -> Cost:
    documents = [asdict(cost) for cost in costs]
    return Cost(**{name: statistics.median(each[name] for each in documents) for name in documents[0]})


def main() -> int:
    """Print the costs and compare them with the limits."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=10 * MILLION, help="rows of the table, 10 million by default")
    parser.add_argument("--batch", type=int, default=100_000, help="rows to merge, 100,000 by default")
    parser.add_argument("--upsert", type=int, default=100_000, help="rows for pyiceberg; 0 to leave it out")
    parser.add_argument("--runs", type=int, default=1, help="runs of each way, 1 by default")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cascade-benchmark-") as directory:
        costs = measured(options, Path(directory))
    own, merge = costs["Cascade"], costs["MERGE"]
    limits: dict[str, tuple[float, float]] = {
        "CPU of Cascade to that of MERGE": (own.cpu / merge.cpu, 0.5),
        "bytes read by Cascade to those of MERGE": (own.read / merge.read, 1.0),
        "CPU of this process, handed over, to that of Cascade": (costs["handed over"].own / own.own, 2.0),
    }
    if options.json:
        document: dict[str, Any] = {name: asdict(cost) for name, cost in costs.items()}
        print(json.dumps({"costs": document, "ratios": limits}, indent=2))
    else:
        print(f"{'':12} requests   MB read  MB written  CPU here  CPU Trino  seconds")
        for name, cost in costs.items():
            store = f"{cost.requests:8.0f} {cost.read:9.1f} {cost.written:11.1f}"
            print(f"{name:12} {store} {cost.own:9.2f} {cost.trino:10.2f} {cost.seconds:8.1f}")
        for name, (ratio, limit) in limits.items():
            print(f"{name:54} {ratio:6.3f} limit {limit:.3f}{'' if ratio <= limit else '  exceeded'}")
    return int(any(ratio > limit for ratio, limit in limits.values()))


if __name__ == "__main__":
    sys.exit(main())
