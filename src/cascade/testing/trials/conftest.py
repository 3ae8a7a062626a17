from __future__ import annotations

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from cascade.config import CascadeConfig
from cascade.framework.resources import throwaway_config

REQUIRED = "CASCADE_REQUIRE_POSTGRES"
_DIRECTORIES = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True), *map(Path, os.get_exec_path())]


def _programs() -> Path | None:
    return next((path for path in _DIRECTORIES if (path / "initdb").exists() and (path / "pg_ctl").exists()), None)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Start a PostgreSQL server for this session, and return its address without the name of a database."""
    programs = _programs()
    if programs is None:
        assert not os.environ.get(REQUIRED), f"{REQUIRED} is set, but PostgreSQL is not installed"
        pytest.skip("PostgreSQL is not installed; Debian's package is called postgresql")
    # A socket's path has to be short. The server refuses to run as root.
    directory = Path(tempfile.mkdtemp(prefix="cascade-pg-"))
    as_owner: list[str] = []
    if os.getuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(directory, owner.pw_uid, owner.pw_gid)
        # The path of a sandbox may be empty.
        runuser = shutil.which("runuser", path="/usr/sbin:/sbin:/usr/bin:/bin")
        assert runuser is not None, "PostgreSQL does not run as root, and there is no runuser"
        as_owner = [runuser, "-u", "postgres", "--"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = directory / "data"
    settings = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={directory} -c fsync=off"

    def run(program: str, *arguments: str) -> None:
        # pg_ctl leaves its output open to the server, so a pipe would never end.
        with (directory / f"{program}.out").open("a") as output:
            command = [*as_owner, str(programs / program), "-D", str(data), *arguments]
            subprocess.run(command, cwd=directory, stdout=output, stderr=output, stdin=subprocess.DEVNULL, check=True)

    run("initdb", "-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8")
    run("pg_ctl", "-w", "-o", f"{settings} -c max_connections=200", "-l", str(directory / "log"), "start")
    try:
        yield f"postgresql+psycopg2://postgres@127.0.0.1:{port}"
    finally:
        run("pg_ctl", "-w", "-m", "immediate", "stop")
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
        "postgres_password": "x",
        "postgres_db": new_database(postgres, "marts"),
    }


@pytest.fixture(params=["sqlite", "postgresql"])
def lakehouse_settings(request: pytest.FixtureRequest, tmp_path: Path) -> CascadeConfig:
    """Return the settings of a throwaway lakehouse, on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        return throwaway_config(tmp_path)
    return postgres_config(request.getfixturevalue("postgres"), tmp_path)
