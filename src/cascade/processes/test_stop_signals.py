"""A signal stops the process immediately, or at the end of a held block."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

import pytest

from cascade.processes import stop_signals
from cascade.processes.stop_signals import Stopped, StopSignals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_passes_handlers_of_every_exception(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(Stopped), StopSignals(), suppress(Exception):
        os.kill(os.getpid(), number)
    assert signal.getsignal(number) is before


def test_it_waits_for_the_end_of_a_held_block_and_is_raised_once() -> None:
    done = []
    with StopSignals() as signals:
        with pytest.raises(Stopped), signals.held():
            os.kill(os.getpid(), signal.SIGINT)
            done.append("all of it")
        os.kill(os.getpid(), signal.SIGINT)
        done.append("the stopping")
    assert done == ["all of it", "the stopping"]


@pytest.mark.parametrize(("at_once", "insisted"), [(60.0, False), (-1.0, True)])
def test_only_a_later_signal_insists_since_one_press_may_arrive_twice(
    monkeypatch: pytest.MonkeyPatch, at_once: float, insisted: bool
) -> None:
    monkeypatch.setattr(stop_signals, "_ONE_PRESS_SECONDS", at_once)
    with StopSignals() as signals:
        with pytest.raises(Stopped):
            os.kill(os.getpid(), signal.SIGINT)
        assert not signals.insisted()
        os.kill(os.getpid(), signal.SIGINT)
        assert signals.insisted() == insisted
