"""Workers that die: their partitions run again, and a backfill ends in any case."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from cascade.exceptions import CascadeError
from cascade.processes.partition_pool import run_in_processes
from cascade.processes.partition_results import PartitionResult
from cascade.processes.partition_worker import Job
from cascade.processes.stop_signals import StopSignals

# A worker without Dagster. The key of a partition says how many of the processes that run it die, and how.
WORKER = """
import json, os, signal, sys
from pathlib import Path

def times(name):
    path = Path(sys.argv[1], name)
    with path.open("a") as file:
        file.write(".")
    return path.stat().st_size

sys.stdin.readline()
loading, how = sys.argv[2].split(":")
if times("loading") <= int(loading):
    os.kill(os.getpid(), signal.SIGKILL) if how == "killed" else os._exit(3)
print("ready", flush=True)
for line in sys.stdin:
    key = json.loads(line)
    name, deaths, how = key.split(":")
    if times(name) <= int(deaths):
        os.kill(os.getpid(), signal.SIGKILL) if how == "killed" else os._exit(3)
    result = {"partition": key, "success": True, "notices": []}
    print(json.dumps(result), flush=True)
"""
JOB = Job("things", None, {})


def run(
    tmp_path: Path, partitions: Sequence[str], *, loading: str = "0:killed", processes: int = 3
) -> tuple[list[PartitionResult], list[PartitionResult]]:
    """Run partitions in workers that die. Return the results, and what ran again."""
    again: list[PartitionResult] = []
    with StopSignals() as signals:
        found = run_in_processes(
            JOB,
            partitions,
            processes=processes,
            signals=signals,
            stopping=lambda: None,
            taken_again=again.append,
            worker_argv=[sys.executable, "-I", "-S", "-c", WORKER, str(tmp_path), loading],
        )
        return list(found), again


def test_g8_the_partition_of_a_worker_that_dies_runs_again(tmp_path: Path) -> None:
    partitions = ["a:0:", "b:1:killed", "c:0:", "d:4:killed", "e:2:exits", "f:0:"]
    results, again = run(tmp_path, partitions)
    assert sorted(str(result.partition) for result in results) == partitions
    assert all(result.success for result in results)
    tried = {result.partition: result.attempts for result in results}
    assert tried == {"a:0:": 1, "b:1:killed": 2, "c:0:": 1, "d:4:killed": 5, "e:2:exits": 3, "f:0:": 1}
    assert len(again) == 1 + 4 + 2
    assert {lost.error for lost in again} == {
        "the process of the run was killed by SIGKILL.",
        "the process of the run ended with the exit code 3.",
    }


def test_a_partition_that_kills_every_process_fails_and_no_other(tmp_path: Path) -> None:
    results, again = run(tmp_path, ["a:0:", "b:99:killed", "c:0:", "d:99:exits"], processes=2)
    failed = {result.partition: result for result in results if not result.success}
    assert sorted(str(key) for key in failed) == ["b:99:killed", "d:99:exits"]
    assert failed["b:99:killed"].error == (
        "5 processes died while they ran it. The last was killed by SIGKILL. If memory ran out, use a lower --parallel."
    )
    assert failed["d:99:exits"].error == "5 processes died while they ran it. The last ended with the exit code 3."
    assert len(results) == 4 and len(again) == 8


def test_a_process_that_is_killed_while_it_loads_is_replaced(tmp_path: Path) -> None:
    results, again = run(tmp_path, ["a:0:", "b:0:", "c:0:"], loading="19:killed", processes=2)
    assert [result.attempts for result in results] == [1, 1, 1]
    assert again == []


@pytest.mark.parametrize(
    ("loading", "how"), [("99:killed", "was killed by SIGKILL"), ("1:exits", "ended with the exit code 3")]
)
def test_a_project_that_does_not_load_ends_the_backfill(tmp_path: Path, loading: str, how: str) -> None:
    with pytest.raises(CascadeError, match=f"{how} before it had loaded the project"):
        run(tmp_path, ["a:0:", "b:0:"], loading=loading)
    # Not every partition was tried with a project that does not load.
    assert (tmp_path / "loading").stat().st_size <= 23
