"""Dagster's databases in SQLite: what every use of one would otherwise do again.

Dagster keeps the events of each run in a database of its own. For each one, alembic lists, loads and sorts some ninety
scripts, twice, and creates tables and indexes one by one. For each event, SQLAlchemy makes a new engine, which compiles
its statements again. Together this takes several times as long as writing the events, and longer than a small workflow.
"""

from __future__ import annotations

import functools
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from importlib import import_module
from typing import Any

# The user's own migrations may change while the process runs.
_SCRIPTS = "dagster:_core/storage/alembic"
_STORAGES = (
    "dagster._core.storage.event_log.sqlite.sqlite_event_log",
    "dagster._core.storage.runs.sqlite.sqlite_run_storage",
)
_KEPT_ENGINES = 16
# What creates a new database, and where the database is, given the arguments of that.
_CREATORS: tuple[tuple[str, str, str, Callable[..., str]], ...] = (
    (
        "dagster._core.storage.event_log.sqlite.sqlite_event_log",
        "SqliteEventLogStorage",
        "__init__",
        lambda _, base_dir, *__, **___: os.path.join(base_dir, "index.db"),
    ),
    (
        "dagster._core.storage.event_log.sqlite.sqlite_event_log",
        "SqliteEventLogStorage",
        "_initdb",
        lambda _, engine, **__: engine.url.database,
    ),
    (
        "dagster._core.storage.runs.sqlite.sqlite_run_storage",
        "SqliteRunStorage",
        "from_local",
        lambda _, base_dir, *__, **___: os.path.join(base_dir, "runs.db"),
    ),
    (
        "dagster._core.storage.schedules.sqlite.sqlite_schedule_storage",
        "SqliteScheduleStorage",
        "from_local",
        lambda _, base_dir, *__, **___: os.path.join(base_dir, "schedules.db"),
    ),
)
# Of a new database, these have rows: the revision, and which indexes it has.
_FILLED = ("alembic_version", "secondary_indexes")


def speed_up_dagster_storage() -> None:
    """Let Dagster read its migrations once, keep the engines of its newest databases, and copy new databases.

    Connections are opened and closed as before. The second call does nothing.
    """
    _read_migrations_once()
    _keep_engines()
    _copy_new_databases()


def _read_migrations_once() -> None:
    # Dagster requires alembic, and Cascade does not.
    directory: Any = import_module("alembic.script").ScriptDirectory
    read = directory.from_config
    if hasattr(read, "__wrapped__"):
        return
    found: list[object] = []

    @functools.wraps(read)
    def read_once(config: Any) -> object:
        if config.get_main_option("script_location") != _SCRIPTS:
            return read(config)
        if not found:
            found.append(read(config))
        return found[0]

    directory.from_config = staticmethod(read_once)


def _keep_engines() -> None:
    for name in _STORAGES:
        try:
            storage: Any = import_module(name)
        except ImportError:
            # Another version of Dagster may keep its events elsewhere. It only loses the gain.
            continue
        create = getattr(storage, "create_engine", None)
        if create is not None and not hasattr(create, "keeps_engines"):
            storage.create_engine = _keeping(create)


def _keeping(create: Any) -> Any:
    @functools.lru_cache(_KEPT_ENGINES)
    def made(url: str, poolclass: object, arguments: tuple[tuple[str, object], ...] | None) -> object:
        given = {} if arguments is None else {"connect_args": dict(arguments)}
        return create(url, poolclass=poolclass, **given)

    @functools.wraps(create)
    def create_once(url: str, *, poolclass: object = None, **options: Any) -> object:
        connect = options.pop("connect_args", None)
        # Only an engine without a pool can be shared: nothing of it stays open, not even across a fork.
        if options or getattr(poolclass, "__name__", "") != "NullPool":
            return create(url, poolclass=poolclass, connect_args=connect or {}, **options)
        return made(url, poolclass, None if connect is None else tuple(sorted(connect.items())))

    create_once.keeps_engines = True  # type: ignore[attr-defined]
    return create_once


def _copy_new_databases() -> None:
    for module, name, method, database in _CREATORS:
        try:
            storage: Any = getattr(import_module(module), name)
            create = vars(storage)[method]
        except (ImportError, AttributeError, KeyError):
            # Another version of Dagster may create its databases elsewhere. It only loses the gain.
            continue
        function = getattr(create, "__func__", create)
        if not hasattr(function, "copies_databases"):
            copying = _copying(function, database)
            setattr(storage, method, classmethod(copying) if isinstance(create, classmethod) else copying)


def _copying(create: Any, database: Callable[..., str]) -> Any:
    first: list[bytes] = []

    @functools.wraps(create)
    def create_from_copy(*arguments: Any, **options: Any) -> Any:
        path = database(*arguments, **options)
        is_new = not os.path.exists(path)
        if is_new and first:
            _write_new(path, first[0])
        # With a copy, Dagster finds nothing left to create.
        created = create(*arguments, **options)
        if is_new and not first and (content := _content_if_new(path)):
            first.append(content)
        return created

    create_from_copy.copies_databases = True  # type: ignore[attr-defined]
    return create_from_copy


def _content_if_new(path: str) -> bytes | None:
    """Return the content of a database, or None if another process has written rows to it already."""
    with suppress(sqlite3.Error, AttributeError), closing(sqlite3.connect(path)) as connection:
        # What is read is one state of the database.
        connection.execute("BEGIN")
        found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        names = [name for (name,) in found if name not in _FILLED]
        if not any(connection.execute(f'SELECT 1 FROM "{name}" LIMIT 1').fetchone() for name in names):
            # SQLite can be built without this method.
            return connection.serialize()
    return None


def _write_new(path: str, content: bytes) -> None:
    """Write a file unless it exists by now. Other processes see all of it or nothing."""
    # Dagster takes every file that ends with `.db` for a database.
    draft = f"{path}.{os.getpid()}"
    # Where it cannot be written, Dagster creates the database itself, or says why it cannot.
    with suppress(OSError):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        try:
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "wb") as file:
                file.write(content)
            os.link(draft, path)
        finally:
            os.unlink(draft)
