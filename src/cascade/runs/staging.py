"""The third stage: keep the validated rows of a run on local disk until they are published.

Arrow IPC keeps every value exactly: UUIDs, decimals, NaN, negative zero, and nulls in lists of structs. The files
have no name, so they disappear with the process, even if it is killed.
"""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import IO

import pyarrow as pa

from cascade.clock import Clock
from cascade.exceptions import CascadeError
from cascade.runs.report import SHOWN_REFUSED, Refusal
from cascade.schemas import ValidationResult

_REFUSED = pa.schema([(name, pa.large_string()) for name in ("rule", "field", "message", "row")])


@dataclass(frozen=True)
class Staged:
    """The rows of a run that are on disk and not in the table yet.

    Args:
        rows_good: number of rows that passed validation.
        rows_refused: number of rows that failed validation.
        first_refused: the first refused rows.
    """

    rows_good: int
    rows_refused: int
    first_refused: tuple[Refusal, ...]
    _good: _Spool
    _refused: _Spool

    def good(self) -> pa.Table:
        """Return the good rows in the source's order. They are mapped from disk, and read on use."""
        return self._good.read()

    def refused(self) -> Iterator[Refusal]:
        """Yield the refused rows in the source's order."""
        for batch in self._refused.read().to_batches():
            for row in batch.to_pylist():
                yield Refusal(row["rule"], row["field"], row["message"], row["row"])


class Staging:
    """Writes the rows of one run to local disk.

    Args:
        schema: the schema of good rows.
        clock: measures the stage as `stage`.
    """

    def __init__(self, schema: pa.Schema, clock: Clock) -> None:
        self._clock = clock
        self._good = _Spool(schema)
        self._refused = _Spool(_REFUSED)
        self._first_refused: list[Refusal] = []

    def add(self, result: ValidationResult) -> None:
        """Stage the rows of one batch.

        Args:
            result: the good and the refused rows.

        Raises:
            CascadeError: the disk is full.
        """
        with self._clock.timed("stage"):
            self._good.write(result.good)
            if result.refused:
                rows = [(row.rule, row.field, row.message, row.row_json) for row in result.refused]
                self._first_refused += [Refusal(*row) for row in rows[: SHOWN_REFUSED - len(self._first_refused)]]
                columns = [pa.array(column, pa.large_string()) for column in zip(*rows, strict=True)]
                self._refused.write(pa.table(columns, schema=_REFUSED))

    def finish(self) -> Staged:
        """Return the staged rows. Call it after the last batch."""
        return Staged(self._good.rows, self._refused.rows, tuple(self._first_refused), self._good, self._refused)

    def close(self) -> None:
        """Release the disk space."""
        self._good.close()
        self._refused.close()


@contextmanager
def staging(schema: pa.Schema, clock: Clock) -> Iterator[Staging]:
    """Open a `Staging` for the rows of one run, and delete it afterwards.

    Args:
        schema: the schema of good rows.
        clock: measures the stage as `stage`.

    Yields:
        The opened `Staging`.
    """
    with closing(Staging(schema, clock)) as opened:
        yield opened


class _Spool:
    """Rows of one schema in one nameless file."""

    def __init__(self, schema: pa.Schema) -> None:
        self.rows = 0
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="cascade-")  # noqa: SIM115 (closed by `close`)
        self._writer: pa.ipc.RecordBatchStreamWriter | None = pa.ipc.new_stream(self._file, schema)

    def write(self, table: pa.Table) -> None:
        assert self._writer is not None, "rows were added after the first read"
        with _disk_errors_named():
            self._writer.write_table(table)
            self._file.flush()
        self.rows += table.num_rows

    def read(self) -> pa.Table:
        if self._writer is not None:
            with _disk_errors_named():
                self._writer.close()
                self._file.flush()
            self._writer = None
        mapped = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        return pa.ipc.open_stream(pa.py_buffer(mapped)).read_all()

    def close(self) -> None:
        self._writer = None
        # On a full disk, the file still has unwritten data, and closing it raises the error again.
        with suppress(OSError):
            self._file.close()


@contextmanager
def _disk_errors_named() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CascadeError(
            f"Could not stage rows in {tempfile.gettempdir()}: {error.strerror or error}.",
            hint="Free some space there, or set TMPDIR to a directory on a larger disk.",
        ) from error
