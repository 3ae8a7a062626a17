from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from cascade.config import CascadeConfig
from cascade.framework.resources import throwaway_config
from cascade.services.control import start
from cascade.services.postgres import Postgres
from cascade.services.running import end_process
from cascade.services.stack import create_stack

REQUIRED = "CASCADE_REQUIRE_POSTGRES"
# It is not a secret, and shows where a password must not be.
_PASSWORD = "geheim"


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Start a PostgreSQL server for this session, and return its address without the name of a database."""
    # The user postgres, as which it runs for root, cannot reach pytest's own directories.
    directory = Path(tempfile.mkdtemp(prefix="cascade-pg-"))
    stack = create_stack(directory / "stack")
    directory.chmod(0o711)
    stack = replace(stack, secrets={**stack.secrets, "postgres": _PASSWORD})
    server = Postgres(stack, databases=(), options=("fsync=off", "max_connections=200"))
    try:
        missing = server.missing
        if missing is not None:
            assert not os.environ.get(REQUIRED), f"{REQUIRED} is set. {missing.what}"
            pytest.skip(f"{missing.what} {missing.how}")
        (found,) = start([server], lambda status: None)
        assert found.state == "healthy", found.detail
        yield server.url("").replace("postgresql://", "postgresql+psycopg2://").rstrip("/")
    finally:
        end_process(server)
        shutil.rmtree(directory, ignore_errors=True)


def postgres_config(address: str, directory: Path) -> CascadeConfig:
    """Return the settings of a lakehouse with a new database as its catalog."""
    name = new_database(address, "catalog")
    config = throwaway_config(directory)
    return config.model_copy(
        update={"iceberg_catalog": f"{address}/{name}", "iceberg_warehouse": str(directory / "warehouse")}
    )


def new_database(address: str, kind: str) -> str:
    """Create a database of a server, and return its name, which begins with its kind."""
    import sqlalchemy

    name = f"{kind}_{secrets.token_hex(4)}"
    engine = sqlalchemy.create_engine(f"{address}/postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return name


@pytest.fixture
def mart_settings(postgres: str) -> dict[str, Any]:
    """Return the settings of a new database for marts."""
    at = urlsplit(postgres)
    return {
        "postgres_host": at.hostname,
        "postgres_port": at.port,
        "postgres_user": at.username,
        "postgres_password": at.password,
        "postgres_db": new_database(postgres, "marts"),
    }


@pytest.fixture(params=["sqlite", "postgresql"])
def lakehouse_settings(request: pytest.FixtureRequest, tmp_path: Path) -> CascadeConfig:
    """Return the settings of a throwaway lakehouse, on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        return throwaway_config(tmp_path)
    return postgres_config(request.getfixturevalue("postgres"), tmp_path)
