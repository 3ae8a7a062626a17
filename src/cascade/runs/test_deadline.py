from __future__ import annotations

import signal
import threading
import time

import pytest

from cascade.exceptions import RunTooLongError, SourceLocation
from cascade.runs.deadline import deadline

HERE = SourceLocation("flights.py", 7)


def test_a_wait_in_the_main_thread_is_interrupted() -> None:
    start = time.monotonic()
    with (
        pytest.raises(RunTooLongError, match=r"flights.py:7: raw.flights: .* max_runtime_seconds=0.1"),
        deadline(0.1, "raw.flights", HERE),
    ):
        time.sleep(20)
    assert time.monotonic() - start < 5


def test_a_source_cannot_swallow_the_interruption() -> None:
    with pytest.raises(RunTooLongError), deadline(0.1, "raw.flights"):
        while True:
            try:
                time.sleep(20)
            except Exception:
                pytest.fail("the interruption was swallowed")


def test_work_in_another_thread_is_interrupted() -> None:
    outcome: list[BaseException | None] = []

    def work() -> None:
        try:
            with deadline(0.1, "raw.flights"):
                end = time.monotonic() + 20
                while time.monotonic() < end:
                    time.sleep(0.01)
            outcome.append(None)
        except RunTooLongError as error:
            outcome.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(10)
    assert isinstance(outcome[0], RunTooLongError)


@pytest.mark.parametrize("in_thread", [False, True])
def test_a_run_that_ends_in_time_is_not_interrupted(in_thread: bool) -> None:
    done: list[bool] = []

    def work() -> None:
        with deadline(0.2, "raw.flights"):
            pass
        time.sleep(0.4)
        done.append(True)

    if in_thread:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    else:
        before = signal.getsignal(signal.SIGALRM)
        work()
        assert signal.getsignal(signal.SIGALRM) is before
    assert done == [True]


def test_an_error_of_the_source_is_not_wrapped() -> None:
    with pytest.raises(ZeroDivisionError), deadline(5, "raw.flights"):
        raise ZeroDivisionError


def test_without_a_limit_nothing_is_interrupted() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with deadline(None, "raw.flights"):
        assert signal.getsignal(signal.SIGALRM) is before


def test_an_interruption_that_is_swallowed_comes_again() -> None:
    swallowed = 0
    with pytest.raises(RunTooLongError), deadline(0.1, "raw.events"):
        while True:
            try:
                time.sleep(30)
            except BaseException:
                swallowed += 1
                if swallowed == 2:
                    break
        time.sleep(30)
    assert swallowed == 2


def test_cleaning_up_is_not_interrupted() -> None:
    cleaned = False
    with pytest.raises(RunTooLongError), deadline(0.1, "raw.events"):
        try:
            time.sleep(30)
        finally:
            time.sleep(1.2)
            cleaned = True
    assert cleaned
