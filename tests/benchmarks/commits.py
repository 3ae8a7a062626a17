"""Whether commits slow down with their number: the 500th against the 1st, and against pyiceberg's own.

    python tests/benchmarks/commits.py [--commits 500] [--rounds 11] [--json]

Run it with the interpreter of an environment in which the runtime can be imported; `src` of this repository is put on
the path. Two tables are written in turn in one process, one of them old: commit k of the fresh table is measured beside
commit k+489 of the old one, so that whatever else the machine does falls on both alike. The unit is CPU time, and the
median counts. Every commit adds or replaces one data file of 1,000 rows x 10 columns.

    append      one new file
    overwrite   one file is replaced; the old table has as many files as commits
    merge       `merge_rows` of one row into the same tables, which also plans what to change
    pyiceberg   the same by `Table.append` and `Table.overwrite`; its table's history is written as above, which is
                quicker and leaves it fewer manifests

Every commit publishes a partition, of which the ledger of the old table has all but every seventh.

Snapshots expire by count, whatever their age, except in the row for the default, where none of them is old enough. Exit
code 1 when a limit is exceeded.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[2] / "src"
sys.path.insert(0, str(SOURCES))

import pyarrow as pa  # noqa: E402
from pyiceberg.manifest import DataFile  # noqa: E402
from pyiceberg.schema import Schema  # noqa: E402
from pyiceberg.table import Table  # noqa: E402
from pyiceberg.types import LongType, NestedField, StringType  # noqa: E402

from cascade.iceberg.catalog import Lakehouse, open_lakehouse  # noqa: E402
from cascade.iceberg.changes import FileChange  # noqa: E402
from cascade.iceberg.columns import arrow_schema, conform  # noqa: E402
from cascade.iceberg.commit import commit_planned  # noqa: E402
from cascade.iceberg.conftest import Settings  # noqa: E402
from cascade.iceberg.data_file_writer import write_files  # noqa: E402
from cascade.iceberg.ledger import LedgerEntry, Scheme  # noqa: E402
from cascade.iceberg.merge import merge_rows  # noqa: E402
from cascade.iceberg.snapshot.retention import Retention  # noqa: E402
from cascade.iceberg.tables import ensure_table  # noqa: E402
from cascade.table_ref import TableRef  # noqa: E402

ROWS = 1_000
STOCK_ROUNDS = 3
DAILY = Scheme("daily", "UTC")
FIRST_DAY = date(2015, 1, 1)
BY_COUNT = Retention(days=0, least_age=0)

SCHEMA = Schema(
    NestedField(1, "id", LongType(), required=True),
    *(NestedField(n, f"column_{n}", LongType() if n % 2 else StringType(), required=False) for n in range(2, 11)),
    identifier_field_ids=[1],
)


@dataclass(frozen=True)
class Case:
    """What is compared.

    Args:
        name: name of the row.
        late: seconds of a late commit.
        early: seconds of what it is compared with.
        limit: the most that late may be of early; None if nothing is promised.
    """

    name: str
    late: float
    early: float
    limit: float | None

    @property
    def ratio(self) -> float:
        """How many times the late commit costs the other."""
        return self.late / self.early


@dataclass
class Writing:
    """Plans to write rows in place of a file."""

    rows: pa.Table
    old: DataFile | None
    written: list[DataFile | None] = field(default_factory=list)

    def plan(self, table: Table) -> None:
        """Read nothing."""

    def still_holds(self, plan: None, table: Table) -> bool:
        """Return whether the plan holds, as nobody else writes."""
        return True

    def write(self, table: Table, plan: None) -> FileChange:
        """Write the rows."""
        files = write_files(table, conform(self.rows, arrow_schema(table)))
        self.written = [*files]
        return FileChange(deleted=() if self.old is None else (self.old,), added=tuple(files))


class Subject:
    """A table that is written one commit at a time."""

    def __init__(self, directory: Path, name: str, retention: Retention) -> None:
        self.lakehouse: Lakehouse = replace(open_lakehouse(Settings(directory)), retention=retention)
        self.ref = TableRef("raw", name)
        ensure_table(self.lakehouse, self.ref, SCHEMA)
        self.written: list[DataFile | None] = []
        self.turn = 0
        self.days = 0

    @property
    def files(self) -> int:
        """Number of data files."""
        return len(self.written)

    def append(self) -> None:
        """Add a file of new keys."""
        self._commit(self.files, None)

    def overwrite(self) -> None:
        """Replace a file."""
        self.turn += 1
        position = self.turn * 7 % self.files
        self._commit(position, self.written[position])

    def merge(self) -> None:
        """Change a row of one file."""
        self.turn += 1
        first = (self.turn * 7 % self.files) * ROWS
        row = rows(first, mark=self.turn).slice(5, 1)
        merge_rows(self.lakehouse, self.ref, row, ["id"], run_id=str(self.turn), ledger=self._ledger())

    def stock_append(self) -> None:
        """Add a file of new keys by pyiceberg alone."""
        self._table.append(rows(self.files * ROWS))
        self.written.append(None)

    def stock_overwrite(self) -> None:
        """Replace a file by pyiceberg alone."""
        self.turn += 1
        first = (self.turn * 7 % self.files) * ROWS
        self._table.overwrite(rows(first, mark=self.turn), overwrite_filter=f"id >= {first} and id < {first + ROWS}")

    def _commit(self, position: int, old: DataFile | None) -> None:
        planner = Writing(rows(position * ROWS, mark=self.turn), old)
        commit_planned(self.lakehouse, self.ref, planner, summary={}, properties=self._ledger())
        self.written[position : position + 1] = planner.written

    def _ledger(self) -> LedgerEntry:
        self.days += 1 + (self.days % 7 == 5)
        return LedgerEntry("run", DAILY, (FIRST_DAY + timedelta(self.days)).isoformat(), "0123456789ab")

    @property
    def _table(self) -> Table:
        return self.lakehouse.require(self.ref)


def rows(first: int, count: int = ROWS, mark: int = 0) -> pa.Table:
    """Make rows with consecutive keys."""
    ids = pa.array(range(first, first + count), pa.int64())
    texts = pa.array([f"text {mark} {n % 50}" for n in range(count)], pa.large_string())
    numbers = pa.array([n * 3 + mark for n in range(count)], pa.int64())
    schema = pa.schema(
        [
            pa.field("id", pa.int64(), nullable=False),
            *(pa.field(f"column_{n}", pa.int64() if n % 2 else pa.large_string()) for n in range(2, 11)),
        ]
    )
    return pa.Table.from_arrays([ids, *(numbers if n % 2 else texts for n in range(2, 11))], schema=schema)


def in_turn(early: Callable[[], None], late: Callable[[], None], rounds: int) -> tuple[float, float]:
    """Return the median CPU seconds of both."""
    early_seconds, late_seconds = list[float](), list[float]()
    for _ in range(rounds):
        for act, seconds in ((early, early_seconds), (late, late_seconds)):
            before = time.process_time()
            act()
            seconds.append(time.process_time() - before)
    return statistics.median(early_seconds), statistics.median(late_seconds)


def measure(directory: Path, commits: int, rounds: int) -> list[Case]:
    """Measure everything."""
    Subject(directory, "warmup", BY_COUNT).append()
    found = list[Case]()
    for label, retention in (("", BY_COUNT), (", default age", Retention())):
        limit = None if label else 2.0
        old, fresh = (Subject(directory, f"{age}{len(found)}", retention) for age in ("old", "fresh"))
        while old.files < commits - rounds:
            old.append()
        early, late = in_turn(fresh.append, old.append, rounds)
        found.append(Case(f"append, commit {commits}{label}", late, early, limit))
        while not label and old.turn < commits - rounds:
            old.overwrite()
        early, late = in_turn(fresh.overwrite, old.overwrite, rounds)
        found.append(Case(f"overwrite, commit {commits}{label}", late, early, limit))
        early, late = in_turn(fresh.merge, old.merge, rounds)
        found.append(Case(f"merge, commit {commits}{label}", late, early, limit))
    stock = Subject(directory, "stock", Retention(snapshots=0))
    while stock.files < commits - STOCK_ROUNDS:
        stock.append()
    for name, own, act, most in (
        ("append, against pyiceberg", found[0].late, stock.stock_append, 1 / 15),
        ("overwrite, against pyiceberg", found[1].late, stock.stock_overwrite, 1 / 50),
    ):
        theirs, _ = in_turn(act, lambda: None, STOCK_ROUNDS)
        found.append(Case(name, own, theirs, most))
    return found


def main() -> int:
    """Print the measurements and compare them with the limits."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--commits", type=int, default=500, help="age of the old table, 500 commits by default")
    parser.add_argument("--rounds", type=int, default=11, help="commits of each measurement, 11 by default")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        cases = measure(Path(directory), options.commits, options.rounds)
    if options.json:
        print(json.dumps({case.name: {"ratio": round(case.ratio, 4), "limit": case.limit} for case in cases}))
    else:
        print(f"{'':34}{'ms':>9}{'of ms':>10}{'ratio':>9}{'limit':>9}")
        for case in cases:
            limit = "" if case.limit is None else f"{case.limit:9.3f}"
            print(f"{case.name:34}{case.late * 1000:9.1f}{case.early * 1000:10.1f}{case.ratio:9.3f}{limit}")
    return int(any(case.limit is not None and case.ratio > case.limit for case in cases))


if __name__ == "__main__":
    sys.exit(main())
