"""What an error of a catalog says about a commit: whether it landed, and whether to try again."""

from __future__ import annotations

import re
import sqlite3
import sys
from enum import Enum

from cascade.config.secrets import mask_secrets

# Another branch got a snapshot, or another writer let the same snapshots expire.
_OUTDATED = re.compile(r"Cannot add snapshot with sequence number|Snapshot with snapshot id \d+ does not exist")


class Outcome(Enum):
    """What is known about a commit that raised an error."""

    CONFLICT = "conflict"
    """It did not land, because the table changed. Another attempt on the new state can land."""
    REFUSED = "refused"
    """It did not land, and another attempt would not either."""
    UNKNOWN = "unknown"
    """It has landed, may land later, or never lands. Another attempt on the same state is safe: at most one lands."""
    UNEXPECTED = "unexpected"
    """Nobody knows, and there is no reason to believe that another attempt would end differently."""


def outcome_of(error: Exception) -> Outcome:
    """Classify an error that a catalog raised when it was asked to commit.

    Args:
        error: the error.
    """
    from pyiceberg import exceptions as iceberg

    if isinstance(error, (iceberg.CommitFailedException, iceberg.ValidationException, iceberg.WaitingForLockException)):
        return Outcome.CONFLICT
    # pyiceberg removes only properties that are there, and another writer may have removed them first.
    if isinstance(error, KeyError) and str(error).startswith("'cascade.ledger."):
        return Outcome.CONFLICT
    if isinstance(error, ValueError) and _OUTDATED.search(str(error)):
        return Outcome.CONFLICT
    if isinstance(error, iceberg.RESTError):
        unknown = (
            iceberg.CommitStateUnknownException,
            iceberg.ServerError,
            iceberg.ServiceUnavailableError,
            iceberg.TooManyRequestsError,
        )
        # pyiceberg raises all other errors for answers below 500, which are final.
        return Outcome.UNKNOWN if isinstance(error, unknown) else Outcome.REFUSED
    if isinstance(error, (iceberg.NoSuchTableError, iceberg.NoSuchNamespaceError, NotImplementedError)):
        return Outcome.REFUSED
    return Outcome.UNKNOWN if _broken_connection(error) else _of_database(error)


def described(error: Exception) -> str:
    """Return the kind of an error and its first line, without passwords."""
    lines = str(error).strip().splitlines()
    return mask_secrets(f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__)


def _broken_connection(error: Exception) -> bool:
    if isinstance(error, (ConnectionError, TimeoutError)):
        return True
    requests = sys.modules.get("requests.exceptions")
    return requests is not None and isinstance(
        error, (requests.ConnectionError, requests.Timeout, requests.ChunkedEncodingError)
    )


def _of_database(error: Exception) -> Outcome:
    """Classify an error of a SQL catalog's database."""
    sqlalchemy = sys.modules.get("sqlalchemy.exc")
    if sqlalchemy is None or not isinstance(error, sqlalchemy.DBAPIError):
        return Outcome.UNEXPECTED
    if isinstance(error, (sqlalchemy.ProgrammingError, sqlalchemy.NotSupportedError)):
        return Outcome.REFUSED
    if isinstance(error.orig, sqlite3.Error):
        # SQLite runs in this process, so no answer can be lost.
        busy, forbidden = "locked" in str(error.orig), "readonly" in str(error.orig)
        return Outcome.CONFLICT if busy else Outcome.REFUSED if forbidden else Outcome.UNEXPECTED
    lost = isinstance(error, (sqlalchemy.OperationalError, sqlalchemy.InterfaceError))
    return Outcome.UNKNOWN if lost else Outcome.UNEXPECTED
