"""Dagster's databases in SQLite: what every use of one would otherwise do again.

Dagster keeps the events of each run in a database of its own. For each one, alembic lists, loads and sorts some ninety
scripts, twice. For each event, SQLAlchemy makes a new engine, which compiles its statements again. Together this takes
several times as long as writing the events, and longer than a small workflow.
"""

from __future__ import annotations

import functools
from importlib import import_module
from typing import Any

# The user's own migrations may change while the process runs.
_SCRIPTS = "dagster:_core/storage/alembic"
_STORAGES = (
    "dagster._core.storage.event_log.sqlite.sqlite_event_log",
    "dagster._core.storage.runs.sqlite.sqlite_run_storage",
)
_KEPT_ENGINES = 16


def speed_up_dagster_storage() -> None:
    """Let Dagster read its migrations once, and keep the engines of its newest databases.

    Connections are opened and closed as before. The second call does nothing.
    """
    _read_migrations_once()
    _keep_engines()


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
