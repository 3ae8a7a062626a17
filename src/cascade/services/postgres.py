"""PostgreSQL: Dagster's runs and events, and the marts."""

from __future__ import annotations

import glob
import os
import pwd
import re
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

from cascade.config.postgres_urls import with_driver
from cascade.exceptions import CascadeError
from cascade.services.service import Address, Launch, Missing, Service
from cascade.services.stack import ADDRESS

USER = "cascade"
DAGSTER, MARTS = "dagster", "marts"
"""The databases."""

_OWNER = "postgres"
"""The user that runs the server where this process is root, whom PostgreSQL refuses."""

_PLACES = (
    *("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin"),
    *("/usr/local/opt/postgresql*/bin", "/Applications/Postgres.app/Contents/Versions/*/bin"),
)
_NEEDED = ("initdb", "postgres", "createdb", "psql")
_SECONDS = 60
_INITIAL_SECONDS = 300


def find_programs(version: str | None = None) -> Path | None:
    """Return the directory of PostgreSQL's programs, or None if it is not installed.

    Args:
        version: the major version that is needed, such as `15`; by default the newest of the usual places.
    """
    usual = [Path(path) for pattern in _PLACES for path in glob.glob(pattern)]
    newest_first = sorted(usual, key=_major, reverse=True)
    found = [
        path
        for path in (*newest_first, *map(Path, os.get_exec_path()))
        if all((path / name).exists() for name in _NEEDED)
    ]
    matching = [path for path in found if version is not None and _major(path) == float(version)]
    return next(iter((*matching, *found)), None)


def _major(programs: Path) -> float:
    numbers = re.findall(r"\d+(?:\.\d+)?", str(programs))
    return float(numbers[-1]) if numbers else 0.0


