"""Whose a port is."""

from __future__ import annotations

import os
import socket

import pytest

from cascade.cli.ports import require_free_port
from cascade.exceptions import CascadeError


def test_a_free_port_is_accepted() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    require_free_port("127.0.0.1", port, "cascade dev")


def test_a_taken_port_names_its_owner_and_what_to_type() -> None:
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


def test_an_address_that_is_not_ours_is_a_clear_error() -> None:
    # A documentation address, which no machine has.
    with pytest.raises(CascadeError, match=r"Cannot listen on 192\.0\.2\.1:3000"):
        require_free_port("192.0.2.1", 3000, "cascade dev")
