"""Runs of one workflow in several processes at once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cascade.testing.trials import children
from cascade.testing.trials.cases import Case, Row, run_case
from cascade.testing.trials.model import Model
from cascade.testing.trials.sites import Site, rows_in

if TYPE_CHECKING:
    from cascade.table_ref import TableRef

Work = tuple[str | None, tuple[Row, ...]]
"""A partition, and the rows of its source."""

HEAD_START_SECONDS = 0.3


@dataclass(frozen=True)
class Raced:
    """What was left after a race.

    Args:
        rows: the rows of the table.
        attempts: how many commits each run sent to the catalog.
        snapshots: number of snapshots of the table.
    """

    rows: list[tuple[object, ...]]
    attempts: list[int]
    snapshots: int


def race(site: Site, case: Case, ref: TableRef, works: Sequence[Sequence[Work]], late: float = 0) -> Raced:
    """Run a workflow in several processes that start at the same time.

    Args:
        site: where the table is.
        case: the workflow.
        ref: its table.
        works: what each process runs, one run after the other.
        late: seconds that the catalog takes to answer a commit that has landed.
    """
    at = time.time() + HEAD_START_SECONDS + 0.03 * len(works)
    started = [
        children.start(run_all, site, case, ref, tuple(work), number, at, late) for number, work in enumerate(works)
    ]
    attempts = [found for child in started for found in child.result()]
    lakehouse = site.open()
    return Raced(rows_in(lakehouse, ref), attempts, len(lakehouse.require(ref).snapshots()))


def run_all(
    site: Site, case: Case, ref: TableRef, works: Sequence[Work], number: int, at: float, late: float
) -> list[int]:
    """Run partitions one after the other, from a time on. Return how many commits each run sent to the catalog."""
    lakehouse = site.open()
    sent: list[TableRef] = []
    commit = lakehouse.catalog.commit_table

    def counted(table: Any, *arguments: Any) -> Any:
        sent.append(ref)
        answer = commit(table, *arguments)
        time.sleep(late)
        return answer

    # Of this object alone, so that the count is that of this process.
    object.__setattr__(lakehouse.catalog, "commit_table", counted)
    time.sleep(max(0.0, at - time.time()))
    attempts = []
    for turn, (partition, rows) in enumerate(works):
        sent.clear()
        run_case(lakehouse, case, ref, partition, rows, f"run {number}-{turn}")
        attempts.append(len(sent))
    return attempts


def distinct_partitions(case: Case, processes: int, runs: int) -> tuple[list[list[Work]], Model]:
    """Return the work of processes of which no two run the same partition, and what they leave.

    Args:
        case: a workflow with partitions.
        processes: how many processes.
        runs: how many partitions each process runs.
    """
    model = Model(case)
    works: list[list[Work]] = [[] for _ in range(processes)]
    for number in range(processes * runs):
        partition = f"2024-{1 + number // 28:02}-{1 + number % 28:02}"
        rows = tuple(Row(id, number, float(id)) for id in range(3))
        works[number % processes].append((partition, rows))
        model = model.after(partition, rows)
    return works, model


def assert_distinct_partitions_land(site: Site, case: Case, processes: int, runs: int = 1) -> Raced:
    """Check that the rows of all runs land if no two runs share a partition, and that no run waits without end.

    Args:
        site: where to put a table.
        case: a workflow with partitions.
        processes: how many processes.
        runs: how many partitions each process runs.
    """
    ref = site.table(case)
    works, model = distinct_partitions(case, processes, runs)
    raced = race(site, case, ref, works)
    assert raced.rows == model.rows
    assert raced.snapshots == processes * runs
    # A race is lost only to another run that lands, so that waiting is bounded by their number.
    assert max(raced.attempts) <= processes * runs, raced.attempts
    return raced


def assert_one_order_explains(site: Site, case: Case, processes: int, late: float = 0) -> Raced:
    """Check that runs of one partition leave what they leave in some order, one after the other, and return the race.

    Each run has keys of its own, and keys that all of them have.

    Args:
        site: where to put a table.
        case: a workflow.
        processes: how many processes; each has other rows.
        late: seconds that the catalog takes to answer a commit that has landed.
    """
    ref, partition = site.table(case), case.partitions[0]
    batches = [
        tuple(Row(id, number, float(number)) for id in (0, 1, 2, 100 + number, 200 + number))
        for number in range(processes)
    ]
    raced = race(site, case, ref, [[(partition, rows)] for rows in batches], late)
    # Each run overwrites the shared keys, or the rows of the others, so that only the last run matters.
    explained = []
    for last in batches:
        model = Model(case)
        for rows in [*(rows for rows in batches if rows is not last), last]:
            model = model.after(partition, rows)
        explained.append(model.rows)
    assert raced.rows in explained, f"no order of the runs leaves {raced.rows}"
    return raced
