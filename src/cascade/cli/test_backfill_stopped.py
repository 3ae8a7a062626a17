"""A backfill that something stops goes on with exactly what is left (G8)."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import psutil
import pytest

from cascade.cli.conftest import Cascade, program
from cascade.config import CascadeConfig
from cascade.framework.conftest import SampleProject
from cascade.framework.instance import open_instance
from cascade.iceberg import open_lakehouse
from cascade.processes.children import child_environment

__all__ = ["program"]

pytestmark = pytest.mark.usefixtures("program")

SLOW = """
    import os, signal, time
    from pathlib import Path
    from pydantic import BaseModel
    from cascade.ingestion import cascade_ingestion

    class Row(BaseModel):
        id: int

    @cascade_ingestion(
        table_name="things", unique_key="id", group="g", validation_schema=Row,
        partition_start="2024-01-01", partition_end="2024-01-07",
    )
    def things(partition_date):
        day = int(partition_date[-2:])
        if day == 3 and Path("deadly").exists():
            Path("deadly").unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        if day >= 3 and Path("slow").exists():
            Path(f"waits-{day}").touch()
            while True:
                time.sleep(0.05)
        return [{"id": day * 10}, {"id": day * 10 + 1}]
"""
DAYS: list[str | None] = [f"2024-01-{day:02}" for day in range(1, 7)]


def published() -> list[str | None]:
    return list(open_lakehouse(CascadeConfig.from_user_config()).published("raw.things"))


def row_ids() -> list[int]:
    rows = open_lakehouse(CascadeConfig.from_user_config()).read("raw.things")
    return sorted(rows["id"].to_list())


ALL_ROWS = sorted(day * 10 + number for day in range(1, 7) for number in (0, 1))


def test_g8_the_partition_of_a_worker_that_is_killed_runs_again(cascade: Cascade, project: SampleProject) -> None:
    project.write("things.py", SLOW)
    (project.root / "deadly").touch()
    done = cascade("backfill", "things", "--parallel", "2")
    assert done.exit_code == 0, done.output
    lost = "things 2024-01-03: the process of the run was killed by SIGKILL. It runs again in another."
    assert done.stderr.count(lost) == 1
    assert "Backfilled 6 of 6 partitions of things." in done.stdout
    assert published() == DAYS
    assert row_ids() == ALL_ROWS
    # To Dagster, the run that was killed has failed, and the partition has not.
    with open_instance(CascadeConfig.from_user_config()) as instance:
        runs = instance.get_runs(dg.RunsFilter(tags={"dagster/partition": "2024-01-03"}))
        assert [run.status.value for run in runs] == ["SUCCESS", "FAILURE"]
    again = cascade("backfill", "things")
    assert (again.exit_code, again.stdout) == (
        0,
        "Nothing to do for things: of 6 partitions, none is missing or failed.\n",
    )


@pytest.mark.parametrize(
    ("parallel", "number"), [(2, signal.SIGKILL), (2, signal.SIGINT), (1, signal.SIGINT), (1, signal.SIGKILL)]
)
def test_g8_a_backfill_that_is_stopped_goes_on_with_what_is_left(
    cascade: Cascade, project: SampleProject, parallel: int, number: signal.Signals
) -> None:
    project.write("things.py", SLOW)
    slow = project.root / "slow"
    slow.touch()
    with started("backfill", "things", "--parallel", str(parallel)) as process:
        # The first two partitions are done, and others are under way.
        until_exists(*(project.root / f"waits-{day}" for day in range(3, 3 + parallel)))
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(number)
        output, errors = process.communicate(timeout=100)
        # The guardian of a killed backfill ends its workers.
        _, alive = psutil.wait_procs(children, timeout=60)
        assert not alive
    if number == signal.SIGINT:
        assert process.returncode == 1, errors
        assert "things 2024-01-03 was stopped." in errors
        assert ("Press Ctrl-C again to kill them." in errors) == (parallel > 1)
        assert "Backfilled 2 of 6 partitions of things." in output
        options = f" --parallel {parallel}" if parallel > 1 else ""
        assert f"Stopped. 4 partitions did not run. Go on: cascade backfill things{options}" in output
    assert published() == DAYS[:2]
    slow.unlink()
    again = cascade.json("backfill", "things")
    assert [run["partition"] for run in again["runs"]] == DAYS[2:]
    assert again["success"]
    assert row_ids() == ALL_ROWS


@contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Start the command line, and kill it at the end."""
    code = f"import sys; sys.argv[0] = 'cascade'; from cascade.cli.main import main; main({list(arguments)!r})"
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env=child_environment(DAGSTER_HOME=""),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Unlike a process in the background, it must not ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def until_exists(*paths: Path) -> None:
    deadline = time.monotonic() + 120
    while not all(path.exists() for path in paths):
        assert time.monotonic() < deadline, f"{paths} did not appear"
        time.sleep(0.1)
