"""The servers that these tests need. scripts/servers names the program of SeaweedFS in CASCADE_WEED."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from servers.seaweedfs import SeaweedFS, running_seaweedfs

from cascade.config import CascadeConfig
from cascade.framework.resources import throwaway_config
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


def _settings(directory: Path, settings: dict[str, str]) -> CascadeConfig:
    given = throwaway_config(directory)
    places = {name: getattr(given, name) for name in ("project_root", "dagster_home", "dlt_directory")}
    return CascadeConfig(**places, nessie_uri=None, **settings)
