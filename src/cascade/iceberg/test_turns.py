from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pyiceberg.exceptions import CommitFailedException

from cascade.iceberg import turns
from cascade.iceberg.catalog import Lakehouse, open_lakehouse
from cascade.iceberg.commit import commit_planned
from cascade.iceberg.conftest import Settings
from cascade.iceberg.merge import MergePlan, MergePlanner, merge_rows
from cascade.iceberg.tables import ensure_table
from cascade.iceberg.test_commit import NAME, SCHEMA, batch, rows_of
from cascade.iceberg.test_lost_answers import answering, lost
from cascade.iceberg.turns import Turn

HOLD = """
import fcntl, os, sys
descriptor = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
fcntl.flock(descriptor, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


def lock_of(lakehouse: Lakehouse) -> Path:
    path = Turn.of(lakehouse.uri, NAME).path
    assert path is not None
    path.parent.mkdir(exist_ok=True)
    return path


@contextmanager
def held(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Let another process have its turn, until it is killed."""
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_writer_waits_for_another_and_goes_on_when_that_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with held(path) as process, Turn(path) as turn:
        timer = threading.Timer(0.2, process.kill)
        timer.start()
        assert turn.take()
        timer.join()
        assert turn.is_mine


def test_a_writer_that_never_gets_its_turn_commits_without(
    lakehouse: Lakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "_PATIENCE_SECONDS", 0.1)
    ensure_table(lakehouse, NAME, SCHEMA)
    with held(lock_of(lakehouse)):
        assert merge_rows(lakehouse, NAME, batch([1], 1), ["id"], run_id="1").attempts == 1
    assert rows_of(lakehouse) == {1: 1}


def test_threads_of_one_process_take_turns_and_none_loses_a_third_race(tmp_path: Path) -> None:
    ensure_table(open_lakehouse(Settings(tmp_path)), NAME, SCHEMA)
    attempts, start = list[int](), threading.Barrier(4)

    def write(n: int) -> None:
        lakehouse = open_lakehouse(Settings(tmp_path))
        start.wait()
        for turn in range(3):
            keys = batch([100 * n + turn], n)
            attempts.append(merge_rows(lakehouse, NAME, keys, ["id"], run_id=f"{n}-{turn}").attempts)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(attempts) == 12 and max(attempts) <= 3
    assert len(rows_of(open_lakehouse(Settings(tmp_path)))) == 12


def test_plans_that_come_too_late_again_and_again_are_made_while_others_wait(
    lakehouse: Lakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure_table(lakehouse, NAME, SCHEMA)
    merge_rows(lakehouse, NAME, batch(range(10), 0), ["id"], run_id="0")
    path, waits = lock_of(lakehouse), list[bool]()

    class Slow(MergePlanner):
        def plan(self, table: object) -> MergePlan:
            waits.append(path in turns._mine)
            return super().plan(table)  # type: ignore[arg-type]

        def still_holds(self, plan: MergePlan, table: object) -> bool:
            return False

    answering(monkeypatch, *[lost(CommitFailedException("another writer"))] * 3)
    commit_planned(lakehouse, NAME, Slow(batch([1], 1), ("id",)), summary={})
    assert waits == [False, False, True, True]
    assert not turns._mine
    assert rows_of(lakehouse)[1] == 1


def test_without_a_lock_a_writer_waits_the_shorter_the_longer_it_has_waited(monkeypatch: pytest.MonkeyPatch) -> None:
    slept = list[float]()
    monkeypatch.setattr(time, "sleep", slept.append)
    monkeypatch.setattr(random, "uniform", lambda low, high: high)
    for waited in (0, 1, 9, 99):
        Turn(None, since=time.monotonic() - waited).wait(10)
    assert [round(seconds, 2) for seconds in slept] == [2.0, 1.0, 0.2, 0.02]


def test_a_server_and_a_database_in_memory_have_no_lock() -> None:
    for uri in ("https://example.org", "postgresql+psycopg2://host/db", "sqlite:///:memory:", "sqlite://"):
        assert Turn.of(uri, NAME).path is None
        assert not Turn.of(uri, NAME).take()
