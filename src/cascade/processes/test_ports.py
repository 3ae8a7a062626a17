"""Whether a port is free, and which process has it."""

from __future__ import annotations

import errno
import os
import re
import socket

import pytest

from cascade.exceptions import CascadeError
from cascade.processes import ports
from cascade.processes.ports import require_free_port


def test_a_free_port_is_accepted() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    require_free_port("127.0.0.1", port, "cascade dev")


def test_the_error_for_a_taken_port_has_its_owner_and_the_next_command() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(CascadeError) as caught:
            require_free_port("127.0.0.1", port, "cascade dev")
    text = str(caught.value)
    assert f"Port {port} on 127.0.0.1 is taken" in text
    assert f"process {os.getpid()}" in text
    assert f"kill {os.getpid()}" in text
    assert "cascade dev --port " in text
    assert f"--port {port}\n" not in text


def test_an_address_of_another_machine_is_a_clear_error() -> None:
    # No machine has an address reserved for documentation.
    for host in ("192.0.2.1", "nowhere.invalid"):
        with pytest.raises(CascadeError, match=rf"Cannot listen on {re.escape(host)}:3000") as caught:
            require_free_port(host, 3000, "cascade dev")
        assert caught.value.hint == "Type: cascade dev --host 127.0.0.1"


def test_for_a_port_that_is_not_allowed_the_error_suggests_another(monkeypatch: pytest.MonkeyPatch) -> None:
    def bind(host: str, port: int) -> None:
        if port < 1024:
            raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(ports, "_bind", bind)
    with pytest.raises(CascadeError, match=r"127\.0\.0\.1:80: Permission denied") as caught:
        require_free_port("127.0.0.1", 80, "cascade dev")
    assert caught.value.hint == "Type: cascade dev --port 3000"


def test_if_every_port_is_taken_the_error_suggests_a_valid_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def bind(host: str, port: int) -> None:
        raise OSError(errno.EADDRINUSE, "Address already in use")

    monkeypatch.setattr(ports, "_bind", bind)
    with pytest.raises(CascadeError, match="taken") as caught:
        require_free_port("127.0.0.1", 65535, "cascade dev")
    assert "--port 3000" in str(caught.value.hint)
