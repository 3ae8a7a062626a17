"""The servers that these tests need. scripts/servers names the program of SeaweedFS in CASCADE_WEED."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from servers import java_catalogs
from servers.seaweedfs import SeaweedFS, running_seaweedfs
from servers.trino import Trino, running_trino

from cascade.config import CascadeConfig
from cascade.exceptions import CascadeError
from cascade.framework.resources import throwaway_config
from cascade.iceberg.catalog import CATALOG_NAME
from cascade.services import trino_server
from cascade.services.java import find_java
from cascade.testing.trials.conftest import mart_settings as mart_settings
from cascade.testing.trials.conftest import new_database
from cascade.testing.trials.conftest import postgres as postgres


@pytest.fixture(scope="session")
def seaweedfs() -> Iterator[SeaweedFS]:
    """Start SeaweedFS for this session."""
    program = os.environ.get("CASCADE_WEED")
    if not program:
        pytest.skip("CASCADE_WEED does not name the program of SeaweedFS; run scripts/servers")
    with running_seaweedfs(Path(program)) as server:
        yield server


@pytest.fixture
def rest_settings(seaweedfs: SeaweedFS, tmp_path: Path) -> CascadeConfig:
    """Return the settings of a lakehouse with a REST catalog, whose tables are in S3."""
    return _settings(tmp_path, seaweedfs.settings)


@pytest.fixture(scope="session")
def database(postgres: str) -> str:
    """Return the address of a new database. Tests have namespaces of their own in it."""
    return f"{postgres}/{new_database(postgres, 'catalog')}"


@pytest.fixture
def sql_settings(seaweedfs: SeaweedFS, database: str, tmp_path: Path) -> CascadeConfig:
    """Return the settings of a lakehouse with a catalog in PostgreSQL, whose tables are in S3."""
    return _settings(tmp_path, {**seaweedfs.store_settings, "iceberg_catalog": database})


@pytest.fixture(scope="session")
def trino(seaweedfs: SeaweedFS, database: str, pytestconfig: pytest.Config) -> Iterator[Trino]:
    """Start Trino for this session. It is downloaded only if a test that needs it is chosen.

    Its catalog `iceberg` is the REST catalog, and its catalog `sql` the one in PostgreSQL.
    """
    java, server = _downloaded(pytestconfig)
    with running_trino(java, server, trino_catalogs(seaweedfs, database)) as running:
        yield running


def _downloaded(pytestconfig: pytest.Config) -> tuple[Path, Path]:
    """Return the home of a Java and the directory of Trino. Show that Trino is downloaded, which takes a while."""
    java = find_java(trino_server.JAVA)
    if java is None:
        pytest.skip(f"Trino needs Java {trino_server.JAVA}, which is neither in JAVA_HOME nor in the usual places")
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    assert capture is not None
    if not trino_server.is_server(trino_server.downloaded_server()):
        with capture.global_and_fixture_disabled():
            print(f"Downloading Trino {trino_server.VERSION} ({trino_server.SIZE}, once)", file=sys.stderr, flush=True)
    try:
        return java, trino_server.download_server()
    except CascadeError as error:
        pytest.skip(error.message)


@pytest.fixture(scope="session")
def apache_catalog(seaweedfs: SeaweedFS, postgres: str) -> Iterator[dict[str, str]]:
    """Start the reference fixture of Apache Iceberg for this session, downloaded only if a test needs it."""
    java, jars = _with_java(java_catalogs.APACHE_JAVA, java_catalogs.download_apache)
    address = f"{postgres}/{new_database(postgres, 'apache')}"
    with java_catalogs.running_apache(java, jars, seaweedfs, address) as settings:
        yield settings


@pytest.fixture
def apache_settings(apache_catalog: dict[str, str], tmp_path: Path) -> CascadeConfig:
    """Return the settings of a lakehouse with the reference fixture, whose tables are in S3."""
    return _settings(tmp_path, apache_catalog)


@pytest.fixture(scope="session")
def nessie_catalog(seaweedfs: SeaweedFS) -> Iterator[dict[str, str]]:
    """Start Nessie for this session, downloaded only if a test needs it."""
    java, jars = _with_java(java_catalogs.NESSIE_JAVA, java_catalogs.download_nessie)
    with java_catalogs.running_nessie(java, jars, seaweedfs) as settings:
        yield settings


@pytest.fixture
def nessie_settings(nessie_catalog: dict[str, str], tmp_path: Path) -> CascadeConfig:
    """Return the settings of a lakehouse with Nessie, whose tables are in S3."""
    return _settings(tmp_path, nessie_catalog)


def _with_java(versions: tuple[int, ...], download: Callable[[], Path]) -> tuple[Path, Path]:
    java = next(filter(None, map(find_java, versions)), None)
    if java is None:
        pytest.skip(f"it needs Java {versions[0]} or later, which is neither in JAVA_HOME nor in the usual places")
    try:
        return java, download()
    except CascadeError as error:
        pytest.skip(error.message)


def trino_catalogs(seaweedfs: SeaweedFS, database: str | None = None) -> dict[str, dict[str, str]]:
    """Return the properties of the catalogs of Trino, by their names.

    Args:
        seaweedfs: the server of the REST catalog and of the store.
        database: the address of the catalog in PostgreSQL, if there is one.
    """
    store = {
        "connector.name": "iceberg",
        "fs.native-s3.enabled": "true",
        "s3.endpoint": seaweedfs.s3,
        "s3.region": "us-east-1",
        "s3.path-style-access": "true",
        "s3.aws-access-key": seaweedfs.key,
        "s3.aws-secret-key": seaweedfs.secret,
    }
    rest = {
        "iceberg.catalog.type": "rest",
        "iceberg.rest-catalog.uri": seaweedfs.catalog,
        "iceberg.rest-catalog.warehouse": seaweedfs.settings["iceberg_warehouse"],
        "iceberg.rest-catalog.security": "OAUTH2",
        "iceberg.rest-catalog.oauth2.credential": seaweedfs.settings["catalog_credential"],
    }
    catalogs = {"iceberg": {**store, **rest}, "memory": {"connector.name": "memory"}}
    if database is None:
        return catalogs
    at = urlsplit(database)
    sql = {
        "iceberg.catalog.type": "jdbc",
        "iceberg.jdbc-catalog.catalog-name": CATALOG_NAME,
        "iceberg.jdbc-catalog.driver-class": "org.postgresql.Driver",
        "iceberg.jdbc-catalog.connection-url": f"jdbc:postgresql://{at.hostname}:{at.port}{at.path}",
        "iceberg.jdbc-catalog.connection-user": str(at.username),
        "iceberg.jdbc-catalog.connection-password": str(at.password),
        "iceberg.jdbc-catalog.default-warehouse-dir": seaweedfs.store_settings["iceberg_warehouse"],
    }
    return {**catalogs, "sql": {**store, **sql}}


def _settings(directory: Path, settings: dict[str, str]) -> CascadeConfig:
    given = throwaway_config(directory)
    places = {name: getattr(given, name) for name in ("project_root", "dagster_home", "dlt_directory")}
    return CascadeConfig(**places, **{"nessie_uri": None, **settings})
