"""Say that a server is ready, although this process is about to become the server."""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress

_POLL_SECONDS = 0.2
# An address on which a server listens for all, and the one at which it then answers.
_ANSWERS_AT = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def tell_when_ready(is_ready: Callable[[], bool], line: str) -> None:
    """Write a line to standard error when a server is ready, from a process that ends then.

    It also ends with the server, and is nobody's child, so that it leaves no zombie.

    Args:
        is_ready: returns whether the server is ready. Runs in the other process.
        line: the line, without its end.
    """
    sys.stderr.flush()
    # Only this process, and the server that it becomes, hold the end that is written to: it closes when they end.
    alive, held = os.pipe()
    os.set_inheritable(held, True)
    child = os.fork()
    if child:
        os.close(alive)
        os.waitpid(child, 0)
        return
    # Nothing of the caller may run in this process, whatever happens.
    try:
        if os.fork() == 0:
            os.close(held)
            # Ctrl-C is for the server.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            while not select.select([alive], [], [], _POLL_SECONDS)[0]:
                if is_ready():
                    os.write(2, f"{line}\n".encode())
                    break
    finally:
        os._exit(0)


def accepts_connections_at(host: str, port: int) -> bool:
    """Return whether a process of this machine accepts connections.

    Args:
        host: the address that it listens on.
        port: the port.
    """
    with suppress(OSError), socket.create_connection((_ANSWERS_AT.get(host, host), port), timeout=1.0):
        return True
    return False
