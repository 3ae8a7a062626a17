from __future__ import annotations

import os
import re
import time

import pytest

from cascade.terminal import waiting
from cascade.terminal.waiting import telling

PATIENCE = 30.0


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "FIRST_SECONDS", 0.001)
    monkeypatch.setattr(waiting, "AGAIN_SECONDS", 0.001)


def until(seen: str, captured: pytest.CaptureFixture[str]) -> str:
    """Wait until a text is on standard error."""
    text, end = "", time.monotonic() + PATIENCE
    while seen not in text and time.monotonic() < end:
        text += captured.readouterr().err
        time.sleep(0.001)
    assert seen in text
    return text


@pytest.mark.usefixtures("impatient")
def test_a_step_that_takes_long_is_told_again_and_again(capsys: pytest.CaptureFixture[str]) -> None:
    with telling("checking") as begin:
        until("checking … ", capsys)
        begin("weather")
        text = until("checking weather … ", capsys)
        until("checking weather … ", capsys)
        assert re.search(r"^checking weather … \d+ s$", text, re.M)
        begin("flights")
        until("checking flights … ", capsys)
    capsys.readouterr()
    time.sleep(0.01)
    assert capsys.readouterr().err == ""


def test_a_quick_step_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    with telling("checking") as begin:
        begin("weather")
    assert capsys.readouterr() == ("", "")


def test_no_step_is_silent_for_five_seconds() -> None:
    assert waiting.FIRST_SECONDS < 5


@pytest.mark.usefixtures("impatient")
def test_the_lines_reach_standard_error_while_a_step_redirects_it(capfd: pytest.CaptureFixture[str]) -> None:
    """Dagster records what a step prints by redirecting descriptor 2."""
    kept = os.dup(2)
    with telling("materialize") as begin, open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            begin("things 2024-01-01")
            until("materialize things 2024-01-01 … ", capfd)
        finally:
            os.dup2(kept, 2)
            os.close(kept)
