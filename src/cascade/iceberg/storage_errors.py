"""Errors of the disk that holds the catalog or the warehouse, in words that tell the user what to do."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cascade.exceptions import CascadeError

if TYPE_CHECKING:
    from cascade.iceberg.catalog import Lakehouse
    from cascade.table_ref import TableRef

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
_OF_SQLITE = {"disk is full": errno.ENOSPC, "readonly database": errno.EROFS}


@contextmanager
def storage_errors_named(lakehouse: Lakehouse, ref: TableRef) -> Iterator[None]:
    """Explain the errors of a disk that is full or cannot be written.

    Args:
        lakehouse: the lakehouse.
        ref: the table that is written.

    Yields:
        Nothing. Inside the block, such an error becomes a `CascadeError`.
    """
    try:
        yield
    except CascadeError:
        raise
    except Exception as error:
        number = _number_of(error)
        if number not in _HINTS:
            raise
        raise CascadeError(
            f"Could not write {ref} to the lakehouse at {lakehouse.warehouse or lakehouse.uri}: {os.strerror(number)}.",
            hint=_HINTS[number],
        ) from error


def _number_of(error: Exception) -> int:
    if isinstance(error, OSError):
        return error.errno or 0
    sqlalchemy = sys.modules.get("sqlalchemy.exc")
    if sqlalchemy is not None and isinstance(error, sqlalchemy.DBAPIError):
        return next((number for text, number in _OF_SQLITE.items() if text in str(error.orig)), 0)
    return 0
