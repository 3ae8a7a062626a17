"""Check that a port is free, and find the process that uses it otherwise."""

from __future__ import annotations

import errno
import itertools
import os
import shlex
import socket
import time
from typing import TYPE_CHECKING

from cascade.exceptions import CascadeError

if TYPE_CHECKING:
    import psutil

_TRIED_PORTS = 50
_USUAL_PORT = 3000


def require_free_port(host: str, port: int, command: str) -> None:
    """Check that a process can listen on a port.

    Args:
        host: the address.
        port: the port.
        command: the command that needs the port, for the hint.

    Raises:
        CascadeError: the port is taken or not allowed. The error has the process and the next command to type.
    """
    try:
        _bind(host, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise _taken(host, port, command) from None
        # If the address does not belong to this machine, another port does not help.
        is_foreign = isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL
        instead = "--host 127.0.0.1" if is_foreign else f"--port {_next(host, port)}"
        raise CascadeError(
            f"Cannot listen on {host}:{port}: {error.strerror or error}.", hint=f"Type: {command} {instead}"
        ) from None


def address_of(host: str, port: int) -> str:
    """Return the URL by which this machine reaches a server.

    Args:
        host: the address that the server listens on.
        port: its port.
    """
    reachable = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://{f'[{reachable}]' if ':' in reachable else reachable}:{port}"


def described_owner(port: int) -> str:
    """Return what listens on a port, for messages: a process with its command, or `a process of another user`."""
    owner = _owner(port)
    return "a process of another user" if owner is None else _described(owner)


def _bind(host: str, port: int) -> None:
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))


def _taken(host: str, port: int, command: str) -> CascadeError:
    another = f"another port: {command} --port {_next(host, port)}"
    owner = _owner(port)
    if owner is None:
        return CascadeError(f"Port {port} on {host} is taken by a process of another user.", hint=f"Use {another}")
    owner, ours = _supervisor(owner)
    what = "A Cascade UI already runs there" if ours else "Another program listens there"
    return CascadeError(
        f"Port {port} on {host} is taken. {what}: {_described(owner)}.",
        hint=f"Stop it: kill {owner.pid}\nOr use {another}",
    )


def _next(host: str, port: int) -> int:
    # All ports near a privileged one may be privileged too.
    near = range(port + 1, min(port + _TRIED_PORTS, 65536))
    usual = range(_USUAL_PORT, _USUAL_PORT + _TRIED_PORTS)
    for candidate in itertools.chain(near, usual):
        try:
            _bind(host, candidate)
        except OSError:
            continue
        return candidate
    return _USUAL_PORT


def _owner(port: int) -> psutil.Process | None:
    import psutil

    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:
        # On macOS only root can list all connections. Ask each process instead.
        return next((process for process in psutil.process_iter() if _listens(process, port)), None)
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
            try:
                return psutil.Process(connection.pid)
            except psutil.NoSuchProcess:
                return None
    return None


def _listens(process: psutil.Process, port: int) -> bool:
    import psutil

    try:
        connections = process.net_connections(kind="tcp")
    except psutil.Error:
        return False
    return any(found.status == psutil.CONN_LISTEN and found.laddr.port == port for found in connections)


def _supervisor(process: psutil.Process) -> tuple[psutil.Process, bool]:
    """Return the `dev` process that started a webserver and True, or the process itself and False."""
    import psutil

    try:
        parent = process.parent()
        if parent is not None and "dagster_webserver" in process.cmdline() and "cascade" in " ".join(parent.cmdline()):
            return parent, True
    except psutil.Error:
        pass
    return process, False


def _described(process: psutil.Process) -> str:
    import psutil

    try:
        command = shlex.join(process.cmdline()) or process.name()
        started = time.strftime("%H:%M", time.localtime(process.create_time()))
        where = process.cwd()
    except psutil.Error:
        return f"process {process.pid}"
    # A program that is an argument may have several lines.
    command = " ".join(command.split())
    shown = command if len(command) <= 100 else command[:99] + "…"
    place = f" in {where}" if where != os.getcwd() else ""
    return f"process {process.pid}, `{shown}`{place}, since {started}"
