"""Keep a test off the network."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from cascade.exceptions import UsageError


@contextmanager
def no_network() -> Iterator[None]:
    """Refuse every connection that leaves the machine, whichever library opens it.

    Connections to this machine, such as to `127.0.0.1`, work. Connections that a C library opens without Python's
    sockets are not blocked.

    Yields:
        Nothing. Inside the block, `socket` raises `UsageError` for the name or address of another machine.
    """
    find, connect, connect_ex = socket.getaddrinfo, socket.socket.connect, socket.socket.connect_ex

    def getaddrinfo(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        _refuse(host, port)
        return find(host, port, *args, **kwargs)

    def guarded_connect(self: socket.socket, address: Any) -> None:
        _refuse_address(self, address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        _refuse_address(self, address)
        return connect_ex(self, address)

    with (
        mock.patch.object(socket, "getaddrinfo", getaddrinfo),
        mock.patch.object(socket.socket, "connect", guarded_connect),
        mock.patch.object(socket.socket, "connect_ex", guarded_connect_ex),
    ):
        yield


def _refuse_address(connecting: socket.socket, address: Any) -> None:
    if connecting.family in (socket.AF_INET, socket.AF_INET6):
        _refuse(address[0], address[1])


def _refuse(host: Any, port: Any) -> None:
    name = host.decode(errors="replace") if isinstance(host, bytes) else host
    if not name or name == "localhost" or _is_loopback(str(name)):
        return
    raise UsageError(
        f"The test tried to connect to {name}:{port}, but offline_http blocks connections to other machines.",
        hint="If the request goes through requests or dlt, register an answer. For another library, replace the call "
        "that fetches, or pass the rows as test_data.",
    )


def _is_loopback(name: str) -> bool:
    try:
        # A link-local IPv6 address may include its interface.
        return ipaddress.ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        return False
