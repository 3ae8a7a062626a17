"""`serve`: the API of a whole project, and its server."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from operator import itemgetter
from pathlib import Path
from typing import Any
from uuid import uuid4

import dagster as dg
import pytest
from dagster._core.events import DagsterEvent

from cascade.cli.conftest import Cascade
from cascade.cli.context import Invocation
from cascade.config import CascadeConfig
from cascade.framework.conftest import THINGS, SampleProject
from cascade.framework.instance import open_instance

pytest.importorskip("fastapi")

from fastapi.testclient import TestClient

from cascade.cli.serve import served_project
from cascade.http_api import models
from cascade.http_api.app import create_app

QUALITY = """
    from cascade.quality import cascade_quality, NotNull, Unique

    @cascade_quality(table="things", checks=[Unique("id"), NotNull("name")], blocking=False)
    def sound():
        "Things have names."
"""
PATHS = (
    "/v1/tables",
    "/v1/tables/things",
    "/v1/tables/things__quarantine",
    "/v1/tables/things/snapshots",
    "/v1/tables/things/branches",
    "/v1/tables/things/quarantine",
    "/v1/tables/things/rows",
    "/v1/tables/things__quarantine/rows",
    "/v1/workflows",
    "/v1/workflows/things",
    "/v1/workflows/raw.things",
    "/v1/quality",
    "/v1/quality?asset=raw.things",
    "/v1/lineage",
    "/v1/lineage?name=things",
    "/health",
    "/health/ready",
)


@pytest.fixture
def ran(project: SampleProject, cascade: Cascade) -> None:
    """Run a partition that succeeds, one that fails, and one of which a row is refused."""
    project.write("things.py", THINGS)
    project.write("sound.py", QUALITY)
    cascade("materialize", "things", "--partition-range", "2024-01-02...2024-01-04")


@pytest.fixture
def client(ran: None) -> Iterator[TestClient]:
    """Return a client of the API of the project."""
    logged: list[Exception] = []
    with ExitStack() as stack:
        served = served_project(Invocation(), stack)
        yield TestClient(create_app(served, None, logged.append), base_url="http://127.0.0.1:8000")
    assert logged == []


def digests(root: Path) -> dict[str, str]:
    found = (path for path in root.rglob("*") if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def test_the_api_and_the_commands_give_the_same_documents(client: TestClient, cascade: Cascade) -> None:
    for path, command in (
        ("/v1/tables", ["table", "list"]),
        ("/v1/tables/things/snapshots", ["table", "history", "things"]),
        ("/v1/tables/things/branches", ["branch", "list", "things"]),
        ("/v1/tables/things/quarantine", ["quarantine", "list", "things"]),
        ("/v1/workflows", ["status"]),
        ("/v1/lineage?name=things", ["graph", "--lineage", "things"]),
    ):
        assert client.get(path).json() == cascade.json(*command), path
    shown = cascade.json("table", "show", "things")
    rows = client.get("/v1/tables/things/rows?limit=10").json()["rows"]
    assert sorted(rows, key=itemgetter("id")) == sorted(shown["rows"], key=itemgetter("id"))
    details = client.get("/v1/tables/things").json()
    assert (details["asset"], details["key"], details["published"]) == ("things", ["id"], shown["published"])
    assert details["rows"] == 8 and details["columns"][0] == {
        "name": "id", "type": "long", "required": True, "description": None, "sensitive": False
    }  # fmt: skip


def test_checks_have_their_last_results(client: TestClient) -> None:
    found = client.get("/v1/quality").json()
    last = {check["check"]: check["last"] for check in found["checks"]}
    assert set(last) == {"sound__not_null_name", "sound__unique_id", "validation"}
    assert last["sound__unique_id"]["passed"] and last["sound__unique_id"]["rows"] == 8
    validation = last["validation"]
    assert (validation["passed"], validation["severity"], validation["partition"]) == (False, "warn", "2024-01-04")
    assert found["quarantine"] == [{"table": "raw.things", "asset": "things", "refused": 1}]
    assert client.get("/v1/quality?asset=things").json() == found


def test_a_check_that_is_about_to_run_keeps_its_last_result(client: TestClient, project: SampleProject) -> None:
    from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationPlanned

    before = client.get("/v1/quality").json()
    with open_instance(CascadeConfig()) as instance:
        run = instance.create_run_for_job(dg.job(name="next")(lambda: None), run_id=str(uuid4()))
        for name in ("validation", "sound__unique_id"):
            planned = AssetCheckEvaluationPlanned(asset_key=dg.AssetKey("things"), check_name=name)
            event = DagsterEvent("ASSET_CHECK_EVALUATION_PLANNED", run.job_name, event_specific_data=planned)
            instance.report_dagster_event(event, run.run_id)
    assert client.get("/v1/quality").json() == before


def test_every_answer_is_as_openapi_describes_it(client: TestClient) -> None:
    described = client.get("/openapi.json").json()
    seen = set()
    for path in PATHS:
        answer = client.get(path)
        assert answer.status_code == 200, answer.text
        plain = path.partition("?")[0].replace("raw.", "").replace("things__quarantine", "things")
        template = plain.replace("/tables/things", "/tables/{table}").replace("/workflows/things", "/workflows/{asset}")
        schema = described["paths"][template]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        getattr(models, schema["$ref"].rpartition("/")[2]).model_validate(answer.json())
        seen.add(template)
    assert seen == set(described["paths"])
    for path, methods in described["paths"].items():
        (operation,) = methods.values()
        assert operation["summary"] and operation["description"], path
        assert ("security" in operation) is path.startswith("/v1"), path
        for status, response in operation["responses"].items():
            assert (set(response["content"]) == {"application/problem+json"}) is (status >= "4" and path[:3] == "/v1")
        for parameter in operation.get("parameters", ()):
            assert parameter["description"], (path, parameter["name"])
    names = [operation["operationId"] for methods in described["paths"].values() for operation in methods.values()]
    assert "read_rows" in names and len(set(names)) == len(names)
    assert "HTTPValidationError" not in described["components"]["schemas"]
    assert not [text for text in ("http://", "https://") if text in json.dumps(described["paths"])]


def test_no_request_changes_a_file(client: TestClient, project: SampleProject) -> None:
    client.get("/v1/workflows")
    before = digests(project.root)
    assert any("catalog.db" in name for name in before) and any(name.endswith(".parquet") for name in before)
    for path in PATHS:
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"):
            assert client.request(method, path, headers={"Accept": "*/*"}).status_code in (200, 405)
    assert client.get("/v1/tables/things/rows?format=arrow").status_code == 200
    assert digests(project.root) == before


def test_new_rows_and_tables_show_without_a_restart(client: TestClient, cascade: Cascade) -> None:
    cascade("materialize", "things", "--partition", "2024-01-05")
    assert client.get("/v1/tables/things").json()["rows"] == 15
    assert client.get("/v1/workflows/things").json()["published"]["count"] == 3


BROKEN = """\
import nothing_of_this_name
from cascade import cascade_ingestion

