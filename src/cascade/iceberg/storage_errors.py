"""Errors of the disk or the store that holds the catalog or the warehouse, in words that tell the user what to do.

A disk can be full or read-only, a store may not answer or refuse the login, and files that a table needs can be missing
or damaged: somebody deleted them, moved the project, or restored only a part of it.
"""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from cascade.config.secrets import mask_secrets
from cascade.exceptions import CascadeError
from cascade.iceberg.store_errors import store_hint

if TYPE_CHECKING:
    from cascade.table_ref import TableRef

_UNCHANGED = "The table is as it was before. Run it again once its storage can be written."
_FULL = "Free some space there, then run it again. The table is as it was before the run."
_FORBIDDEN = "Make it writable for the user who runs the workflow, then run it again."
_HINTS = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: _FULL,
    errno.EROFS: _FORBIDDEN,
    errno.EACCES: _FORBIDDEN,
    errno.EPERM: _FORBIDDEN,
}
_MISSING = (errno.ENOENT, errno.ENOTDIR)
_MISSING_HINT = (
    "Restore the file. If you moved the project or its lakehouse, move it back: Iceberg stores absolute paths. If the "
    "rows can be fetched again, you can also remove the catalog with the warehouse, and run the partitions again."
)
_DAMAGED_HINT = (
    "Restore it from a copy. If the rows can be fetched again, you can also remove the catalog with the warehouse, and "
    "run the partitions again."
)
_QUOTED_PATH = re.compile("'(.+)'")
_OF_SQLITE = {"disk is full": errno.ENOSPC, "readonly database": errno.EROFS}


class Place(Protocol):
    """Where tables are; a `Lakehouse` is one."""

    @property
    def uri(self) -> str:
        """The catalog's address, for messages."""
        ...

    @property
    def warehouse(self) -> str:
        """Directory or URI that holds the tables' files."""
        ...


@contextmanager
def storage_errors_named(lakehouse: Place | str, ref: TableRef | str, doing: str = "write") -> Iterator[None]:
    """Explain the errors of a disk or a store that is full or cannot be used, or that lacks files of the table.

    Args:
        lakehouse: the lakehouse, or where the table is in it.
        ref: the table, or its full name.
        doing: what is done with it, for the message: `write` or `read`.

    Yields:
        Nothing. Inside the block, such an error becomes a `CascadeError`.
    """
    try:
        yield
    except CascadeError:
        raise
    except Exception as error:
        if (damage := _damage(error, _number_of(error), ref)) is not None:
            raise damage from error
        reason, hint = _explained(error)
        if hint is None:
            raise
        place = lakehouse if isinstance(lakehouse, str) else lakehouse.warehouse or lakehouse.uri
        raise CascadeError(
            f"Could not {doing} {ref} {'from' if doing == 'read' else 'to'} the lakehouse at {place}: {reason}.",
            hint=hint.replace("writable", "readable") if doing == "read" else hint,
        ) from error


def write_error(place: str, error: OSError) -> CascadeError:
    """Return the error for files that cannot be written before a snapshot refers to them.

    Args:
        place: where the files were to be.
        error: what writing them raised.
    """
    reason, hint = _explained(error)
    return CascadeError(f"Could not write to {place}: {reason}.", hint=hint or _UNCHANGED)


def _explained(error: Exception) -> tuple[str, str | None]:
    """Return what an error says, and what to do about it if it is one of a disk or a store."""
    number = _number_of(error)
    if number in _HINTS:
        return os.strerror(number), _HINTS[number]
    said = str(getattr(error, "strerror", None) or error)
    reason = mask_secrets(said.partition("\n")[0].rstrip("."))
    return reason, store_hint(reason) if isinstance(error, OSError) else None


def damaged_file(path: str, ref: str, error: Exception) -> CascadeError:
    """Return the error for a file of a table that cannot be what was written there.

    Args:
        path: the file.
        ref: full name of the table.
        error: what reading it raised.
    """
    reason = str(error).partition("\n")[0].rstrip(".")
    return CascadeError(f"A file of {ref} is damaged: {path} ({reason}).", hint=_DAMAGED_HINT)


def _damage(error: Exception, number: int, ref: TableRef | str) -> CascadeError | None:
    """Return the error for a file of a table that is missing or damaged; None for any other error."""
    if number in _MISSING:
        quoted = _QUOTED_PATH.search(str(error))
        path = getattr(error, "filename", None) or (quoted[1] if quoted else error)
        return CascadeError(f"A file of {ref} is missing: {path}.", hint=_MISSING_HINT)
    iceberg = sys.modules.get("pyiceberg.exceptions")
    if iceberg is not None and isinstance(error, iceberg.ValidationError) and "TableMetadata" in str(error):
        return CascadeError(
            f"The metadata of {ref} is damaged: {' '.join(str(error).split())[:200]}", hint=_DAMAGED_HINT
        )
    return None


def _number_of(error: Exception) -> int:
    if isinstance(error, OSError):
        return error.errno or 0
    sqlalchemy = sys.modules.get("sqlalchemy.exc")
    if sqlalchemy is not None and isinstance(error, sqlalchemy.DBAPIError):
        return next((number for text, number in _OF_SQLITE.items() if text in str(error.orig)), 0)
    return 0
