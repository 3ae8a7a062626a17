"""The error for a host that does not answer, from each kind of client and failure."""

from __future__ import annotations

import socket
import ssl
import urllib.request
from collections.abc import Callable, Iterator

import pytest
import requests
from dlt.sources.helpers.requests import Client

from cascade.exceptions import SourceLocation, SourceUnreachableError
from cascade.runs.unreachable_hosts import unreachable_hosts_named

HERE = SourceLocation("flights.py", 7)
Get = Callable[[str], object]


def by_requests(url: str) -> object:
    return requests.get(url, timeout=5)


def by_urllib(url: str) -> object:
    return urllib.request.urlopen(url, timeout=5)


def by_dlt(url: str) -> object:
    return Client(request_backoff_factor=0.001, request_max_attempts=3).get(url)


def error_of(get: Get, url: str) -> SourceUnreachableError:
    with pytest.raises(SourceUnreachableError) as caught, unreachable_hosts_named("raw.flights", HERE):
        get(url)
    return caught.value


@pytest.fixture
def closed() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture
def silent() -> Iterator[int]:
    """Yield a port whose server accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize(("get", "times"), [(by_requests, "once"), (by_urllib, "once"), (by_dlt, "3 times")])
def test_a_refused_connection_is_told_without_the_secrets_of_the_address(get: Get, times: str, closed: int) -> None:
    error = error_of(get, f"http://127.0.0.1:{closed}/rows?page=1&sig=hunter2#hunter2")
    assert error.message == (
        f"raw.flights: the host 127.0.0.1:{closed} could not be reached: it refused the connection. "
        f"http://127.0.0.1:{closed}/rows was tried {times}."
    )
    assert str(error).endswith("\nCheck that the server is running, and the port of the address.")
    assert error.location == HERE


def test_user_and_password_of_the_address_are_left_out(closed: int) -> None:
    said = str(error_of(by_requests, f"http://maria:hunter2@127.0.0.1:{closed}/rows"))
    assert f"http://127.0.0.1:{closed}/rows was tried once." in said
    assert "maria" not in said and "hunter2" not in said


@pytest.mark.parametrize("get", [by_requests, by_urllib, by_dlt])
def test_a_name_that_is_not_found(get: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*arguments: object, **options: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    error = error_of(get, "https://api.example.invalid/rows?token=hunter2")
    assert "the host api.example.invalid could not be reached: its name was not found." in error.message
    assert "https://api.example.invalid/rows was tried" in error.message
    assert error.hint == "Check the spelling of the host, and whether this machine is online."


def test_a_host_that_does_not_answer_in_time(silent: int) -> None:
    error = error_of(lambda url: requests.get(url, timeout=0.05), f"http://127.0.0.1:{silent}/rows")
    assert "it did not answer in time" in error.message
    assert "RUNTIME__REQUEST_TIMEOUT" in str(error.hint)


@pytest.mark.parametrize("get", [by_requests, by_urllib])
def test_a_certificate_that_is_not_trusted(get: Get, silent: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        error = ssl.SSLCertVerificationError(1, "certificate verify failed")
        error.verify_message = "self-signed certificate"
        raise error

    monkeypatch.setattr(ssl.SSLSocket, "do_handshake", refuse)
    error = error_of(get, f"https://127.0.0.1:{silent}/rows")
    assert "its certificate is not trusted (self-signed certificate)" in error.message
    assert "REQUESTS_CA_BUNDLE" in str(error.hint)


def test_another_error_of_a_client_and_the_errors_of_a_workflow_stay_as_they_are(closed: int) -> None:
    with pytest.raises(requests.exceptions.MissingSchema), unreachable_hosts_named("raw.flights", HERE):
        by_requests("127.0.0.1/rows")
    with pytest.raises(ValueError, match="no stations today"), unreachable_hosts_named("raw.flights", HERE):
        try:
            by_requests(f"http://127.0.0.1:{closed}")
        except requests.ConnectionError as error:
            raise ValueError("no stations today") from error
    with pytest.raises(ConnectionRefusedError), unreachable_hosts_named("raw.flights", HERE):
        socket.create_connection(("127.0.0.1", closed))
