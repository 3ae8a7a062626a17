from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from cascade.services.running import end_process
from cascade.services.service import Address, Launch, Missing, Service, http_trouble
from cascade.services.stack import ADDRESS, Stack, create_stack

_SERVER = """
import http.server, pathlib, signal, sys

port, behavior = int(sys.argv[1]), pathlib.Path(sys.argv[2])
signal.signal(signal.SIGTERM, signal.SIG_IGN if "stubborn" in behavior.read_text() else signal.SIG_DFL)

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(503 if "ill" in behavior.read_text() else 200)
        self.end_headers()

    def log_message(self, format, *words):
        pass

if "broken" in behavior.read_text():
    sys.exit("a setting is wrong: " + sys.argv[4])
print("listening", flush=True)
http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


@dataclass(frozen=True)
class Fake(Service):
    """A server that does what a file says: nothing, `broken`, `ill` or `stubborn`."""

    absent: bool = False

    name = "fake"
    seconds = 20.0
    stop_signal = signal.SIGTERM
    grace = 1.0

    @property
    def behavior(self) -> Path:
        return self.stack.directory / "behavior"

    @property
    def ports(self) -> tuple[int, ...]:
        return (self.stack.ports["s3"],)

    @property
    def marks(self) -> tuple[str, ...]:
        return (f"--data={self.directory}",)

    @property
    def missing(self) -> Missing | None:
        return Missing("It is not here.", "get it") if self.absent else None

    @property
    def addresses(self) -> tuple[Address, ...]:
        return (Address("HTTP", self.stack.url("s3")),)

    @property
    def settings(self) -> Mapping[str, str]:
        return {"CASCADE_S3_ENDPOINT": self.stack.url("s3")}

    def launch(self) -> Launch:
        if not self.behavior.exists():
            self.behavior.write_text("")
        words = (str(self.ports[0]), str(self.behavior), *self.marks, self.stack.secrets["s3_secret"])
        scratch = self.stack.directory / "scratch"
        scratch.mkdir(exist_ok=True)
        return Launch((sys.executable, "-I", "-S", "-c", _SERVER, *words), {"PATH": ""}, scratch=scratch)

    def trouble(self) -> str | None:
        return http_trouble(self.stack.url("s3"))

    def complete(self) -> None:
        (self.stack.directory / "completed").touch()


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return create_stack(tmp_path / "services")


@pytest.fixture
def fake(stack: Stack) -> Iterator[Fake]:
    server = Fake(stack)
    yield server
    end_process(server)


@pytest.fixture
def listening() -> Iterator[Callable[[int], None]]:
    """Return a function that listens on a port, as a program of somebody else does."""
    import socket

    with contextlib.ExitStack() as stack:

        def listen(port: int) -> None:
            taken = stack.enter_context(socket.socket())
            taken.bind((ADDRESS, port))
            taken.listen()

        yield listen
