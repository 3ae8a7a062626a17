"""How fast rows are validated, against pandera on Polars, pydantic alone, dlt, and Arrow without any validation.

    python tests/benchmarks/validation.py [--rows 1000000] [--runs 5] [--json]

Run it with the interpreter of an environment in which the runtime can be imported; `src` of this repository is put on
the path. Every figure is the median of the CPU time of several runs in one process, in turns, because whatever else
the machine does adds to all of them. The rows have ten columns with bounds, lengths, a pattern and a Literal.

- *Arrow*: a table, with a pydantic and with a pandera model, against pandera's own validation of the same rows as a
  Polars frame, and against `TypeAdapter(list[Model])` on dicts, without the conversion to dicts.
- *dicts*: rows as a workflow returns them, to validated Arrow, against dlt's extract and normalize into Parquet, which
  validates nothing; and with a Parquet file written, against `Table.from_pylist` and the same file. dlt always takes
  100,000 rows, and figures are per row.
- *memory*: how much a process grows over a generator of dicts, which must not depend on their number.

Exit code 1 when a limit is exceeded.
"""

from __future__ import annotations

import argparse
import datetime as dt
import gc
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

SOURCES = Path(__file__).resolve().parents[2] / "src"
sys.path.insert(0, str(SOURCES))
os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"

import dlt  # noqa: E402
import pandera.polars as pandera  # noqa: E402
import polars as pl  # noqa: E402
import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402
from pydantic import AwareDatetime, BaseModel, Field, TypeAdapter  # noqa: E402

from cascade.exceptions import SourceLocation  # noqa: E402
from cascade.runs.batches import Feeder  # noqa: E402
from cascade.schemas import Batch, validator_for  # noqa: E402

DLT_ROWS = 100_000
MEMORY_LIMIT = 300
START = dt.datetime(2013, 1, 1, tzinfo=dt.UTC)


class Reading(BaseModel):
    """The model of the rows."""

    id: int = Field(ge=0)
    level: int = Field(ge=0, le=10)
    celsius: float = Field(ge=-90)
    gust: float | None = None
    station: str = Field(min_length=1, max_length=10)
    code: str = Field(pattern="^[a-z]+$")
    kind: Literal["a", "b", "c"]
    valid: bool
    count: int | None = Field(default=None, lt=10**12)
    at: AwareDatetime


class ReadingFrame(pandera.DataFrameModel):
    """The same rules for pandera."""

    id: int = pandera.Field(ge=0)
    level: int = pandera.Field(ge=0, le=10)
    celsius: float = pandera.Field(ge=-90)
    gust: float = pandera.Field(nullable=True)
    station: str = pandera.Field(str_length={"min_value": 1, "max_value": 10})
    code: str = pandera.Field(str_matches="^[a-z]+$")
    kind: str = pandera.Field(isin=["a", "b", "c"])
    valid: bool
    count: int = pandera.Field(nullable=True, lt=10**12)
    at: Annotated[pl.Datetime, "us", "UTC"]


@dataclass(frozen=True)
class Ratio:
    """A ratio with its limit.

    Args:
        name: what is compared.
        ours: CPU seconds for a million rows.
        peer: those of the peer.
        limit: the greatest ratio allowed.
    """

    name: str
    ours: float
    peer: float
    limit: float

    @property
    def ratio(self) -> float:
        """Ours divided by the peer's."""
        return self.ours / self.peer


def readings(count: int) -> Iterator[dict[str, Any]]:
    """Yield rows, all of them valid."""
    for n in range(count):
        yield {
            "id": n,
            "level": n % 10,
            "celsius": n * 0.001,
            "gust": None if n % 10 == 0 else n * 0.25,
            "station": f"K{n % 1000}",
            "code": "abc",
            "kind": "abc"[n % 3],
            "valid": n % 2 == 0,
            "count": n,
            "at": START + dt.timedelta(seconds=n),
        }


def validate(data: object, schema: type = Reading) -> list[pa.Table]:
    """Take data as an ingestion does, and return the tables of valid rows."""
    validator = validator_for(schema, unique_key=("id",))
    found: list[pa.Table] = []

    def take(batch: Batch) -> None:
        found.append(validator.validate(batch).good)

    feeder = Feeder(take, take, "raw.readings", SourceLocation(__file__, 1), validator.reads)
    feeder.feed(data)
    feeder.flush()
    return found


def dlt_alone(rows: list[dict[str, Any]]) -> None:
    """Take rows to Parquet as dlt does by itself, without loading them anywhere."""
    with tempfile.TemporaryDirectory() as directory:
        destination = dlt.destinations.filesystem(bucket_url=f"file://{directory}/bucket")
        pipeline = dlt.pipeline("validation_benchmark", f"{directory}/dlt", destination=destination)
        pipeline.extract(rows, table_name="readings", loader_file_format="parquet")
        pipeline.normalize()


