from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cascade.exceptions import ConfigError
from cascade.iceberg import catalog
from cascade.iceberg.catalog import open_lakehouse
from cascade.iceberg.conftest import Settings
from cascade.notices import notices_to
from cascade.table_ref import TableRef


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """Record what would be opened, for catalogs that do not exist."""
    asked: list[dict[str, str]] = []
    monkeypatch.setattr(catalog, "_open", lambda uri, properties: asked.append(properties))
    return asked


def test_the_embedded_lakehouse_is_under_the_state_directory(tmp_path: Path) -> None:
    state = tmp_path / "a project" / ".cascade"
    lakehouse = open_lakehouse(Settings(state))
    assert (state / "catalog.db").is_file()
    assert lakehouse.warehouse == str(state / "warehouse")
    assert lakehouse.dlt_directory == state / "dlt"
    assert lakehouse.uri == f"sqlite:///{state / 'catalog.db'}"
    assert lakehouse.load(TableRef("raw", "nothing")) is None


def test_a_sqlite_uri_that_says_how_long_to_wait_is_kept(tmp_path: Path, opened: list[dict[str, str]]) -> None:
    uri = f"sqlite:///{tmp_path}/c.db?timeout=1"
    open_lakehouse(Settings(tmp_path, iceberg_catalog=uri))
    open_lakehouse(Settings(tmp_path, iceberg_catalog="sqlite:///c.db?cache=shared"))
    assert [each["uri"] for each in opened] == [uri, "sqlite:///c.db?cache=shared&timeout=60"]


def test_a_writer_waits_for_a_busy_file(tmp_path: Path) -> None:
    lakehouse = open_lakehouse(Settings(tmp_path))
    connection: Any = lakehouse.catalog.engine.raw_connection()  # type: ignore[attr-defined]
    assert connection.execute("PRAGMA busy_timeout").fetchone() == (60_000,)


@pytest.mark.parametrize(
    "given",
    ["http://nessie:19120", "http://nessie:19120/", "http://nessie:19120/api/v2", "http://nessie:19120/iceberg/main"],
)
def test_nessie_is_reached_over_iceberg_rest(tmp_path: Path, opened: list[dict[str, str]], given: str) -> None:
    open_lakehouse(Settings(tmp_path, nessie_uri=given, nessie_ref="dev", iceberg_warehouse="s3://lake/wh"))
    assert opened == [{"uri": "http://nessie:19120/iceberg/dev", "warehouse": "s3://lake/wh"}]


@pytest.mark.parametrize("given", ["http://me:hunter22@nessie:19120/api/v1", "http://me:hunter22@nessie:19120/api/v2/"])
def test_the_api_of_nessie_becomes_that_of_iceberg_and_the_log_says_so(
    tmp_path: Path, opened: list[dict[str, str]], given: str
) -> None:
    told: list[str] = []
    with notices_to(told.append):
        open_lakehouse(Settings(tmp_path, nessie_uri=given))
        open_lakehouse(Settings(tmp_path, nessie_uri="http://nessie:19120/iceberg"))
    assert [each["uri"] for each in opened] == [
        "http://me:hunter22@nessie:19120/iceberg/main",
        "http://nessie:19120/iceberg/main",
    ]
    (text,) = told
    assert f"CASCADE_NESSIE_URI is {given.replace('hunter22', '**********').rstrip('/')}, " in text
    assert text.endswith("@nessie:19120/iceberg.")


def test_a_rest_catalog_knows_its_own_warehouse(tmp_path: Path, opened: list[dict[str, str]]) -> None:
    open_lakehouse(Settings(tmp_path, iceberg_catalog="https://catalog/api"))
    assert opened == [{"uri": "https://catalog/api"}]


def test_a_database_catalog_keeps_its_uri(tmp_path: Path, opened: list[dict[str, str]]) -> None:
    settings = Settings(tmp_path, iceberg_catalog="postgresql+psycopg2://me:secret@db/cat", iceberg_warehouse="s3://wh")
    lakehouse = open_lakehouse(settings)
    assert opened == [{"uri": "postgresql+psycopg2://me:secret@db/cat", "warehouse": "s3://wh"}]
    assert lakehouse.uri == "postgresql+psycopg2://me:**********@db/cat"


@pytest.mark.parametrize("given", ["postgresql://me:secret@db/cat", "postgres://me:secret@db/cat"])
def test_postgresql_is_reached_by_the_driver_of_the_extra(
    tmp_path: Path, opened: list[dict[str, str]], given: str
) -> None:
    open_lakehouse(Settings(tmp_path, iceberg_catalog=given, iceberg_warehouse="s3://wh"))
    assert opened[0]["uri"] == "postgresql+psycopg2://me:secret@db/cat"


def test_an_unreachable_postgresql_server_is_a_clear_error(tmp_path: Path) -> None:
    settings = Settings(tmp_path, iceberg_catalog="postgresql://me:secret@127.0.0.1:9/cat", iceberg_warehouse="s3://wh")
    with pytest.raises(ConfigError) as caught:
        open_lakehouse(settings)
    assert "Connection refused" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_warehouse_on_disk_is_created(tmp_path: Path) -> None:
    lakehouse = open_lakehouse(Settings(tmp_path / "state", iceberg_warehouse=str(tmp_path / "elsewhere")))
    assert (tmp_path / "elsewhere").is_dir()
    assert lakehouse.warehouse == str(tmp_path / "elsewhere")


def test_two_catalogs_are_refused(tmp_path: Path) -> None:
    settings = replace(Settings(tmp_path), nessie_uri="http://nessie", iceberg_catalog="sqlite:///x.db")
    with pytest.raises(ConfigError, match="Two settings specify a catalog"):
        open_lakehouse(settings)


def test_a_catalog_that_cannot_be_opened_is_reported_without_its_password(tmp_path: Path) -> None:
    settings = Settings(tmp_path, iceberg_catalog="nosuchdb://me:secret@host/db", iceberg_warehouse=str(tmp_path))
    with pytest.raises(ConfigError) as caught:
        open_lakehouse(settings)
    assert "Cannot open the Iceberg catalog at nosuchdb://me:**********@host/db: " in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_file_that_is_not_a_database_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "catalog.db").write_text("not a database, and long enough to be looked at as one " * 20)
    with pytest.raises(
        ConfigError, match=r"The file of the Iceberg catalog at .*catalog\.db is damaged: .*not a database"
    ):
        open_lakehouse(Settings(tmp_path))
    with pytest.raises(sqlite3.DatabaseError):
        sqlite3.connect(tmp_path / "catalog.db").execute("SELECT * FROM iceberg_tables")


@pytest.mark.parametrize("setting", ["iceberg_catalog", "iceberg_warehouse"])
def test_a_directory_that_cannot_be_created_is_an_error_with_the_setting(tmp_path: Path, setting: str) -> None:
    (tmp_path / "file").write_text("in the way")
    settings = {
        "iceberg_catalog": Settings(tmp_path, iceberg_catalog=f"sqlite:///{tmp_path}/file/x/catalog.db"),
        "iceberg_warehouse": Settings(tmp_path, iceberg_warehouse=f"{tmp_path}/file/x"),
    }
    with pytest.raises(ConfigError, match=r"Cannot create the directory .*file/x: Not a directory") as caught:
        open_lakehouse(settings[setting])
    assert f"CASCADE_{setting.upper()}" in str(caught.value)
