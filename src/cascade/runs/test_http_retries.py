from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from dlt.sources.helpers.requests import Client
from requests import ConnectionError, HTTPError

from cascade.runs.http_retries import tell_retries


@contextmanager
def server(*statuses: int) -> Iterator[str]:
    """Serve one answer for each status, and yield the address."""
    waiting = list(statuses)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(waiting.pop(0))
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as served:
        thread = threading.Thread(target=served.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{served.server_port}"
        finally:
            served.shutdown()
            thread.join()


def client(attempts: int) -> Client:
    tell_retries()
    return Client(request_backoff_factor=0.001, request_max_attempts=attempts)


def test_each_retry_is_told_with_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    with server(503, 429, 200) as address:
        assert client(5).get(f"{address}/rows?token=hunter2&day=1").status_code == 200
    first, second = capsys.readouterr().err.splitlines()
    assert first == f"retry: GET {address}/rows?token=**********&day=1 failed (status 503). Attempt 2 of 5 in 0 s."
    assert second.endswith("failed (status 429). Attempt 3 of 5 in 0 s.")


def test_a_server_that_does_not_answer_is_told_before_the_error(capsys: pytest.CaptureFixture[str]) -> None:
    with server() as address:
        pass
    with pytest.raises(ConnectionError):
        client(3).get(f"{address}/rows")
    assert capsys.readouterr().err.splitlines() == [
        f"retry: GET {address}/rows failed (ConnectionError). Attempt {attempt} of 3 in 0 s." for attempt in (2, 3)
    ]


def test_a_request_that_is_not_tried_again_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    with server(404) as address, pytest.raises(HTTPError):
        client(3).get(address)
    assert capsys.readouterr().err == ""


def test_a_retry_is_told_once_however_many_runs_there_were(capsys: pytest.CaptureFixture[str]) -> None:
    tell_retries()
    with server(500, 200) as address:
        client(2).get(address)
    assert len(capsys.readouterr().err.splitlines()) == 1
