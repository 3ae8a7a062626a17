"""Dagster's migrations of its databases, which alembic otherwise reads again for each database.

Dagster keeps the events of each run in a database of its own. For each one, alembic twice lists, loads and sorts some
ninety scripts, which takes longer than the run of a small workflow writes to its table.
"""

from __future__ import annotations

import functools
from importlib import import_module
from typing import Any

# The user's own migrations may change while the process runs.
_DAGSTERS = "dagster:_core/storage/alembic"


def read_migrations_once() -> None:
    """Let alembic keep the scripts of Dagster once it has read them. The second call does nothing."""
    # Dagster requires alembic, and Cascade does not.
    directory: Any = import_module("alembic.script").ScriptDirectory
    read = directory.from_config
    if hasattr(read, "__wrapped__"):
        return
    found: list[object] = []

    @functools.wraps(read)
    def read_once(config: Any) -> object:
        if config.get_main_option("script_location") != _DAGSTERS:
            return read(config)
        if not found:
            found.append(read(config))
        return found[0]

    directory.from_config = staticmethod(read_once)
