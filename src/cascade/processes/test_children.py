"""No child outlives its parent, no matter how the parent ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from cascade.processes.children import Children, child_environment, source_paths

SLEEPER = "import time; time.sleep(600)"
STUBBORN = (
    "import signal, time\nfor n in (2, 15): signal.signal(n, signal.SIG_IGN)\nprint('up', flush=True)\ntime.sleep(600)"
)
PARENT_OF_ONE = f"import subprocess, sys, time\nsubprocess.Popen([sys.executable, '-c', {SLEEPER!r}])\ntime.sleep(600)"


def wait_for(condition: object, seconds: float = 15) -> bool:
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


def scratch(tmp_path: Path) -> Path:
    directory = tmp_path / "scratch"
    directory.mkdir()
    return directory


def test_children_and_their_children_have_ended_at_the_end(tmp_path: Path) -> None:
    with Children(scratch(tmp_path), grace=1) as children:
        child = children.start("a child", [sys.executable, "-c", PARENT_OF_ONE])
        assert wait_for(lambda: psutil.Process(child.process.pid).children())
        family = [child.process.pid, *(process.pid for process in psutil.Process(child.process.pid).children())]
        assert children.dead() is None
    assert not any(psutil.pid_exists(pid) for pid in family)


def test_a_child_that_ignores_signals_is_killed(tmp_path: Path) -> None:
    with Children(scratch(tmp_path), grace=0.2) as children:
        child = children.start("stubborn", [sys.executable, "-c", STUBBORN])
        time.sleep(0.5)
        begun = time.monotonic()
    assert child.process.returncode == -signal.SIGKILL
    assert time.monotonic() - begun < 5


def test_a_child_that_takes_its_time_is_killed_if_there_is_a_hurry(tmp_path: Path) -> None:
    with Children(scratch(tmp_path), grace=600) as children:
        child = children.start("stubborn", [sys.executable, "-c", STUBBORN], talks=True)
        assert child.process.stdout is not None and child.process.stdout.readline() == b"up\n"
        asked = iter((False, False, True, True))
        children.stop(hurry=lambda: next(asked))
    assert child.process.returncode == -signal.SIGKILL


def test_output_of_children_is_passed_on_until_they_are_silent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = "import sys, time\nfor n in range(1000): print(n, file=sys.stderr, flush=True); time.sleep(0.02)"
    with Children(scratch(tmp_path), grace=1) as children:
        children.start("talker", [sys.executable, "-c", source], shows=lambda line: line if line != "1\n" else None)
        said = ""

        def has_said_three() -> bool:
            nonlocal said
            said += capsys.readouterr().err
            return said.count("\n") >= 3

        assert wait_for(has_said_three)
        children.silent = True
        time.sleep(0.1)
        capsys.readouterr()
        time.sleep(0.3)
        assert capsys.readouterr().err == ""
    assert said.split()[:2] == ["0", "2"]
    # It ends by an interrupt, which prints a traceback.
    assert capsys.readouterr().err == ""


def test_a_child_that_ends_is_detected(tmp_path: Path) -> None:
    with Children(scratch(tmp_path)) as children:
        children.start("brief", [sys.executable, "-c", "raise SystemExit(7)"])
        assert wait_for(children.dead)
        dead = children.dead()
        assert dead is not None
        assert (dead.name, dead.ended) == ("brief", 7)


def test_a_guardian_that_was_killed_is_not_missed_at_the_end(tmp_path: Path) -> None:
    with Children(scratch(tmp_path), grace=1) as children:
        child = children.start("a child", [sys.executable, "-c", SLEEPER])
        children._guardian.kill()
        children._guardian.wait()
    assert not psutil.pid_exists(child.process.pid)
    assert not (tmp_path / "scratch").exists()


def test_the_guardian_ends_the_children_of_a_killed_parent(tmp_path: Path) -> None:
    directory = scratch(tmp_path)
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom cascade.processes.children import Children\n"
        f"with Children(Path({str(directory)!r})) as children:\n"
        f"    print(children.start('a child', [sys.executable, '-c', {SLEEPER!r}]).process.pid, flush=True)\n"
        "    time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], env=child_environment(), stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert psutil.pid_exists(pid)
        parent.kill()
    assert wait_for(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    assert wait_for(lambda: not directory.exists())


def test_a_child_can_import_what_its_parent_can(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "only_here.py").write_text("ANSWER = 42\n", encoding="utf-8")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    program = "import only_here, cascade; print(only_here.ANSWER)"
    environment = child_environment(PYTHONDONTWRITEBYTECODE="1")
    result = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert result.stdout == "42\n"
    assert not any(path.startswith(sys.prefix + os.sep) for path in source_paths())
