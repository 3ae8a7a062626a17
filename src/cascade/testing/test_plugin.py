"""The fixtures: a separate lakehouse, and HTTP that does not leave the machine."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
import requests
from dlt.extract import DltSource
from dlt.sources.helpers import requests as dlt_requests
from dlt.sources.rest_api import rest_api_source
from pydantic import BaseModel
from responses import RequestsMock, matchers

from cascade.exceptions import UsageError
from cascade.iceberg import Lakehouse
from cascade.ingestion import IngestionWorkflow, cascade_ingestion
from cascade.processes.children import child_environment
from cascade.table_ref import TableRef
from cascade.testing import plugin, test_workflow
from cascade.testing.plugin import lakehouse, offline_http

__all__ = ["lakehouse", "offline_http"]

pytest_plugins = ["pytester"]

API = "https://api.example.com/v1/readings"


class Reading(BaseModel):
    """A reading of a meter."""

    meter: int


@cascade_ingestion(table_name="paged", unique_key="meter", group="meters", validation_schema=Reading, partitions=None)
def paged() -> DltSource:
    """Read with dlt's REST API source."""
    return rest_api_source(
        {
            "client": {"base_url": "https://api.example.com/v1/", "paginator": "single_page"},
            "resources": [{"name": "readings", "endpoint": {"path": "readings", "data_selector": "data"}}],
        }
    )


@cascade_ingestion(table_name="plain", unique_key="meter", group="meters", validation_schema=Reading, partitions=None)
def plain() -> list[dict[str, object]]:
    """Read with dlt's requests, which retry."""
    rows: list[dict[str, object]] = dlt_requests.get(API).json()["data"]
    return rows


both = pytest.mark.parametrize("workflow", [paged, plain], ids=["rest_api_source", "requests"])


def test_runs_in_one_lakehouse_see_each_other(lakehouse: Lakehouse) -> None:
    first = test_workflow(plain, test_data=[{"meter": 1}], lakehouse=lakehouse)
    second = test_workflow(plain, test_data=[{"meter": 2}], lakehouse=lakehouse)
    assert first.rows["meter"].to_pylist() == [1]
    assert second.rows["meter"].to_pylist() == [1, 2]


def test_each_test_has_its_own_lakehouse(lakehouse: Lakehouse) -> None:
    assert lakehouse.load(TableRef("raw", "plain")) is None
    assert lakehouse.catalog.list_namespaces() == []


def test_the_lakehouse_is_separate_and_is_deleted_afterwards(pytester: pytest.Pytester) -> None:
    pytester.makepyprojecttoml("[tool.cascade]\n")
    pytester.makeconftest("from cascade.testing.plugin import lakehouse\n")
    pytester.makepyfile(
        """
        from pathlib import Path

        def test_where(lakehouse):
            lakehouse.catalog.create_namespace("raw")
            Path("seen").write_text(lakehouse.warehouse.removeprefix("file://"))
        """
    )
    pytester.runpytest_inprocess().assert_outcomes(passed=1)
    assert not (pytester.path / ".cascade").exists()
    warehouse = Path((pytester.path / "seen").read_text())
    assert not warehouse.exists()
    assert not warehouse.is_relative_to(pytester.path)


@both
def test_registered_answers_are_returned(workflow: IngestionWorkflow[[], object], offline_http: RequestsMock) -> None:
    offline_http.get(API, json={"data": [{"meter": 1}, {"meter": 2}]})
    result = test_workflow(workflow)
    assert result
    assert result.rows["meter"].to_pylist() == [1, 2]
    assert [call.request.url for call in offline_http.calls] == [API]


@both
def test_a_request_without_an_answer_fails_immediately_and_lists_the_answers(
    workflow: IngestionWorkflow[[], object], offline_http: RequestsMock
) -> None:
    offline_http.get(API, json={}, match=[matchers.query_param_matcher({"page": 2})])
    offline_http.post(re.compile("https://.*/login"))
    error = test_workflow(workflow).error
    assert isinstance(error, UsageError)
    assert f"requested GET {API}, but offline_http has no answer for it" in error.message
    assert f"\n  - GET {API}  (Parameters do not match." in error.message
    assert "\n  - POST https://.*/login  (" in error.message


