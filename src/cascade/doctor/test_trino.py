"""Each setting of Trino that is wrong is named. tests/servers asks a real server the same."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

from cascade.config import CascadeConfig
from cascade.doctor.finding import Finding
from cascade.doctor.trino import check_trino
from cascade.framework.conftest import SampleProject, project

__all__ = ["project"]

pytest.importorskip("trino")

CATALOGS = [["iceberg", "iceberg"], ["scratch", "memory"], ["system", "system"]]
SCHEMAS = [["information_schema"], ["raw"]]


class FakeTrino(ThreadingHTTPServer):
    """Answers the queries of the check, as the protocol of Trino does."""

    info: Any = {"nodeVersion": {"version": "476"}, "starting": False}  # noqa: RUF012
    refuses: int | None = None
    error: str | None = None

    def answer(self, query: str) -> dict[str, Any]:
        about = {"id": "1", "infoUri": "http://127.0.0.1/", "stats": {"state": "FINISHED"}}
        if self.error and query.startswith("SHOW"):
            return {
                **about,
                "error": {
                    "errorType": "EXTERNAL",
                    "errorName": "ICEBERG_CATALOG_ERROR",
                    "message": f"{self.error}\nmore",
                },
            }
        rows = SCHEMAS if query.startswith("SHOW") else CATALOGS if "metadata.catalogs" in query else [[1]]
        kind = {"rawType": "varchar", "arguments": []}
        columns = [{"name": f"c{n}", "type": "varchar", "typeSignature": kind} for n in range(len(rows[0]))]
        return {**about, "columns": columns, "data": rows}


class Handler(BaseHTTPRequestHandler):
    server: FakeTrino

    def do_GET(self) -> None:
        self.send(200, self.server.info)

    def do_POST(self) -> None:
        query = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.send(self.server.refuses or 200, self.server.answer(query))

    def send(self, code: int, document: Any) -> None:
        body = json.dumps(document).encode() if code == 200 else b"Unauthorized"
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *values: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[FakeTrino]:
    with FakeTrino(("127.0.0.1", 0), Handler) as started:
        threading.Thread(target=started.serve_forever, daemon=True).start()
        yield started
        started.shutdown()


def config(server: FakeTrino, **settings: Any) -> CascadeConfig:
    given = {"trino_host": "127.0.0.1", "trino_port": server.server_port, "iceberg_catalog": "http://catalog.example"}
    return CascadeConfig(**{**given, **settings})


def check(config: CascadeConfig, *namespaces: str) -> list[Finding]:
    catalog = SimpleNamespace(list_namespaces=lambda: [(name,) for name in namespaces])
    lakehouse: Any = SimpleNamespace(catalog=catalog)
    return list(check_trino(config, lakehouse))


def problem(config: CascadeConfig, *namespaces: str) -> Finding:
    *good, last = check(config, *namespaces)
    assert [finding.status for finding in good] == ["ok"] * len(good)
    assert last.status == "problem"
    return last


def test_nothing_is_asked_unless_dbt_runs_on_trino(project: SampleProject) -> None:
    assert check(CascadeConfig()) == []
    assert check(CascadeConfig(trino_host="trino.invalid", dbt_target="embedded")) == []


def test_a_server_whose_settings_are_right(project: SampleProject, server: FakeTrino) -> None:
    found = check(config(server), "Raw")
    assert [(finding.check, finding.status) for finding in found] == [
        ("Trino", "ok"),
        ("Trino catalog", "ok"),
        ("Trino schema", "ok"),
    ]
    assert found[0].detail == f"127.0.0.1:{server.server_port} runs Trino 476, and cascade may use it"
    assert found[1].detail == "iceberg, with 2 schemas"
    assert found[2].detail == "main does not exist yet; dbt creates it"
    assert check(config(server, trino_schema="raw"))[2].detail == "raw exists"


def test_the_host(project: SampleProject, server: FakeTrino) -> None:
    missing = problem(CascadeConfig(dbt_target="production"))
    assert (missing.detail, missing.hint) == (
        'dbt_target is "production", but trino_host is not set',
        "Set CASCADE_TRINO_HOST.",
    )
    unknown = problem(config(server, trino_host="trino.invalid"))
    assert "no machine is called trino.invalid" in unknown.detail
    assert unknown.hint == "Correct CASCADE_TRINO_HOST."


def test_the_port(project: SampleProject, server: FakeTrino) -> None:
    closed = problem(config(server, trino_port=1))
    assert "nothing answers at 127.0.0.1:1: Connection refused" in closed.detail
    assert "CASCADE_TRINO_PORT" in str(closed.hint)
    server.info = ["no", "Trino"]
    other = problem(config(server))
    assert other.detail.endswith("answers, but not as Trino does over HTTP")
    assert "CASCADE_TRINO_PORT" in str(other.hint)
    plain = problem(config(server, trino_password="hunter22"))
    assert plain.detail.endswith("does not answer over HTTPS")
    assert "CASCADE_TRINO_PORT" in str(plain.hint)


def test_a_server_that_starts(project: SampleProject, server: FakeTrino) -> None:
    server.info = {**server.info, "starting": True}
    assert problem(config(server)).detail.endswith("is still starting")


def test_the_user(project: SampleProject, server: FakeTrino) -> None:
    server.refuses = 401
    found = problem(config(server, trino_user="ann"))
    assert found.detail == "Trino refuses the user ann: error 401: b'Unauthorized'"
    assert found.hint == "Correct CASCADE_TRINO_USER or set CASCADE_TRINO_PASSWORD."


def test_the_catalog(project: SampleProject, server: FakeTrino) -> None:
    misspelled = problem(config(server, trino_catalog="icebreg"))
    assert misspelled.detail == 'Trino has no catalog "icebreg". Did you mean "iceberg"?'
    assert misspelled.hint == "Correct CASCADE_TRINO_CATALOG."
    unknown = problem(config(server, trino_catalog="other"))
    assert unknown.detail == 'Trino has no catalog "other". It has iceberg, scratch, system.'
    memory = problem(config(server, trino_catalog="scratch"))
    assert memory.detail == 'the catalog "scratch" of Trino is one of memory, not of Iceberg'
    foreign = problem(config(server), "raw", "gold")
    assert foreign.detail.endswith("is not the one of the other settings: it lacks gold")
    server.error = "Failed to list namespaces"
    broken = problem(config(server))
    assert broken.detail == "Trino answers with an error: Failed to list namespaces"


def test_a_catalog_that_trino_cannot_read(project: SampleProject, server: FakeTrino) -> None:
    for catalog in (None, "sqlite:////tmp/catalog.db"):
        found = problem(config(server, iceberg_catalog=catalog))
        assert "SQLite catalog" in found.detail and "CASCADE_ICEBERG_CATALOG" in str(found.hint)


def test_merges_on_trino_need_the_server_and_its_catalog_without_dbt(server: FakeTrino) -> None:
    settings = config(server, dbt_target="embedded", merge_engine="trino")
    assert [(found.check, found.status) for found in check(settings, "raw")] == [
        ("Trino", "ok"),
        ("Trino catalog", "ok"),
    ]
    found = problem(config(server, dbt_target="embedded", merge_engine="trino", trino_host=None))
    assert (found.detail, found.hint) == (
        'merge_engine is "trino", but trino_host is not set',
        "Set CASCADE_TRINO_HOST.",
    )
