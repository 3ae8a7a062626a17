"""Rows on local disk, in a file without a name, which disappears with the process even if that is killed.

Arrow IPC keeps every value exactly: UUIDs, decimals, NaN, negative zero, and nulls in lists of structs.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

import pyarrow as pa

from cascade.exceptions import CascadeError
from cascade.temporary_directory import FULL_HINT, temporary_directory, temporary_directory_hint

ROWS_PER_BATCH = 65_536
_BYTES_PER_BATCH = 16 << 20


class Spool:
    """Rows of one schema in one file, which are read in the batches in which they were written.

    Args:
        schema: the columns.

    Attributes:
        schema: the columns.
        rows: number of rows so far.
        bytes: size of the rows so far.
        sizes: number of rows of each batch.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self.schema = schema
        self.rows = 0
        self.sizes: list[int] = []
        self._ends: list[int] = []
        head = schema.serialize()
        self._start = head.size
        with disk_errors_named():
            self._file: IO[bytes] = tempfile.TemporaryFile(prefix="cascade-")  # noqa: SIM115 (closed by `close`)
            try:
                self._file.write(head)
                self._file.flush()
            except OSError:
                self.close()
                raise

    @property
    def bytes(self) -> int:
        """Size of the rows so far."""
        return self._ends[-1] - self._start if self._ends else 0

    def write(self, table: pa.Table) -> None:
        """Add rows.

        Args:
            table: the rows, in the spool's schema.

        Raises:
            CascadeError: the disk is full.
        """
        most = _BYTES_PER_BATCH * table.num_rows // max(table.nbytes, 1)
        with disk_errors_named():
            for batch in table.to_batches(max_chunksize=max(1, min(most, ROWS_PER_BATCH))):
                message = batch.serialize()
                self._file.write(message)
                self._file.flush()
                self.sizes.append(batch.num_rows)
                self._ends.append((self._ends[-1] if self._ends else self._start) + message.size)
                self.rows += batch.num_rows

    def read(self) -> pa.Table:
        """Return all rows. They are mapped from disk, and read on use."""
        mapped = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        return pa.ipc.open_stream(pa.py_buffer(mapped)).read_all()

    def batch(self, number: int) -> pa.Table:
        """Return one batch. Unlike those of `read`, its rows occupy memory only until they are released.

        Args:
            number: its number, from 0.
        """
        start = self._ends[number - 1] if number else self._start
        found = os.pread(self._file.fileno(), self._ends[number] - start, start)
        return pa.Table.from_batches([pa.ipc.read_record_batch(pa.py_buffer(found), self.schema)])

    def batches(self) -> Iterator[pa.Table]:
        """Yield all rows, one batch at a time."""
        for number in range(len(self.sizes)):
            yield self.batch(number)

    def close(self) -> None:
        """Release the disk space."""
        # On a full disk, the file still has unwritten data, and closing it raises the error again.
        with suppress(OSError):
            self._file.close()

    def __del__(self) -> None:
        """Release the disk space of rows that nothing refers to any more."""
        if hasattr(self, "_file"):
            self.close()


@contextmanager
def disk_errors_named() -> Iterator[None]:
    """Raise the errors of the directory for temporary files as errors for the user.

    Raises:
        CascadeError: the disk is full, or the directory cannot be used.
    """
    try:
        yield
    except OSError as error:
        raise disk_error(error.strerror or str(error), temporary_directory_hint(error)) from error


def disk_error(problem: str, hint: str = FULL_HINT) -> CascadeError:
    """Return the error of a run that cannot write temporary files.

    Args:
        problem: what the system said.
        hint: what to do; the default is for a full disk.
    """
    return CascadeError(f"Could not stage rows in {temporary_directory()}: {problem.rstrip('.')}.", hint=hint)