def test_without_any_answer_none_is_listed(offline_http: RequestsMock) -> None:
    with pytest.raises(UsageError, match="No answer is registered"):
        requests.get(API)


@both
def test_a_failed_request_is_tried_again_without_waiting(
    workflow: IngestionWorkflow[[], object], offline_http: RequestsMock
) -> None:
    for _ in range(3):
        offline_http.get(API, status=503)
    offline_http.get(API, json={"data": [{"meter": 1}]})
    assert test_workflow(workflow).rows.num_rows == 1
    assert len(offline_http.calls) == 4


@pytest.fixture
def local_address() -> Iterator[tuple[str, int]]:
    """Start a server on this machine that answers one request."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")

        Thread(target=serve, daemon=True).start()
        host, port = server.getsockname()
        yield host, port


def test_requests_that_are_let_through_pass_and_this_machine_can_be_reached(
    offline_http: RequestsMock, local_address: tuple[str, int]
) -> None:
    url = f"http://{local_address[0]}:{local_address[1]}/"
    with pytest.raises(UsageError):
        requests.get(url)
    offline_http.add_passthru(re.compile("http://127"))
    assert requests.get(url).text == "ok"


def test_this_machine_can_be_reached_by_other_libraries(
    offline_http: RequestsMock, local_address: tuple[str, int]
) -> None:
    assert urllib.request.urlopen(f"http://{local_address[0]}:{local_address[1]}/").read() == b"ok"


def test_other_libraries_do_not_reach_the_network(offline_http: RequestsMock) -> None:
    with pytest.raises(UsageError, match=r"tried to connect to api\.example\.com:443"):
        urllib.request.urlopen(API)
    for family, address in ((socket.AF_INET, ("192.0.2.1", 80)), (socket.AF_INET6, ("2001:db8::1", 80, 0, 0))):
        with socket.socket(family) as probe:
            with pytest.raises(UsageError, match=re.escape(f"{address[0]}:80")):
                probe.connect(address)
            with pytest.raises(UsageError, match=re.escape(f"{address[0]}:80")):
                probe.connect_ex(address)


def test_the_network_is_back_after_the_test(pytester: pytest.Pytester) -> None:
    before = (socket.getaddrinfo, socket.socket.connect, requests.adapters.HTTPAdapter.send)
    pytester.makeconftest("from cascade.testing.plugin import offline_http\n")
    pytester.makepyfile(
        """
        import socket

        def test_offline(offline_http):
            assert socket.getaddrinfo.__module__ == "cascade.testing.network"
        """
    )
    pytester.runpytest_inprocess().assert_outcomes(passed=1)
    assert (socket.getaddrinfo, socket.socket.connect, requests.adapters.HTTPAdapter.send) == before


def test_without_responses_the_error_explains_what_to_install(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugin, "find_spec", lambda name: None)
    pytester.makeconftest("from cascade.testing.plugin import offline_http\n")
    pytester.makepyfile("def test_offline(offline_http): ...")
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*Type: pip install 'cascade-workflows[[]testing[]]'"])
    result.stdout.no_fnmatch_line("*Traceback*")


@pytest.mark.parametrize("extra", ["sqlglotrs", "sqlglot[rs]"])
def test_what_dagster_dbt_installs_does_not_warn_in_tests(pytester: pytest.Pytester, extra: str) -> None:
    pytester.makeconftest("from cascade.testing.plugin import pytest_configure\n")
    pytester.makepyfile(
        f"""
        import warnings

        def test_it():
            warnings.warn("{extra} is deprecated and no longer compatible with sqlglot.")
            warnings.warn("sqlglot is slow.")
        """
    )
    pytester.runpytest_inprocess().assert_outcomes(passed=1, warnings=1)


def test_loading_the_plugin_imports_nothing_heavy() -> None:
    heavy = ("dagster", "dlt", "pyiceberg", "pyarrow", "polars", "pandas", "pydantic", "requests", "responses", "click")
    program = f"import sys, cascade.testing.plugin; print([name for name in {heavy!r} if name in sys.modules])"
    found = subprocess.run(
        [sys.executable, "-c", program], env=child_environment(), capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"
