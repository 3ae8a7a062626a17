"""Whether the catalog answers and the warehouse can be written."""

from __future__ import annotations

import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn

import pyarrow as pa
import pytest

from cascade.config import CascadeConfig
from cascade.doctor import lakehouse as checks
from cascade.doctor.lakehouse import check_catalog, check_warehouse
from cascade.framework.conftest import SampleProject, project
from cascade.iceberg import Lakehouse, open_lakehouse

__all__ = ["project"]


@pytest.fixture
def config(project: SampleProject) -> CascadeConfig:
    return CascadeConfig()


def configured(monkeypatch: pytest.MonkeyPatch, **settings: str) -> CascadeConfig:
    for name, value in settings.items():
        monkeypatch.setenv(f"CASCADE_{name.upper()}", value)
    return CascadeConfig()


def test_checking_the_embedded_lakehouse_does_not_create_it(config: CascadeConfig) -> None:
    catalog, opened = check_catalog(config)
    warehouse = check_warehouse(config, opened)
    assert (catalog.status, warehouse.status, opened) == ("ok", "ok", None)
    assert "which the first run creates" in catalog.detail
    assert "which the first run creates" in warehouse.detail
    assert not config.state_directory.exists()


def test_an_existing_catalog_answers(config: CascadeConfig) -> None:
    open_lakehouse(config).catalog.create_namespace("raw")
    catalog, opened = check_catalog(config)
    assert catalog.status == "ok"
    assert catalog.detail.endswith("catalog.db answers, with 1 namespace")
    before = sorted(config.state_directory.rglob("*"))
    assert check_warehouse(config, opened).status == "ok"
    assert sorted(config.state_directory.rglob("*")) == before


def test_a_server_of_large_merges_that_is_not_set_is_no_problem_of_the_catalog(config: CascadeConfig) -> None:
    open_lakehouse(config)
    catalog, opened = check_catalog(config.model_copy(update={"merge_engine": "trino"}))
    assert catalog.status == "ok" and opened is not None


def test_what_nessie_does_to_tables_is_a_warning(config: CascadeConfig) -> None:
    open_lakehouse(config)

    def nessie(config: CascadeConfig) -> Lakehouse:
        lakehouse = open_lakehouse(config)
        lakehouse.catalog.properties["nessie.is-nessie-catalog"] = "true"
        return lakehouse

    catalog, lakehouse = check_catalog(config, nessie)
    assert catalog.status == "warning" and lakehouse is not None
    assert "loses rows of runs that commit to one table at the same time" in catalog.detail


def test_a_damaged_catalog_is_a_problem(config: CascadeConfig) -> None:
    config.state_directory.mkdir()
    (config.state_directory / "catalog.db").write_text("not a database, and long enough to be looked at as one" * 20)
    catalog, opened = check_catalog(config)
    assert (catalog.status, opened) == ("problem", None)
    assert "catalog.db is damaged: file is not a database" in catalog.detail


def test_contradicting_settings_are_a_problem(project: SampleProject, monkeypatch: pytest.MonkeyPatch) -> None:
    config = configured(monkeypatch, nessie_uri="http://127.0.0.1:1/api", iceberg_catalog="http://127.0.0.1:1")
    catalog, _ = check_catalog(config)
    assert catalog.status == "problem"
    assert "Two settings specify a catalog" in catalog.detail


