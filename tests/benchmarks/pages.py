"""What reading a table through the HTTP API costs, compared with reading it at once, and how much memory it takes.

    python tests/benchmarks/pages.py [FILES]

It makes a table of 8 files of 250,000 rows, and reads it in pages of Arrow. Limits: all pages together cost at most
six times the CPU of pyiceberg's scan, the least of three runs each; a page of 100 rows of JSON costs at most 0.2 CPU
seconds; and the memory of the process grows by at most 200 MB, whatever FILES is. The exit code is 1 if a limit is
exceeded.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import psutil
import pyarrow as pa
from fastapi.testclient import TestClient
from pyiceberg.table import Table

from cascade.drawing.graph import Graph
from cascade.http_api.app import create_app
from cascade.http_api.served import ServedProject
from cascade.iceberg import Lakehouse, open_lakehouse

ROWS = 250_000
PATH = "/v1/tables/readings/rows"
MOST_TIMES, MOST_SECONDS, MOST_MEGABYTES = 6.0, 0.2, 200


def create_table(lakehouse: Lakehouse, files: int) -> Table:
    """Create the table, one file at a time."""
    lakehouse.catalog.create_namespace("raw")
    for number in range(files):
        ids = range(number * ROWS, (number + 1) * ROWS)
        rows = pa.table(
            {
                "id": pa.array(ids, pa.int64()),
                "station": pa.array([f"station-{one % 97}" for one in ids]),
                "celsius": pa.array([one % 40 - 10.5 for one in ids]),
                "note": pa.array([f"reading {one}" for one in ids]),
            }
        )
        table = lakehouse.catalog.create_table_if_not_exists(
            "raw.readings", schema=rows.schema, properties={"write.parquet.row-group-limit": "125000"}
        )
        table.append(rows)
    return table


def megabytes() -> float:
    """Return the memory of this process."""
    return float(psutil.Process(os.getpid()).memory_info().rss) / 1e6


def read_pages(client: TestClient) -> tuple[int, float]:
    """Read all pages, and return the number of rows and the most memory after a page."""
    query: dict[str, Any] = {"limit": 100_000, "format": "arrow"}
    rows, most = 0, 0.0
    while True:
        answer = client.get(PATH, params=query)
        rows += pa.ipc.open_stream(answer.content).read_all().num_rows
        most = max(most, megabytes())
        if "Cascade-Next-Cursor" not in answer.headers:
            return rows, most
        query["cursor"] = answer.headers["Cascade-Next-Cursor"]


def cpu_seconds(run: Callable[[], object]) -> float:
    """Return the CPU seconds of a call, the least of three."""
    least = float("inf")
    for _ in range(3):
        started = time.process_time()
        run()
        least = min(least, time.process_time() - started)
    return least


def measure(directory: Path, files: int) -> bool:
    """Print what reading costs, and return whether all limits hold."""
    settings: Any = SimpleNamespace(
        state_directory=directory, iceberg_catalog=None, iceberg_warehouse=None, nessie_uri=None, nessie_ref="main"
    )
    lakehouse = open_lakehouse(settings)
    table = create_table(lakehouse, files)
    with dg.DagsterInstance.ephemeral() as instance:
        served = ServedProject(
            "benchmark", lakehouse, instance, (), states=lambda _: [], draw=lambda: Graph.of("benchmark", (), ())
        )
        client = TestClient(create_app(served, None, print), base_url="http://127.0.0.1")
        client.get(PATH)
        before = megabytes()
        rows, most = read_pages(client)
        assert rows == files * ROWS
        page = cpu_seconds(lambda: client.get(PATH, params={"limit": 100}))
        pages = cpu_seconds(lambda: read_pages(client))
    scan = cpu_seconds(lambda: table.scan().to_arrow())
    print(f"{rows:,} rows: pages {pages:.2f} CPU s, scan {scan:.2f} CPU s, ratio {pages / scan:.2f}")
    print(f"a page of 100 rows of JSON: {page:.3f} CPU s")
    print(f"memory: {most - before:.0f} MB more than before")
    return pages <= MOST_TIMES * scan and page <= MOST_SECONDS and most - before <= MOST_MEGABYTES


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        sys.exit(0 if measure(Path(scratch), int(sys.argv[1]) if len(sys.argv) > 1 else 8) else 1)
