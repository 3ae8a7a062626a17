"""A backfill whose processes are killed one after the other, and what must be left of it."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import psutil

from cascade.config import CascadeConfig
from cascade.framework.instance import open_instance
from cascade.iceberg import open_lakehouse
from cascade.processes.children import child_environment

_FIRST = date(2023, 1, 1)
_ROWS = 20
_BEGUN = "begun"
_WORKER = "cascade.processes.partition_worker"

_WORKFLOW = f"""
import time
from datetime import date
from pathlib import Path

from cascade import cascade_ingestion
from pydantic import BaseModel


class Reading(BaseModel):
    id: int
    day: date


@cascade_ingestion(
    table_name="readings", unique_key="id", group="g", validation_schema=Reading,
    partition_start="{_FIRST}", partition_end="{{end}}",
)
def readings(partition_date):
    Path({{begun!r}}).touch()
    time.sleep({{seconds}})
    number = date.fromisoformat(partition_date).toordinal()
    return [{{{{"id": number * {_ROWS} + i, "day": partition_date}}}} for i in range({_ROWS})]
"""


@dataclass(frozen=True)
class KilledBackfill:
    """What happened.

    Args:
        document: what `cascade backfill --json` printed.
        kills: how many processes were killed.
        again: how many of them ran a partition, which then ran again.
        seconds: how long the backfill took.
    """

    document: Mapping[str, Any]
    kills: int
    again: int
    seconds: float


def backfill_under_kills(
    root: Path,
    *,
    partitions: int,
    processes: int,
    every: float,
    most_kills: int | None = None,
    seconds: float = 0.0,
    settings: Mapping[str, str] | None = None,
    seed: int = 0,
) -> KilledBackfill:
    """Backfill a new workflow while its processes are killed, and check that it has landed whole.

    Args:
        root: the directory of the project, which must not exist.
        partitions: how many daily partitions the workflow has.
        processes: how many run at once.
        every: one of several processes is killed every so many seconds, from the first run on.
        most_kills: stop after so many; None to go on until the end.
        seconds: how long the source takes for a partition.
        settings: environment variables of the project.
        seed: decides which process is killed.

    Raises:
        AssertionError: a partition, a row or a run is not as it must be.
    """
    end = _FIRST + timedelta(days=partitions)
    (root / "workflows").mkdir(parents=True)
    (root / "pyproject.toml").write_text("[tool.cascade]\n")
    (root / "workflows" / "readings.py").write_text(
        _WORKFLOW.format(end=end, seconds=seconds, begun=str(root / _BEGUN))
    )
    environment = child_environment(DAGSTER_HOME="", CASCADE_PROJECT_ROOT=str(root), **(settings or {}))
    argv = [sys.executable, "-m", "cascade", "backfill", "readings", "--parallel", str(processes), "--json"]
    dice, kills, started = random.Random(seed), 0, time.monotonic()
    with (root / "document").open("w") as output, (root / "errors").open("w") as errors:
        process = subprocess.Popen(argv, cwd=root, env=environment, stdout=output, stderr=errors)
        try:
            due: float | None = None
            while process.poll() is None:
                time.sleep(0.05)
                if due is None:
                    due = time.monotonic() + every if (root / _BEGUN).exists() else None
                if due is None or time.monotonic() < due or kills == most_kills:
                    continue
                workers = _workers(process.pid)
                # A machine may load the project more slowly than the last one would be killed.
                if len(workers) > 1:
                    dice.choice(workers).kill()
                    kills += 1
                due = time.monotonic() + every
        finally:
            process.kill()
            process.wait()
    told = (root / "errors").read_text()
    assert process.returncode == 0, told
    document = json.loads((root / "document").read_text())
    result = KilledBackfill(document, kills, told.count("It runs again in another."), time.monotonic() - started)
    _check(root, settings or {}, document, partitions)
    return result


def _workers(parent: int) -> list[psutil.Process]:
    found = []
    for child in psutil.Process(parent).children(recursive=True):
        try:
            if _WORKER in child.cmdline():
                found.append(child)
        except psutil.NoSuchProcess:
            continue
    return sorted(found, key=lambda child: child.pid)


def _check(root: Path, settings: Mapping[str, str], document: Mapping[str, Any], partitions: int) -> None:
    days = [str(_FIRST + timedelta(days=number)) for number in range(partitions)]
    assert sorted(run["partition"] for run in document["runs"]) == days
    assert document["success"] and document["totals"]["failed"] == []
    given = {name.removeprefix("CASCADE_").lower(): value for name, value in settings.items()}
    config = CascadeConfig(project_root=root, **given)
    lakehouse = open_lakehouse(config)
    first = _FIRST.toordinal() * _ROWS
    # No row is missing, and none is there twice.
    assert sorted(lakehouse.read("raw.readings")["id"].to_list()) == list(range(first, first + partitions * _ROWS))
    assert list(lakehouse.published("raw.readings")) == days
    with _environment_kept(), open_instance(config) as instance:
        states = Counter(run.status.value for run in instance.get_runs())
        materialized = instance.get_materialized_partitions(dg.AssetKey("readings"))
    # To Dagster, none is under way.
    assert set(states) <= {"SUCCESS", "FAILURE"} and states["SUCCESS"] >= partitions, states
    assert materialized == set(days)


@contextmanager
def _environment_kept() -> Iterator[None]:
    before = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
