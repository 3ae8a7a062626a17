"""Who may read what, by which methods, and how errors look."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
import requests
from sqlalchemy.exc import OperationalError

from cascade.exceptions import CascadeError
from cascade.http_api.access import is_loopback
from cascade.http_api.answers import ARROW, prefers_arrow
from cascade.http_api.conftest import Api
from cascade.iceberg import overview

TOKEN = "0123456789abcdef"
ROUTES = ("/v1/tables", "/v1/tables/people", "/v1/tables/people/rows", "/v1/workflows", "/v1/quality", "/v1/lineage")


@pytest.mark.parametrize(
    "header", [None, "Bearer ", "Bearer 0123456789abcdeg", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN, "Bearer é"]
)
def test_a_server_with_a_token_answers_nobody_without_it(api: Api, header: str | None) -> None:
    client = api(TOKEN)
    headers = {} if header is None else {b"Authorization": header.encode("latin-1")}
    for path in (*ROUTES, "/v1/tables/none"):
        answer = client.get(path, headers=headers)
        assert answer.status_code == 401, path
        assert answer.headers["www-authenticate"] == "Bearer"
        assert "people" not in answer.text and TOKEN not in answer.text


def test_a_server_with_a_token_answers_under_any_name(api: Api) -> None:
    client = api(TOKEN, base_url="http://api.example.com")
    for path in ROUTES:
        assert client.get(path, headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200, path
    # A load balancer has no token, and what the API looks like is no secret.
    assert client.get("/health").json() == {"status": "ok"}
    assert client.get("/health/ready").json() == {"status": "ok"}
    assert client.get("/openapi.json").status_code == 200


def test_a_server_without_a_token_answers_no_page_of_another_site(api: Api) -> None:
    client = api(base_url="http://rebound.example.com:8000")
    for path in ROUTES:
        answer = client.get(path)
        assert answer.status_code == 403, path
        assert "rebound.example.com" in answer.json()["detail"]
    assert "access-control-allow-origin" not in api().get("/v1/tables", headers={"Origin": "http://a.example"}).headers


@pytest.mark.parametrize("host", ["a.example:", "a.example:99999", "127.0.0.1@a.example", "[::1", 'a"b.example', ""])
def test_a_host_that_is_not_valid_is_not_loopback(api: Api, host: str) -> None:
    assert api().get("/v1/tables", headers={"Host": host}).status_code == 403


def test_loopback_is_answered_by_each_of_its_names(api: Api) -> None:
    for host in ("localhost", "localhost:8000", "127.0.0.1:", "[::1]:8000"):
        assert api().get("/v1/tables", headers={"Host": host}).status_code == 200, host


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("[::1]", True),
        ("LocalHost", True),
        ("localhost.", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.7", False),
        ("localhost.example.com", False),
        ("127.0.0.1.example.com", False),
        ("", False),
    ],
)
def test_loopback_is_what_only_this_machine_can_reach(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND"])
def test_no_method_that_could_change_something_is_taken(api: Api, method: str) -> None:
    for path in (*ROUTES, "/health", "/openapi.json", "/none"):
        answer = api().request(method, path)
        assert answer.status_code == 405, path
        assert answer.headers["allow"] == "GET, HEAD"
        assert answer.json()["status"] == 405 and method in answer.json()["detail"]


def test_the_app_has_routes_for_reading_alone(api: Api) -> None:
    paths = api().get("/openapi.json").json()["paths"]
    assert len(paths) > 10 and all(set(methods) == {"get"} for methods in paths.values())


@pytest.mark.parametrize("path", [*ROUTES, "/health", "/openapi.json", "/none"])
def test_head_answers_as_get_without_the_body(api: Api, path: str) -> None:
    got, head = api().get(path), api().head(path)
    assert head.content == b""
    assert (head.status_code, head.headers) == (got.status_code, got.headers)


def test_mistakes_of_clients_are_problems(api: Api) -> None:
    for path, status, said in (
        ("/none", 404, "openapi.json"),
        ("/docs", 404, "openapi.json"),
        ("/v1/tables/poeple", 404, 'Did you mean "people"?'),
        ("/v1/tables/raw.", 404, "raw."),
        ("/v1/tables/a..b", 404, "a..b"),
        ("/v1/tables/%00%27%22;--", 404, "There is no table"),
        ("/v1/tables/people%3Fa=b%23", 404, "There is no table"),
        ("/v1/tables/..%252f..%252fraw.people", 404, "There is no"),
        ("/v1/workflows/none/at/all", 404, "none/at/all"),
        ("/v1/quality?asset=none", 404, "none"),
        ("/v1/lineage?name=none", 404, "none"),
        ("/v1/tables/people/rows?limit=0", 422, "limit"),
        ("/v1/tables/people/rows?limit=x", 422, "limit"),
        ("/v1/tables/people/rows?format=csv", 422, "format"),
        ("/v1/tables/people/rows?branch=none", 400, "none"),
    ):
        answer = api().get(path)
        assert answer.status_code == status, (path, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        document = answer.json()
        assert document["status"] == status and said in document["detail"], document
    assert api.logged == []


def test_a_table_with_an_unusual_name_is_found(api: Api) -> None:
    rows = api.served.lakehouse.catalog.load_table("raw.people").scan().to_arrow()
    api.served.lakehouse.catalog.create_table(("raw", "größe 5%?"), schema=rows.schema).append(rows)
    answer = api().get("/v1/tables/" + quote("größe 5%?"))
    assert answer.status_code == 200 and answer.json()["table"] == "raw.größe 5%?"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (CascadeError("A file of raw.people is missing: /x?password=hunter2"), 503),
        (requests.ConnectionError("host='db', port=1: [Errno 111] Connection refused"), 503),
        (OperationalError("select", {}, Exception("server closed the connection")), 503),
        (KeyError("hunter2"), 500),
    ],
)
def test_failures_of_the_server_are_logged_and_show_no_traceback(
    api: Api, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(api.served.lakehouse.catalog, "load_table", fail)
    answer = api().get("/v1/tables/people")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert "Traceback" not in answer.text and "hunter2" not in answer.text
    assert len(api.logged) == 1


def test_a_table_that_cannot_be_read_shows_no_password(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("s3://me:hunter2@store/x: https://store/x?X-Amz-Signature=hunter2\nmore")

    monkeypatch.setattr(overview, "overview_of", fail)
    (table,) = api().get("/v1/tables").json()["tables"]
    assert "hunter2" not in table["problem"] and "OSError: s3://me:" in table["problem"]


def test_a_catalog_that_does_not_answer_makes_the_server_not_ready(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def fail() -> None:
        asked.append(1)
        raise OSError("gone")

    monkeypatch.setattr(api.served.lakehouse.catalog, "list_namespaces", fail)
    for _ in range(3):
        answer = api().get("/health/ready")
        assert (answer.status_code, answer.json()) == (503, {"status": "unavailable"})
    assert api().get("/health").status_code == 200
    assert asked == [1]


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, False),
        ("", False),
        ("*/*", False),
        ("application/json", False),
        (ARROW, True),
        (ARROW.upper(), True),
        (f"{ARROW}, application/json", True),
        (f"{ARROW};q=0.5, application/json", False),
        (f"application/json;q=0.5, {ARROW}", True),
        ("text/html, application/*;q=0.1", False),
        ("text/html", None),
        (f"{ARROW};q=0", None),
        (f"{ARROW};q=x", None),
        ("application/json;q=0, */*", True),
    ],
)
def test_the_format_is_what_the_client_prefers(accept: str | None, expected: bool | None) -> None:
    assert prefers_arrow(accept) is expected
