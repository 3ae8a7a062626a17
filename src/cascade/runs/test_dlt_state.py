from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cascade.exceptions import CascadeError
from cascade.runs.dlt_state import StateDirectory, copy_states

HOLD = """
import sys
from pathlib import Path
from cascade.runs.dlt_state import StateDirectory, copy_states

state = StateDirectory(Path(sys.argv[1]))
work = state.working_copy()
(work / "half").write_text("written")
print(work.name, flush=True)
sys.stdin.read()
"""


@contextmanager
def another_process(home: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start a process that has a working copy, and yield it with the name of the copy."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


def left(home: Path) -> list[str]:
    return sorted(path.name for path in home.iterdir() if path.name != ".lock")


def kept_with(home: Path, text: str) -> str:
    state = StateDirectory(home)
    (state.working_copy() / "state").write_text(text)
    state.keep(lambda: None)
    state.close()
    return (home / "current").read_text()


def test_a_copy_that_a_killed_process_left_is_removed_by_the_next_run(tmp_path: Path) -> None:
    kept = kept_with(tmp_path, "one")
    with another_process(tmp_path) as (process, copy):
        assert left(tmp_path) == sorted(["current", kept, copy])
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert copy in left(tmp_path)
    state = StateDirectory(tmp_path)
    work = state.working_copy()
    assert left(tmp_path) == sorted(["current", kept, work.name])
    assert (work / "state").read_text() == "one"
    state.close()
    assert left(tmp_path) == ["current", kept]


def test_a_copy_of_a_process_that_runs_is_left_alone_until_it_ends(tmp_path: Path) -> None:
    with another_process(tmp_path) as (process, copy):
        kept = kept_with(tmp_path, "two")
        assert left(tmp_path) == sorted(["current", kept, copy])
        assert (tmp_path / copy / "half").read_text() == "written"
        process.kill()
        process.wait()
        assert kept_with(tmp_path, "three") != kept
    assert left(tmp_path) == ["current", (tmp_path / "current").read_text()]


def test_two_runs_at_the_same_time_keep_one_whole_state(tmp_path: Path) -> None:
    kept_with(tmp_path, "old")
    first, second = StateDirectory(tmp_path), StateDirectory(tmp_path)
    for state, text in ((first, "first"), (second, "second")):
        work = state.working_copy()
        assert (work / "state").read_text() == "old"
        (work / "state").write_text(text)
    for state in (second, first):
        state.keep(lambda: None)
        state.close()
    kept = (tmp_path / "current").read_text()
    assert (tmp_path / kept / "state").read_text() == "first"
    assert left(tmp_path) == ["current", kept]


def test_a_state_that_a_crash_kept_from_applying_is_removed(tmp_path: Path) -> None:
    kept = kept_with(tmp_path, "one")
    (tmp_path / "kept-half").mkdir()
    (tmp_path / ".kept-half").write_text("kept-half")
    state = StateDirectory(tmp_path)
    assert (state.working_copy() / "state").read_text() == "one"
    state.close()
    assert left(tmp_path) == ["current", kept]


def test_a_file_system_without_locks_keeps_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(file: object, kind: int) -> None:
        raise OSError("no locks available")

    (tmp_path / "work-other").mkdir()
    monkeypatch.setattr("fcntl.flock", unsupported)
    kept = kept_with(tmp_path, "one")
    assert left(tmp_path) == sorted(["current", kept, "work-other"])


def test_a_run_without_dlt_touches_nothing(tmp_path: Path) -> None:
    StateDirectory(tmp_path / "none").close()
    assert list(tmp_path.iterdir()) == []


def kept_state(home: Path) -> Path:
    """Keep a state of dlt, and return its file."""
    state = StateDirectory(home)
    file = state.working_copy() / "pipeline" / "state.json"
    file.parent.mkdir()
    file.write_text('{"sources": {"rides": {"resources": {}}}}')
    state.keep(lambda: None)
    state.close()
    (file,) = home.glob("kept-*/*/state.json")
    return file


@pytest.mark.parametrize("content", [b"", b"\0" * 13, b"\xff{}", b"..", b"kept-gone", b"kept-x/../.."])
def test_a_pointer_that_names_no_state_is_an_error(tmp_path: Path, content: bytes) -> None:
    kept_state(tmp_path)
    (tmp_path / "current").write_bytes(content)
    state = StateDirectory(tmp_path)
    with pytest.raises(CascadeError, match=re.escape(f"dlt's state is damaged: {tmp_path / 'current'}.")) as caught:
        state.working_copy()
    state.close()
    assert caught.value.hint is not None and str(tmp_path) in caught.value.hint
    assert not list(tmp_path.glob("work-*"))
    assert list(tmp_path.glob("kept-*"))


@pytest.mark.parametrize("content", [b"", b"\0" * 41, b'{"sources": {"ri'])
def test_a_state_that_is_not_json_is_an_error(tmp_path: Path, content: bytes) -> None:
    file = kept_state(tmp_path)
    assert StateDirectory(tmp_path).sources() == {"rides": {"resources": {}}}
    file.write_bytes(content)
    state = StateDirectory(tmp_path)
    with pytest.raises(CascadeError, match=re.escape(f"dlt's state is damaged: {file}.")):
        state.sources()
    state.close()


def test_a_copy_of_the_states_of_a_table_goes_its_own_way(tmp_path: Path) -> None:
    source, target = tmp_path / "main" / "dlt_t", tmp_path / "branch" / "dlt_t"
    copy_states(source, target)
    assert not target.exists()
    for name in ("a", "b"):
        state = StateDirectory(source / name)
        (state.working_copy() / "cursor").write_text(name)
        state.keep(lambda: None)
        state.close()
    before = {path: path.read_bytes() for path in source.rglob("*") if path.is_file()}
    (target / "old").mkdir(parents=True)
    copy_states(source, target)
    assert sorted(path.name for path in target.iterdir()) == ["a", "b"]
    mine = StateDirectory(target / "a")
    assert (mine.working_copy() / "cursor").read_text() == "a"
    (mine.working_copy() / "cursor").write_text("later")
    mine.keep(lambda: None)
    mine.close()
    assert {path: path.read_bytes() for path in source.rglob("*") if path.is_file()} == before