def test_the_check_does_not_wait_for_a_server_that_does_not_answer(
    project: SampleProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wait(config: CascadeConfig) -> NoReturn:
        time.sleep(30)
        raise AssertionError

    config = configured(monkeypatch, iceberg_catalog="http://127.0.0.1:1")
    began = time.monotonic()
    catalog, _ = check_catalog(config, wait, seconds=0.2)
    assert time.monotonic() - began < 10
    assert (catalog.status, catalog.detail) == ("problem", "the catalog does not answer: timeout after 0.2 seconds")
    assert catalog.hint


def test_a_missing_driver_is_a_problem_and_the_hint_names_its_extra(
    project: SampleProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "find_spec", lambda name: None)
    config = configured(monkeypatch, iceberg_catalog="postgresql://me:hunter22@127.0.0.1:1/catalog")
    catalog, _ = check_catalog(config)
    assert (catalog.status, catalog.hint) == ("problem", "Type: pip install 'cascade-workflows[postgres]'")
    assert "hunter22" not in catalog.detail


def test_a_warehouse_that_cannot_be_written_is_a_problem(
    config: CascadeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    found = check_warehouse(config, None)
    assert found.status == "problem"
    assert "cannot be written" in found.detail


def test_a_file_in_place_of_the_warehouse_is_a_problem(config: CascadeConfig) -> None:
    config.state_directory.mkdir()
    file = config.state_directory / "warehouse"
    file.touch()
    found = check_warehouse(config, None)
    assert (found.status, found.hint) == ("problem", f"Move it away: {file}")


def opened(warehouse: str, **properties: str) -> Lakehouse:
    catalog = SimpleNamespace(properties=properties, list_namespaces=lambda above=(): [], list_tables=lambda space: [])
    return Lakehouse(catalog, "http://catalog", warehouse, Path("dlt"))  # type: ignore[arg-type]


def test_a_store_is_written_to_and_left_unchanged(project: SampleProject, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyiceberg.io

    written = []

    class Store:
        def new_output(self, location: str) -> Store:
            written.append(location)
            return self

        def create(self) -> Store:
            return self

        def __enter__(self) -> Store:
            return self

        def __exit__(self, *args: object) -> None: ...

        def write(self, data: bytes) -> None: ...

        def delete(self, location: str) -> None:
            written.remove(location)

    seen: list[str] = []

    def load_store(properties: object, location: str) -> Store:
        seen.append(location)
        return Store()

    monkeypatch.setattr(pyiceberg.io, "load_file_io", load_store)
    config = configured(monkeypatch, iceberg_catalog="sqlite://", iceberg_warehouse="s3://bucket/path/")
    found = check_warehouse(config, opened("s3://bucket/path/"))
    assert (found.status, written) == ("ok", [])
    assert seen == ["s3://bucket/path/"]


def test_a_rest_catalog_says_where_its_tables_may_be_written(
    project: SampleProject, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = configured(monkeypatch, iceberg_catalog="http://catalog", iceberg_warehouse="mine")
    assert "the catalog knows where mine is" in check_warehouse(config, opened("mine")).detail
    lakehouse = open_lakehouse(CascadeConfig(iceberg_catalog=None, iceberg_warehouse=str(tmp_path / "tables")))
    lakehouse.catalog.create_namespace("raw")
    table = lakehouse.catalog.create_table("raw.t", pa.schema([pa.field("x", pa.int64())]))
    before = sorted((tmp_path / "tables").rglob("*.*"))
    found = check_warehouse(config, lakehouse)
    assert (found.status, found.detail) == ("ok", f"{table.location()}/data can be written")
    assert sorted((tmp_path / "tables").rglob("*.*")) == before


@pytest.mark.parametrize("catalog", ["http://catalog", "sqlite://"])
def test_a_store_that_does_not_answer_is_a_problem_and_the_hint_names_its_address(
    project: SampleProject, monkeypatch: pytest.MonkeyPatch, catalog: str
) -> None:
    config = configured(monkeypatch, iceberg_catalog=catalog, iceberg_warehouse="s3://bucket/path")
    properties = {"s3.endpoint": "http://127.0.0.1:1", "s3.access-key-id": "me", "s3.secret-access-key": "hunter22"}
    found = check_warehouse(
        config, opened("s3://bucket/path", **properties, **{"s3.connect-timeout": "0.2"}), seconds=20
    )
    assert found.status == "problem"
    assert found.detail.startswith("s3://bucket/path cannot be ")
    assert "CASCADE_S3_ENDPOINT" in str(found.hint)
    assert "hunter22" not in f"{found}"


def test_a_warehouse_that_the_catalog_chooses_is_not_checked(
    project: SampleProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configured(monkeypatch, iceberg_catalog="http://catalog")
    assert check_warehouse(config, opened("")).status == "ok"
    remote = configured(monkeypatch, iceberg_warehouse="s3://bucket")
    assert check_warehouse(remote, None).status == "warning"


class Store(ThreadingHTTPServer):
    """Answers every request as S3 does: the head of a file with 403, and a list with a code."""

    code: str | None = None


class Answers(BaseHTTPRequestHandler):
    server: Store

    def do_HEAD(self) -> None:
        self.send(403, b"")

    def do_GET(self) -> None:
        if self.server.code:
            self.send(403, f"<Error><Code>{self.server.code}</Code><Message>no</Message></Error>".encode())
        else:
            self.send(200, b"<ListBucketResult><Name>tables</Name><IsTruncated>false</IsTruncated></ListBucketResult>")

    def send(self, code: int, body: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *values: object) -> None:
        pass


@pytest.mark.parametrize(
    ("code", "status", "said"),
    [
        (None, "ok", "s3://tables can be listed"),
        ("AccessDenied", "warning", "the catalog has no table yet, and the key may not list the bucket"),
        ("SignatureDoesNotMatch", "problem", "SIGNATURE_DOES_NOT_MATCH"),
        ("InvalidAccessKeyId", "problem", "INVALID_ACCESS_KEY_ID"),
    ],
)
def test_an_empty_warehouse_is_told_from_a_refused_key(
    project: SampleProject, monkeypatch: pytest.MonkeyPatch, code: str | None, status: str, said: str
) -> None:
    config = configured(monkeypatch, iceberg_catalog="http://catalog", iceberg_warehouse="s3://tables")
    with Store(("127.0.0.1", 0), Answers) as store:
        store.code = code
        threading.Thread(target=store.serve_forever, daemon=True).start()
        properties = {
            "s3.endpoint": f"http://127.0.0.1:{store.server_port}",
            "s3.access-key-id": "me",
            "s3.secret-access-key": "hunter22",
            "s3.region": "us-east-1",
        }
        found = check_warehouse(config, opened("s3://tables", **properties), seconds=30)
        store.shutdown()
    assert (found.status, said in found.detail) == (status, True), found
    if status == "problem":
        assert "CASCADE_S3_SECRET_ACCESS_KEY" in str(found.hint)
