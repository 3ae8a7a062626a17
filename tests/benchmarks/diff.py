"""What comparing two states of a table costs, as a ratio to reading the files that differ.

    PYTHONPATH=src:tests python tests/benchmarks/diff.py [--rows 10000000] [--runs 3] [--json]

Run it with the interpreter of an environment with the runtime's requirements and pytest. One row in a hundred of a
table of ten columns is changed by a merge: rows at random, of which every file has some, and neighboring rows. Times
are CPU seconds of this process, and the median of the runs counts. The peer reads every file that only one state has,
or that both have with other deletes, once for each state that has it. Exit code 1 when a limit is exceeded. Ten million
rows take about a minute of CPU and 1 GB of disk.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
from benchmarks.sample_table import MILLION, REF, SampleTable, median, spent

from cascade.iceberg.diff import RowDiff, diff_tables, point_of
from cascade.iceberg.files import read_file
from cascade.iceberg.merge import merge_rows
from cascade.iceberg.merge.plan import identity
from cascade.iceberg.snapshot.tasks import data_files

LIMIT = 3.0
CHANGED_SHARE = 100


@dataclass(frozen=True)
class Figure:
    """A measured ratio.

    Args:
        case: what was measured.
        seconds: CPU seconds of the comparison.
        reading: CPU seconds of reading the files that differ.
        ratio: the first by the second.
    """

    case: str
    seconds: float
    reading: float
    ratio: float


def compared(bench: SampleTable, case: str, rows: Callable[[int, int], pa.Table], runs: int) -> Figure:
    """Change a hundredth of the rows, and measure."""
    count = bench.rows // CHANGED_SHARE
    with bench.fresh() as lakehouse:
        first = lakehouse.require(REF).metadata.current_snapshot_id
        merge_rows(lakehouse, REF, rows(count, 1), bench.key, run_id="run", partition="day")
        table = lakehouse.require(REF)
        before, after = point_of(table, str(first)), point_of(table, "main")
        found: list[RowDiff] = []
        seconds = median(runs, lambda seed: spent(lambda: found.append(diff_tables(before, after))))
        old, new = ({identity(task): task for task in data_files(point.table)} for point in (before, after))
        differ = [
            *((before.table, old[each]) for each in old.keys() - new.keys()),
            *((after.table, new[each]) for each in new.keys() - old.keys()),
        ]

        def read() -> None:
            for state, task in differ:
                read_file(state, task)

        reading = median(runs, lambda seed: spent(read))
    assert (found[0].changed, found[0].added, found[0].removed) == (count, 0, 0), found[0]
    return Figure(case, round(seconds, 3), round(reading, 3), round(seconds / reading, 2))


def main() -> int:
    """Measure, print, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10 * MILLION)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        bench = SampleTable(Path(directory) / "table", given.rows)
        figures = [
            compared(bench, "1 % of the rows, at random", bench.random, given.runs),
            compared(bench, "1 % of the rows, neighbors", bench.clustered, given.runs),
        ]
    if given.json:
        print(json.dumps([asdict(figure) for figure in figures]))
    else:
        for figure in figures:
            print(f"{figure.case}: {figure.seconds} s, reading {figure.reading} s, ratio {figure.ratio} of {LIMIT}")
    return int(any(figure.ratio > LIMIT for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
