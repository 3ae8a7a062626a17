"""A step that takes long is named."""

from __future__ import annotations

import queue
import threading

from cascade.terminal.patience import patience


def test_a_long_step_is_named_again_and_again_and_a_short_one_is_not() -> None:
    said: queue.Queue[str] = queue.Queue()
    with patience(said.put, first=0.2, again=0.1) as begin:
        begin("Looking")
        begin("Loading")
        first, second = said.get(timeout=10), said.get(timeout=10)
    assert first.startswith("Loading … (")
    assert second.startswith("Loading … (")


def test_nothing_is_said_of_what_has_ended() -> None:
    said: list[str] = []
    with patience(said.append, first=3600) as begin:
        begin("Loading")
    assert said == []
    assert not any(thread.name == "cascade-patience" for thread in threading.enumerate())