@cascade_ingestion(table_name="patients", unique_key="id", validation_schema=nothing_of_this_name.Patient)
def patients():
    return []
"""


def test_a_module_that_does_not_load_hides_no_other(project: SampleProject, ran: None) -> None:
    project.write("broken.py", BROKEN)
    with ExitStack() as stack:
        served = served_project(Invocation(), stack)
        client = TestClient(create_app(served, None, lambda error: None), base_url="http://localhost")
        document = client.get("/v1/workflows").json()
    assert served.unread == {"raw.patients"}
    assert [each["asset"] for each in document["workflows"]] == ["things"]
    assert "nothing_of_this_name" in document["failures"][0]


@pytest.fixture
def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def asked(url: str, token: str) -> Any:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_server_answers_until_it_is_told_to_stop(
    cascade: Cascade, project: SampleProject, monkeypatch: pytest.MonkeyPatch, unused_port: int, number: signal.Signals
) -> None:
    project.write("things.py", THINGS)
    monkeypatch.setenv("CASCADE_SERVE_TOKEN", "0123456789abcdef")
    answers: list[Any] = []

    def ask_and_stop() -> None:
        deadline = time.monotonic() + 120
        while not answers and time.monotonic() < deadline:
            try:
                answers.append(asked(f"http://127.0.0.1:{unused_port}/v1/workflows", "0123456789abcdef"))
            except OSError:
                time.sleep(0.05)
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=ask_and_stop)
    thread.start()
    result = cascade("serve", "--port", str(unused_port))
    thread.join()
    assert result.exit_code == 0, result.output
    first, second, *_, last = result.stdout.splitlines()
    assert first.endswith(
        f"at http://127.0.0.1:{unused_port}/v1, and its description at http://127.0.0.1:{unused_port}/openapi.json"
    )
    assert "Requests need the token" in second and "0123456789abcdef" not in result.output
    assert last == "Stopping…"
    assert answers[0]["workflows"][0]["asset"] == "things"
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", unused_port)) != 0


@pytest.mark.usefixtures("program")
def test_what_cannot_be_served_is_told_before_anything_starts(
    cascade: Cascade, project: SampleProject, monkeypatch: pytest.MonkeyPatch, unused_port: int
) -> None:
    result = cascade("serve", "--host", "0.0.0.0")
    assert result.exit_code == 2
    assert "0.0.0.0 can be reached from other machines, and no token is set." in result.stderr
    assert "CASCADE_SERVE_TOKEN" in result.stderr
    with socket.socket() as other:
        other.bind(("127.0.0.1", unused_port))
        other.listen()
        result = cascade("serve", "--port", str(unused_port))
    assert result.exit_code == 1 and "is taken" in result.stderr and "cascade serve --port" in result.stderr
    assert not (project.root / ".cascade").exists()
    for token in ("short", "0123456789 abcdef", "0123456789abcdé"):
        monkeypatch.setenv("CASCADE_SERVE_TOKEN", token)
        result = cascade("serve")
        assert result.exit_code == 2 and "CASCADE_SERVE_TOKEN" in result.stderr and token not in result.stderr
    monkeypatch.delenv("CASCADE_SERVE_TOKEN")
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    result = cascade("serve")
    assert result.exit_code == 1 and "pip install 'cascade-workflows[serve]'" in result.stderr
