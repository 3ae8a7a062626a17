"""Write rows that arrive in parts as data files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyarrow as pa

from cascade.iceberg.data_file_writer import ROWS_PER_FILE, split_by_layout, write_files
from cascade.iceberg.files import remove_files
from cascade.iceberg.large.spool import Spool
from cascade.iceberg.storage_errors import write_error

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table
    from pyiceberg.typedef import Record

_BYTES_PER_FILE = 128 << 20


def write_parts(table: Table, parts: Iterable[pa.Table]) -> list[DataFile]:
    """Write rows as data files that no snapshot refers to yet.

    Args:
        table: the table, for its schema and layout.
        parts: the rows, in the order to write them, in the schema of `arrow_schema`.

    Raises:
        CascadeError: the storage is full, for example. No files are left behind.
    """
    written: list[DataFile] = []
    with removed_on_error(table, written):
        for rows in _files(parts) if table.spec().is_unpartitioned() else _files_by_layout(table, parts):
            written += write_files(table, rows)
    return written


@contextmanager
def removed_on_error(table: Table, written: list[DataFile]) -> Iterator[None]:
    """Remove the files that were written so far if the next one cannot be written.

    Args:
        table: the table.
        written: the files, which the block adds to.

    Raises:
        CascadeError: the storage is full, for example.
    """
    try:
        yield
    except BaseException as error:
        remove_files(table, written)
        if not isinstance(error, OSError):
            raise
        raise write_error(table.location(), error) from error


def _files(parts: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Yield the rows of one file after the other."""
    held: list[pa.Table] = []
    rows = size = 0
    for part in parts:
        start = 0
        while start < part.num_rows:
            taken = part.slice(start, ROWS_PER_FILE - rows)
            held.append(taken)
            start += taken.num_rows
            rows += taken.num_rows
            size += taken.nbytes
            if rows >= ROWS_PER_FILE or size >= _BYTES_PER_FILE:
                yield pa.concat_tables(held)
                held, rows, size = [], 0, 0
    if held:
        yield pa.concat_tables(held)


def _files_by_layout(table: Table, parts: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Yield the rows of one file after the other, each of one partition of the layout.

    Any part can have rows of every partition, so all parts are split, on disk, before the first file is written.
    """
    spool: Spool | None = None
    batches: dict[Record, list[int]] = defaultdict(list)
    for part in parts:
        spool = spool or Spool(part.schema)
        for partition, rows in split_by_layout(table, part):
            assert partition is not None
            first = len(spool.sizes)
            spool.write(rows)
            batches[partition.partition] += range(first, len(spool.sizes))
    for numbers in batches.values():
        assert spool is not None
        yield from _files(map(spool.batch, numbers))
    if spool is not None:
        spool.close()
