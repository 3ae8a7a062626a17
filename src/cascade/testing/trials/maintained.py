"""Runs of a workflow whose table is maintained meanwhile (G7)."""

from __future__ import annotations

import dataclasses
import os
import random
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from cascade.iceberg.maintenance import maintain_table
from cascade.iceberg.snapshot.retention import LONGEST_COMMIT_SECONDS, Retention
from cascade.iceberg.stored_files import canonical
from cascade.testing.trials import children
from cascade.testing.trials.cases import Case, Row, run_case
from cascade.testing.trials.model import Model
from cascade.testing.trials.races import HEAD_START_SECONDS, distinct_partitions, run_all
from cascade.testing.trials.sites import Site, rows_in

if TYPE_CHECKING:
    from cascade.table_ref import TableRef


def assert_no_run_notices_maintenance(site: Site, case: Case) -> None:
    """Check that the rows are right, and that the same input writes nothing, if a table is maintained after each run.

    Args:
        site: where to put a table.
        case: a workflow that returns all rows of its source.
    """
    ref, model, lakehouse = site.table(case), Model(case), site.open()
    one, two, three = Row(1, 1, 1.0), Row(2, 2, 2.0), Row(3, 3, 3.0)
    for rows in ((one, two), (two, three), (three._replace(value=7.0),)):
        for partition in case.partitions[:2]:
            model = model.after(partition, rows)
            run_case(lakehouse, case, ref, partition, rows)
            place = {ref.full_name: canonical(lakehouse.require(ref).location())}
            assert maintain_table(lakehouse, ref, place, orphan_age=0).problems == ()
            assert rows_in(lakehouse, ref) == model.rows
            assert not run_case(lakehouse, case, ref, partition, rows, "again").committed


def assert_maintenance_loses_nothing(site: Site, case: Case, processes: int, runs: int = 2) -> None:
    """Check that all rows are there, and that the ledger has all partitions, if maintenance runs beside the writers.

    Args:
        site: where to put a table.
        case: a workflow with partitions.
        processes: how many processes write.
        runs: how many partitions each of them runs.
    """
    ref = site.table(case)
    works, model = distinct_partitions(case, processes, runs)
    lakehouse = site.open()
    first, rows = works[0].pop(0)
    run_case(lakehouse, case, ref, first, rows)
    at, end = time.time() + HEAD_START_SECONDS, site.directory / f"end of {ref.name}"
    maintenance = children.start(_maintain, site, ref, end)
    started = [
        children.start(run_all, site, case, ref, tuple(work), number, at, 0) for number, work in enumerate(works)
    ]
    try:
        for child in started:
            child.result()
    finally:
        end.touch()
    assert maintenance.result() == []
    _maintain(site, ref, end)
    assert rows_in(lakehouse, ref) == model.rows
    published = lakehouse.published(ref.full_name)
    missing = [
        partition for partition in (first, *(key for work in works for key, _ in work)) if partition not in published
    ]
    assert not missing, f"the ledger lost {missing}"


def assert_killed_maintenance_loses_nothing(site: Site, case: Case, kills: int, seed: int) -> None:
    """Check that a table is whole when maintenance is killed, and that the next one finishes its work.

    Args:
        site: where to put a table.
        case: a workflow with partitions that returns all rows of its source.
        kills: how many times to kill it, at random instants, while runs are at work.
        seed: decides the rows. Where a random instant falls differs all the same.
    """
    ref, model, lakehouse, chance = site.table(case), Model(case), site.open(), random.Random(seed)
    never = site.directory / f"end of {ref.name}"
    for number in range(kills + 1):
        partition = chance.choice(case.partitions)
        rows = tuple(Row(chance.randint(1, 12), number * 10 + each, float(each)) for each in range(4))
        rows = tuple({row.id: row for row in rows}.values())
        model = model.after(partition, rows)
        maintenance = children.start(_maintain, site, ref, never) if number else None
        run_case(lakehouse, case, ref, partition, rows, f"run {number}")
        if maintenance is not None:
            time.sleep(chance.uniform(0, 0.5))
            maintenance.kill()
            assert maintenance.wait() == -signal.SIGKILL
        what = f"{case}, seed {seed}, run {number}"
        assert rows_in(lakehouse, ref) == model.rows, what
    never.touch()
    assert _maintain(site, ref, never) == []
    assert rows_in(lakehouse, ref) == model.rows
    location = lakehouse.require(ref).location()
    place = {ref.full_name: canonical(location)}
    # What the killed ones had begun stays as long as a run could still need it.
    past = time.time() - 2 * LONGEST_COMMIT_SECONDS
    for path in Path(canonical(location)).rglob("*"):
        os.utime(path, (past, past))
    assert maintain_table(lakehouse, ref, place, orphan_age=0).problems == ()
    assert rows_in(lakehouse, ref) == model.rows
    named = {canonical(path) for path in lakehouse.require(ref).inspect.all_files()["file_path"].to_pylist()}
    stored = {canonical(str(path)) for path in Path(canonical(location)).rglob("*.parquet")}
    assert stored == named


def _maintain(site: Site, ref: TableRef, end: Path) -> list[str]:
    """Maintain a table again and again, until there is a file, and once after that. Return what could not be done."""
    lakehouse = dataclasses.replace(site.open(), retention=Retention(snapshots=2, days=0, least_age=0))
    problems: list[str] = []
    while True:
        ended = end.exists()
        place = {ref.full_name: canonical(lakehouse.require(ref).location())}
        problems += maintain_table(lakehouse, ref, place, orphan_age=0).problems
        if ended:
            return problems
