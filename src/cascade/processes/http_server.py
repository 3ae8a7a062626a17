"""Run an HTTP server in this process until the user or the system asks it to stop."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from cascade.exceptions import CascadeError
from cascade.processes.pants_parent import require_parent
from cascade.processes.stop_signals import Stopped, StopSignals

if TYPE_CHECKING:
    from uvicorn import Server

_POLL_SECONDS = 0.1
_START_SECONDS = 60
_STOP_SECONDS = 10
"""How long answers that are under way may take after a request to stop."""


def listening_socket(host: str, port: int) -> socket.socket:
    """Listen on an address.

    Args:
        host: the name or address.
        port: the port; 0 for any free one.

    Raises:
        OSError: it cannot be listened on.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    opened = socket.socket(family, kind, protocol)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(address)
        opened.listen(128)
    except OSError:
        opened.close()
        raise
    return opened


def serve(
    app: Any,
    listening: socket.socket,
    started: Callable[[], None],
    stopping: Callable[[], None],
    parent: int | None = None,
) -> None:
    """Serve an ASGI app. A second signal ends answers that are under way.

    Args:
        app: the app.
        listening: the socket, which is closed at the end.
        started: called when the server answers.
        stopping: called before it stops.
        parent: the process without which it stops; see `pants_parent`.

    Raises:
        CascadeError: the server ended by itself.
    """
    import uvicorn

    config = uvicorn.Config(
        app,
        access_log=False,
        # It would log a traceback for an answer that a stop cuts off.
        log_level="critical",
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
    server = uvicorn.Server(config)

    def run() -> None:
        # It exits if the app does not start.
        with suppress(SystemExit):
            server.run(sockets=[listening])

    # In a thread of its own, the server leaves the signals to this one.
    thread = threading.Thread(target=run, name="HTTP server", daemon=True)
    with StopSignals() as signals:
        try:
            with signals.held():
                thread.start()
            _wait_for_start(server, thread)
            started()
            while thread.is_alive():
                require_parent(parent)
                time.sleep(_POLL_SECONDS)
            raise CascadeError("The HTTP server ended unexpectedly.")
        except Stopped:
            stopping()
        finally:
            server.should_exit = True
            while thread.is_alive():
                server.force_exit = server.force_exit or signals.insisted()
                thread.join(_POLL_SECONDS)


def _wait_for_start(server: Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise CascadeError("The HTTP server did not start.")
        time.sleep(_POLL_SECONDS / 10)
