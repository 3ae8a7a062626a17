"""The project's Dagster instance: its home, and the `dagster.yaml` in it."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cascade.dagster_storage import speed_up_dagster_storage
from cascade.exceptions import CascadeError, ConfigError
from cascade.framework.dagster_database import DAGSTER_YAML, provide_database
from cascade.framework.run_launcher import launcher_yaml

if TYPE_CHECKING:
    import dagster as dg

    from cascade.config import CascadeConfig

_MARK = "# Written by Cascade."
_STORAGE = "dagster._core.storage."
# A new database of a run takes about as much.
_LEAST_BYTES = 256 * 1024

_SETTINGS = f"""\
{_MARK} Delete this line to keep your own changes.

telemetry:
  enabled: false
nux:
  enabled: false

freshness:
  enabled: true

# Do not wait for a run whose process never reports.
run_monitoring:
  enabled: true
  start_timeout_seconds: 300

# A workflow's op is in a pool named after its table, in which the runs of the table take turns.
concurrency:
  runs:
    max_concurrent_runs: {{concurrent_runs}}
  pools:
    granularity: run
    default_limit: {{runs_per_table}}
"""

# Every process that opens the instance sees the events that it writes, whatever started the run.
OBSERVING_CLASS = "cascade.operations.instance"
"""The module of the class for which `dagster.yaml` must ask if the settings have a receiver of events."""

_OBSERVED = f"""
# Sends alerts, lineage and metrics, as the settings say.
instance_class:
  module: {OBSERVING_CLASS}
  class: ObservedInstance
"""


def prepare_dagster_home(config: CascadeConfig) -> Path:
    """Create Dagster's home with its `dagster.yaml`, and set `DAGSTER_HOME` for this process and its children.

    A `dagster.yaml` without Cascade's first line belongs to the user and is not changed.

    Args:
        config: the settings, with `dagster_home`.

    Returns:
        The directory.

    Raises:
        ConfigError: the directory cannot be written, or Dagster would use another one; or the `dagster_database` cannot
            be reached, or the packages for it are not installed.
    """
    home = config.dagster_home
    problem = home_problem(home)
    if problem:
        raise ConfigError(
            f"Dagster's home {home} cannot be used: {problem}.",
            hint="Set CASCADE_DAGSTER_HOME to a directory with another path.",
        )
    path = home / "dagster.yaml"
    text = _SETTINGS.format(concurrent_runs=config.concurrent_runs, runs_per_table=config.runs_per_table)
    if config.dagster_database is not None:
        provide_database(config.dagster_database, config.origin_of("dagster_database"))
        text += DAGSTER_YAML
    if config.is_observed:
        text += _OBSERVED
    text += launcher_yaml(config)
    try:
        home.mkdir(parents=True, exist_ok=True)
        present = path.read_text(encoding="utf-8") if path.is_file() else None
        if present is None or (present.startswith(_MARK) and present != text):
            # Another process that starts now must not read a half-written file.
            draft = home / f"dagster.yaml.{os.getpid()}"
            draft.write_text(text, encoding="utf-8")
            draft.replace(path)
    except OSError as error:
        raise ConfigError(
            f"Dagster's home {home} cannot be written: {error.strerror or error}.",
            hint="Set CASCADE_DAGSTER_HOME to a writable directory.",
        ) from error
    os.environ["DAGSTER_HOME"] = str(home)
    return home


def is_own_file(home: Path) -> bool:
    """Return whether the `dagster.yaml` in Dagster's home is the user's own, which Cascade leaves as it is.

    Args:
        home: Dagster's home.
    """
    path = home / "dagster.yaml"
    return path.is_file() and not path.read_text(encoding="utf-8").startswith(_MARK)


def home_problem(home: Path) -> str | None:
    """Return why Dagster cannot keep its databases in a directory, or None if it can.

    Dagster puts the path into a URI of SQLite without encoding it, so that a `%20` or a `?` leads to another file.

    Args:
        home: an absolute path.
    """
    if not set("%?") & set(str(home)):
        # Most paths need no SQLAlchemy.
        return None
    from cascade.iceberg.locations import sqlite_file

    file = home / "runs.db"
    found = sqlite_file(f"sqlite:///{file}")
    return None if found == file else f"Dagster would write to {found} instead, because of a % or a ? in the path"


@contextmanager
def open_instance(config: CascadeConfig) -> Iterator[dg.DagsterInstance]:
    """Open the project's Dagster instance.

    Args:
        config: the settings.

    Yields:
        The instance, which is closed afterwards.

    Raises:
        ConfigError: Dagster's home or its database cannot be used.
        CascadeError: SQLite could not read or write the databases in Dagster's home, before the block or inside it.
    """
    home = prepare_dagster_home(config)
    import dagster as dg

    speed_up_dagster_storage()
    try:
        with dg.DagsterInstance.get() as instance:
            yield instance
    except Exception as error:
        reason = _reason_of_sqlite(error)
        if reason is None:
            raise
        raise _unusable_databases(home, reason) from error


def _reason_of_sqlite(error: Exception) -> str | None:
    """Return what SQLite says of a database of Dagster; None for any other error."""
    import sqlalchemy.exc

    reason = error.orig if isinstance(error, sqlalchemy.exc.DBAPIError) else error
    modules = (frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(error.__traceback__))
    if not isinstance(reason, sqlite3.Error) or not any(name.startswith(_STORAGE) for name in modules):
        return None
    return str(reason)


def _unusable_databases(home: Path, reason: str) -> CascadeError:
    if shutil.disk_usage(home).free < _LEAST_BYTES:
        # SQLite calls a full disk an I/O error.
        reason, hint = os.strerror(errno.ENOSPC), "Free some space there, then run it again."
    elif not os.access(home, os.W_OK):
        hint = "Make it writable for this user, or set CASCADE_DAGSTER_HOME to a writable directory."
    else:
        hint = (
            f"If a database is damaged, restore it from a copy, or move {home / 'history'} away: it holds the history "
            "of runs, and no rows of tables."
        )
    return CascadeError(f"Dagster's databases in {home} cannot be used: {reason}.", hint=hint)
