"""Servers start, are found again, and stop, whatever happened to whom started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from cascade.services.conftest import Fake
from cascade.services.control import Status, exclusive, start, status, stop
from cascade.services.logs import read_logs
from cascade.services.running import find_process, log_file, started


def starts(fake: Fake) -> Status:
    told: list[Status] = []
    (found,) = start([fake], told.append)
    assert told == [found]
    return found


def test_a_server_goes_from_stopped_to_healthy_and_back(fake: Fake) -> None:
    assert status(fake).state == "stopped"
    found = starts(fake)
    assert (found.state, found.detail) == ("healthy", "")
    assert found.pid and psutil.Process(found.pid).ppid() and os.getpgid(found.pid) == found.pid
    assert (fake.stack.directory / "completed").exists()
    # Once more: it is left alone.
    assert starts(fake).pid == found.pid
    stopped = []
    stop([fake], lambda service, ran: stopped.append(ran))
    assert (status(fake).state, status(fake).detail) == ("stopped", "")
    assert not (fake.stack.directory / "scratch").exists()
    stop([fake], lambda service, ran: stopped.append(ran))
    assert stopped == [True, False]


def test_a_server_that_ends_shows_its_last_lines_without_passwords(fake: Fake) -> None:
    fake.behavior.write_text("broken")
    found = starts(fake)
    assert found.state == "stopped"
    assert "exit code 1" in found.detail and "a setting is wrong: ***" in found.detail
    secret = fake.stack.secrets["s3_secret"]
    assert secret not in found.detail and secret in log_file(fake).read_text()
    assert secret not in "".join(line for _, line in read_logs([fake], 50, follow=False))
    assert log_file(fake).stat().st_mode & 0o77 == 0


def test_a_server_that_answers_badly_is_starting_and_then_unhealthy(
    fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.behavior.write_text("ill")
    monkeypatch.setattr(Fake, "seconds", 1.0)
    found = starts(fake)
    assert found.state == "unhealthy" and "answers 503" in found.detail and found.pid
    assert status(fake).state == "unhealthy"
    monkeypatch.setattr(Fake, "seconds", 60.0)
    assert status(fake).state == "starting"
    fake.behavior.write_text("")
    assert status(fake).state == "healthy"


def test_a_server_that_was_killed_is_stopped_and_starts_again(fake: Fake) -> None:
    first = starts(fake)
    assert first.pid
    process = psutil.Process(first.pid)
    process.kill()
    process.wait(10)
    assert status(fake).state == "stopped" and "not stopped" in status(fake).detail
    second = starts(fake)
    assert second.state == "healthy" and second.pid != first.pid


def test_a_number_of_another_process_is_never_taken_for_the_server(fake: Fake) -> None:
    """As after a restart of the machine: there is a record of a start, and no server."""
    starts(fake)
    record = fake.stack.directory / "fake.json"
    kept = record.read_text()
    stop([fake], lambda *_: None)
    record.write_text(kept)
    assert find_process(fake) is None and status(fake).state == "stopped"
    record.write_text("{")
    assert status(fake).state == "stopped"
    assert starts(fake).state == "healthy"


def test_a_server_that_ignores_the_request_is_killed(fake: Fake) -> None:
    fake.stack.directory.joinpath("behavior").write_text("stubborn")
    assert starts(fake).state == "healthy"
    stop([fake], lambda *_: None)
    assert find_process(fake) is None


def test_a_port_of_somebody_else_is_named_and_not_touched(fake: Fake, listening: Callable[[int], None]) -> None:
    listening(fake.ports[0])
    found = starts(fake)
    assert found.state == "stopped"
    assert f"port {fake.ports[0]} on 127.0.0.1 is taken by process {os.getpid()}" in found.detail
    assert "--new-ports" in found.hint


def test_what_is_not_installed_does_not_stop_the_others(fake: Fake) -> None:
    class Other(Fake):
        name = "other"

    absent = Other(fake.stack, absent=True)
    assert status(absent).state == "not installed"
    found = start([absent, fake], lambda _: None)
    assert [(each.service.name, each.state) for each in found] == [("other", "not installed"), ("fake", "healthy")]
    assert (found[0].detail, found[0].hint) == ("It is not here.", "get it")


_STARTER = """
import sys
from pathlib import Path
from cascade.services.conftest import Fake
from cascade.services.control import exclusive, start
from cascade.services.stack import open_stack

stack = open_stack(Path(sys.argv[1]))
with exclusive(stack.directory, lambda: None):
    (found,) = start([Fake(stack)], lambda _: None)
print(found.state, found.pid)
"""


def test_two_starters_at_once_start_one_server(fake: Fake) -> None:
    command = [sys.executable, "-c", _STARTER, str(fake.stack.directory)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) for _ in range(2)]
    said = {process.communicate(timeout=60)[0] for process in running}
    process = find_process(fake)
    assert process is not None and said == {f"healthy {process.pid}\n"}


def test_a_server_is_found_and_stopped_after_a_kill_of_its_starter(fake: Fake) -> None:
    fake.behavior.write_text("ill")
    command = [sys.executable, "-c", _STARTER, str(fake.stack.directory)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, env=environment) as starter:
        deadline = time.monotonic() + 30
        while find_process(fake) is None and time.monotonic() < deadline:
            time.sleep(0.05)
        starter.send_signal(signal.SIGKILL)
    # The lock went with the starter.
    with exclusive(fake.stack.directory, lambda: pytest.fail("the lock is held")):
        assert find_process(fake) is not None
        stopped = []
        stop([fake], lambda service, ran: stopped.append(ran))
    assert stopped == [True] and find_process(fake) is None and started(fake) is None


def test_the_second_of_two_commands_says_that_it_waits(fake: Fake) -> None:
    said = threading.Event()
    order = []

    def second() -> None:
        with exclusive(fake.stack.directory, said.set):
            order.append("second")

    with exclusive(fake.stack.directory, lambda: None):
        thread = threading.Thread(target=second)
        thread.start()
        assert said.wait(10)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]


def test_logs_go_on_with_new_lines_and_a_new_file(fake: Fake) -> None:
    log = log_file(fake)
    log.parent.mkdir(parents=True)
    log.write_text("one\ntwo\n")
    assert [line for _, line in read_logs([fake], 1, follow=False)] == ["two"]
    assert list(read_logs([fake], 0, follow=False)) == []
    following = read_logs([fake], 1, follow=True)
    assert next(following) == ("fake", "two")
    with log.open("a") as opened:
        opened.write("three\nfo")
    assert next(following) == ("fake", "three")
    with log.open("a") as opened:
        opened.write("ur\n")
    assert next(following) == ("fake", "four")
    log.unlink()
    log.write_text("new\n")
    assert next(following) == ("fake", "new")


def test_ports_change_and_data_stays(fake: Fake, tmp_path: Path) -> None:
    moved = replace(fake, stack=replace(fake.stack, ports={**fake.stack.ports, "s3": fake.stack.ports["trino"]}))
    assert starts(fake).state == "healthy"
    # The process of the old ports is the same server.
    assert find_process(moved) is not None
