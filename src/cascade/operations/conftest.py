"""A receiver on loopback, which records what it gets, and a project whose runs it is told of."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from cascade.cli.conftest import Cascade, cascade, program
from cascade.framework.conftest import THINGS, SampleProject, project, quick_dagster
from cascade.operations import observer

__all__ = ["Cascade", "LoopbackServer", "cascade", "program", "project", "quick_dagster", "receiver", "things"]


class LoopbackServer(ThreadingHTTPServer):
    """Records the bodies of POST requests by their paths."""

    daemon_threads = True

    def __init__(self) -> None:
        self.bodies: list[tuple[str, bytes]] = []
        self.headers: list[dict[str, str]] = []
        self.status = 200
        self.seconds = 0.0
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        """The address of the server."""
        return f"http://127.0.0.1:{self.server_port}"

    def documents(self, path: str) -> list[Any]:
        """Return what was sent to a path, as JSON."""
        return [json.loads(body) for where, body in self.bodies if where == path]


class _Handler(BaseHTTPRequestHandler):
    server: LoopbackServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.bodies.append((self.path, body))
        self.server.headers.append(dict(self.headers))
        time.sleep(self.server.seconds)
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[LoopbackServer]:
    """Return a server that records requests."""
    with LoopbackServer() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()


@pytest.fixture
def things(project: SampleProject) -> Iterator[SampleProject]:
    """Return a project with a workflow whose third partition fails and whose fourth has a row that is refused."""
    project.write("things.py", THINGS)
    observer.forget_receivers()
    yield project
    observer.forget_receivers()
