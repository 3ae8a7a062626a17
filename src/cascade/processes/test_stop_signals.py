"""The end that was asked for comes at once, or when what must not be cut in two is over."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

import pytest

from cascade.processes.stop_signals import Stopped, StopSignals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_goes_past_what_takes_every_error_for_its_own(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(Stopped), StopSignals(), suppress(Exception):
        os.kill(os.getpid(), number)
    assert signal.getsignal(number) is before


def test_it_waits_for_the_end_of_what_is_held_and_comes_once() -> None:
    done = []
    with StopSignals() as signals:
        with pytest.raises(Stopped), signals.held():
            os.kill(os.getpid(), signal.SIGINT)
            done.append("all of it")
        os.kill(os.getpid(), signal.SIGINT)
        done.append("the stopping")
    assert done == ["all of it", "the stopping"]
