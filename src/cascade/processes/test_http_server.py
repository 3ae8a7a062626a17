"""A server answers until a signal, finishes what it is answering, and does not wait for ever."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from cascade.exceptions import CascadeError
from cascade.processes import http_server
from cascade.processes.http_server import listening_socket, serve

pytest.importorskip("uvicorn")


class App:
    """Answers every request after some seconds.

    Args:
        seconds: how many.
        fails: whether it cannot start.
    """

    def __init__(self, seconds: float = 0.0, *, fails: bool = False) -> None:
        self._seconds = seconds
        self._fails = fails
        self.asked = threading.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": f"lifespan.startup.{'failed' if self._fails else 'complete'}"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        self.asked.set()
        await asyncio.sleep(self._seconds)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})


def run(app: App, then: Callable[[], None]) -> list[str]:
    """Serve an app, ask it once from a thread, and call a function while the request is under way.

    Returns:
        What happened, in order.
    """
    listening = listening_socket("127.0.0.1", 0)
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    events: list[str] = []

    def ask() -> None:
        try:
            with urllib.request.urlopen(address, timeout=60) as answer:
                events.append(answer.read().decode())
        except (urllib.error.URLError, OSError):
            events.append("cut")

    def act() -> None:
        asking = threading.Thread(target=ask)
        asking.start()
        assert app.asked.wait(60)
        then()
        asking.join()

    acting = threading.Thread(target=act)
    serve(app, listening, acting.start, lambda: events.append("stopping"))
    acting.join()
    return events


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_a_request_that_is_under_way_is_answered() -> None:
    assert run(App(0.5), interrupt) == ["stopping", "ok"]


def test_a_request_that_takes_too_long_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "_STOP_SECONDS", 1)
    start = time.monotonic()
    assert run(App(120), interrupt) == ["stopping", "cut"]
    assert time.monotonic() - start < 60


def test_a_second_signal_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "_STOP_SECONDS", 120)

    def insist() -> None:
        interrupt()
        time.sleep(0.7)
        interrupt()

    start = time.monotonic()
    assert run(App(120), insist) == ["stopping", "cut"]
    assert time.monotonic() - start < 60


def test_a_server_does_not_outlive_the_process_that_started_it() -> None:
    said: list[str] = []
    parent = os.getppid() + 1
    serve(App(), listening_socket("127.0.0.1", 0), lambda: said.append("on"), lambda: said.append("off"), parent)
    assert said == ["on", "off"]


def test_an_app_that_cannot_start_is_an_error() -> None:
    with pytest.raises(CascadeError, match="did not start"):
        serve(App(fails=True), listening_socket("127.0.0.1", 0), lambda: None, lambda: None)


def test_a_port_that_is_taken_stays_with_its_process() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(OSError, match="in use"):
            listening_socket("127.0.0.1", other.getsockname()[1])