def to_parquet(table: pa.Table) -> None:
    """Write a table to a file."""
    with tempfile.TemporaryDirectory() as directory:
        pq.write_table(table, f"{directory}/readings.parquet")


def medians(runs: int, *tasks: Callable[[], object]) -> list[float]:
    """Return the median CPU time of each task in seconds, measured in turns. The first turn does not count."""
    seconds: list[list[float]] = [[] for _ in tasks]
    for _ in range(runs + 1):
        for task, found in zip(tasks, seconds, strict=True):
            gc.collect()
            before = time.process_time()
            task()
            found.append(time.process_time() - before)
    return [statistics.median(found[1:]) for found in seconds]


def of_arrow(count: int, runs: int) -> list[float]:
    """Return the CPU time of a table with each schema, and that of pandera alone, for a million rows."""
    table = pa.Table.from_pylist(list(readings(count)))
    frame = pl.DataFrame(pl.from_arrow(table))
    assert sum(len(part) for part in validate(table)) == count
    tasks = (
        lambda: validate(table),
        lambda: validate(table, ReadingFrame),
        lambda: ReadingFrame.validate(frame),
    )
    return [seconds * 1e6 / count for seconds in medians(runs, *tasks)]


def of_few_dicts(runs: int) -> list[float]:
    """Return the CPU time of dicts, that of dlt, and that of pydantic, for a million rows."""
    rows = list(readings(DLT_ROWS))
    adapter = TypeAdapter(list[Reading])
    tasks = (lambda: validate(rows), lambda: dlt_alone(rows), lambda: adapter.validate_python(rows))
    return [seconds * 1e6 / DLT_ROWS for seconds in medians(runs, *tasks)]


def of_many_dicts(count: int, runs: int) -> list[float]:
    """Return the CPU time of dicts, that with a Parquet file, and that of the file alone, for a million rows."""
    rows = list(readings(count))
    tasks = (
        lambda: validate(rows),
        lambda: to_parquet(pa.concat_tables(validate(rows))),
        lambda: to_parquet(pa.Table.from_pylist(rows)),
    )
    return [seconds * 1e6 / count for seconds in medians(runs, *tasks)]


def measure(count: int, runs: int) -> list[Ratio]:
    """Measure everything that has a limit."""
    arrow, with_pandera, by_pandera = of_arrow(count, runs)
    few, by_dlt, by_pydantic = of_few_dicts(runs)
    many, written, plain = of_many_dicts(count, runs)
    return [
        Ratio("Arrow, against pandera on Polars", arrow, by_pandera, 3),
        Ratio("Arrow with a pandera model", with_pandera, by_pandera, 3),
        Ratio("Arrow, against pydantic's TypeAdapter", arrow, by_pydantic, 0.1),
        Ratio("100k dicts, against dlt alone", few, by_dlt, 0.1),
        Ratio("dicts, against dlt alone", many, by_dlt, 0.1),
        Ratio("dicts to Parquet, against Arrow alone", written, plain, 3),
    ]


def growth(count: int) -> float:
    """Return by how many megabytes a new process grows over a generator of rows."""
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import validation; validation.grow({count})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    return float(done.stdout)


def grow(count: int) -> None:
    """Validate the rows of a generator, keep none, and print by how many megabytes this process grew."""
    validator = validator_for(Reading, unique_key=("id",))

    def take(batch: Batch) -> None:
        validator.validate(batch)

    feeder = Feeder(take, take, "raw.readings", SourceLocation(__file__, 1), validator.reads)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    feeder.feed(readings(count))
    feeder.flush()
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)


def main() -> int:
    """Print the measurements and compare them with the limits."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the large cases, a million by default")
    parser.add_argument("--runs", type=int, default=5, help="measurements of each case, 5 by default")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    memory = growth(options.rows)
    ratios = measure(options.rows, options.runs)
    if options.json:
        rows = [{**vars(found), "ratio": round(found.ratio, 3)} for found in ratios]
        print(json.dumps({"cpu_seconds_per_million": rows, "megabytes": memory, "megabytes_limit": MEMORY_LIMIT}))
    else:
        print(f"{'CPU seconds for a million rows':40} {'ours':>8} {'peer':>8} {'ratio':>8} {'limit':>6}")
        for found in ratios:
            print(f"{found.name:40} {found.ours:8.3f} {found.peer:8.3f} {found.ratio:8.3f} {found.limit:6}")
        print(f"{'megabytes over a generator':40} {memory:8.0f} {'':8} {'':8} {MEMORY_LIMIT:6}")
    return int(memory > MEMORY_LIMIT or any(found.ratio > found.limit for found in ratios))


if __name__ == "__main__":
    sys.exit(main())