@dataclass(frozen=True)
class Postgres(Service):
    """The server.

    Args:
        stack: the stack that it is part of.
        databases: the databases to create.
        options: further settings of the server, such as `fsync=off`.
    """

    databases: Sequence[str] = (DAGSTER, MARTS)
    options: Sequence[str] = ()

    name = "postgres"
    seconds = 60.0
    # A fast shutdown, which does not wait for clients to disconnect.
    stop_signal = signal.SIGINT
    grace = 30.0

    @property
    def ports(self) -> tuple[int, ...]:
        """Its port."""
        return (self.stack.ports["postgres"],)

    @property
    def marks(self) -> tuple[str, ...]:
        """A setting that only this server has."""
        return (f"cascade.data={self._data}",)

    @property
    def missing(self) -> Missing | None:
        """The programs, or a user who may run them."""
        if self._programs is None:
            return Missing(
                "PostgreSQL is not installed.", "apt install postgresql, brew install postgresql, or similar"
            )
        if os.getuid() != 0:
            return None
        owner = _owner()
        if owner is None:
            return Missing(f"PostgreSQL does not run as root, and there is no user {_OWNER}.", "Work as another user")
        closed = next(
            (path for path in self.stack.directory.parents if path.exists() and not _is_passable(path, owner)), None
        )
        if closed is None:
            return None
        return Missing(
            f"PostgreSQL does not run as root, and the user {_OWNER} cannot pass through {closed}.",
            "Work as another user, or set CASCADE_SERVICES_DIRECTORY to a directory such as /var/lib/cascade",
        )

    @property
    def addresses(self) -> tuple[Address, ...]:
        """The URL, without the password."""
        return (Address("PostgreSQL", f"postgresql://{USER}@{ADDRESS}:{self.ports[0]}"),)

    def url(self, database: str) -> str:
        """Return the URL of a database, with the password."""
        return f"postgresql://{USER}:{self.stack.secrets['postgres']}@{ADDRESS}:{self.ports[0]}/{database}"

    @property
    def settings(self) -> Mapping[str, str]:
        """The settings of Dagster's database and of the one for marts."""
        return {
            # With the driver, because Dagster's own processes read .env too, and take another driver by default.
            "CASCADE_DAGSTER_DATABASE": with_driver(self.url(DAGSTER)),
            "CASCADE_POSTGRES_HOST": ADDRESS,
            "CASCADE_POSTGRES_PORT": str(self.ports[0]),
            "CASCADE_POSTGRES_DB": MARTS,
            "CASCADE_POSTGRES_USER": USER,
            "CASCADE_POSTGRES_PASSWORD": self.stack.secrets["postgres"],
        }

    @property
    def lacking_extra(self) -> str | None:
        """The extra `postgres`, if it is not installed."""
        return None if find_spec("dagster_postgres") and find_spec("psycopg2") else "postgres"

    def launch(self) -> Launch:
        """Create its data at the first start, and return how to start it.

        Raises:
            CascadeError: the data could not be created.
        """
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if (owner := self._user) is not None:
            os.chown(self.directory, *owner)
        if not self._data.exists():
            self._initialize()
        assert self._programs is not None
        settings = {
            "port": self.ports[0],
            "listen_addresses": ADDRESS,
            # Unix sockets have no password, and their paths have to be short.
            "unix_socket_directories": "",
            "cascade.data": self._data,
        }
        given = [*(f"{name}={value}" for name, value in settings.items()), *self.options]
        options = [word for setting in given for word in ("-c", setting)]
        argv = (str(self._programs / "postgres"), "-D", str(self._data), *options)
        return Launch(argv, _environment(), user=self._user)

    def trouble(self) -> str | None:
        """Log in as users do."""
        try:
            done = self._psql("select 1")
        except subprocess.TimeoutExpired:
            return f"it did not answer within {_SECONDS} seconds"
        return None if done.returncode == 0 else done.stderr.strip() or "it does not answer"

    def complete(self) -> None:
        """Create the databases.

        Raises:
            CascadeError: the server refused.
        """
        present = self._psql("select datname from pg_database").stdout.split()
        for database in self.databases:
            if database not in present:
                done = self._run("createdb", database)
                if done.returncode != 0:
                    raise CascadeError(f"PostgreSQL did not create the database {database}:\n{done.stderr.strip()}")

    def _psql(self, statement: str) -> subprocess.CompletedProcess[str]:
        return self._run("psql", "-X", "-A", "-t", "-d", "postgres", "-c", statement)

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        assert self._programs is not None
        login = ("-h", ADDRESS, "-p", str(self.ports[0]), "-U", USER, "-w")
        environment = {**_environment(), "PGPASSWORD": self.stack.secrets["postgres"], "PGCONNECT_TIMEOUT": "5"}
        command = [str(self._programs / program), *login, *arguments]
        return subprocess.run(
            command, env=environment, cwd="/", capture_output=True, text=True, timeout=_SECONDS, check=False
        )

    def _initialize(self) -> None:
        assert self._programs is not None
        user = self._user
        # Moved into place whole: a kill leaves no half of it.
        with tempfile.TemporaryDirectory(prefix="new-", dir=self.directory) as made:
            if user is not None:
                os.chown(made, *user)
            password = Path(made) / "password"
            password.touch(0o600)
            password.write_text(self.stack.secrets["postgres"])
            if user is not None:
                os.chown(password, *user)
            new = Path(made) / "data"
            login = ("-A", "scram-sha-256", "-U", USER, f"--pwfile={password}")
            command = [str(self._programs / "initdb"), "-D", str(new), *login, "-E", "UTF8", "--no-locale"]
            if "fsync=off" in self.options:
                command.append("--no-sync")
            uid, gid = user or (None, None)
            done = subprocess.run(
                command,
                env=_environment(),
                cwd="/",
                user=uid,
                group=gid,
                extra_groups=None if user is None else [],
                capture_output=True,
                text=True,
                timeout=_INITIAL_SECONDS,
                check=False,
            )
            if done.returncode != 0:
                raise CascadeError(f"PostgreSQL could not create {self._data}:\n{done.stderr.strip()}")
            new.rename(self._data)

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    @cached_property
    def _programs(self) -> Path | None:
        try:
            version = (self._data / "PG_VERSION").read_text().strip()
        except OSError:
            version = None
        return find_programs(version)

    @property
    def _user(self) -> tuple[int, int] | None:
        return _owner() if os.getuid() == 0 else None


def _owner() -> tuple[int, int] | None:
    try:
        entry = pwd.getpwnam(_OWNER)
    except KeyError:
        return None
    return entry.pw_uid, entry.pw_gid


def _is_passable(path: Path, owner: tuple[int, int]) -> bool:
    state = path.stat()
    if state.st_uid == owner[0]:
        return bool(state.st_mode & 0o100)
    return bool(state.st_mode & (0o010 if state.st_gid == owner[1] else 0o001))


def _environment() -> dict[str, str]:
    # Variables such as PGDATA and PGHOST of the user's must not lead elsewhere.
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
