"""Open a file as bytes, decompressed, whatever its name ends in."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from cascade.exceptions import SourceError


def _open_zstd(path: Path, mode: str) -> IO[bytes]:
    return _opened_by_arrow(path, "zstd")


def _open_lz4(path: Path, mode: str) -> IO[bytes]:
    return _opened_by_arrow(path, "lz4")


def _opened_by_arrow(path: Path, compression: str) -> IO[bytes]:
    import pyarrow as pa

    return io.BufferedReader(pa.input_stream(path, compression=compression))


_COMPRESSED: dict[bytes, Callable[..., Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
    b"\x28\xb5\x2f\xfd": _open_zstd,
    b"\x04\x22\x4d\x18": _open_lz4,
}
_FOREIGN = {
    b"PK\x03\x04": ("a zip archive or an Excel workbook", "Unpack it, or save the sheet as CSV."),
    b"\xff\x06\x00\x00sNaPpY": ("compressed with Snappy", "Decompress it, or compress it with gzip or zstd."),
    b"ORC": ("an ORC file", "Read it with pyarrow.orc.read_table, and return the table."),
    b"Obj\x01": ("an Avro file", "Return its rows as dicts, or an Arrow table of them."),
    b"ARROW1": ("an Arrow file", "Read it with pyarrow.ipc.open_file, and return its table."),
    b"PAR1": ("a Parquet file", "Read it with read_parquet."),
    b"\xd0\xcf\x11\xe0": ("an Excel workbook", "Save the sheet as CSV."),
    b"SQLite format 3": ("an SQLite database", "Read it with a database source."),
}
_HEAD = 64
# Some of these names are letters only, which the name of a column can begin with.
_BINARY = frozenset(range(9))


def is_compressed(path: Path) -> bool:
    """Return whether a file is compressed in a way that `open_bytes` can undo."""
    return _opener(_head(path)) is not None


@contextmanager
def open_bytes(path: Path, shown: str) -> Iterator[IO[bytes]]:
    """Open a file of text for reading, decompressed.

    Args:
        path: the file.
        shown: its path as the user knows it.

    Yields:
        The bytes of the file.

    Raises:
        SourceError: the file cannot be read, or does not hold text.
    """
    try:
        head = _head(path)
        for magic, (kind, advice) in _FOREIGN.items():
            if head.startswith(magic) and _BINARY.intersection(head):
                raise SourceError(f"{shown} is {kind}, not text.", hint=advice)
        opener = _opener(head)
        with path.open("rb") if opener is None else opener(path, "rb") as stream:
            yield stream
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise SourceError(f"{shown} cannot be read: {getattr(error, 'strerror', None) or error}.") from error


def _head(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(_HEAD)


def _opener(head: bytes) -> Callable[..., Any] | None:
    return next((opener for magic, opener in _COMPRESSED.items() if head.startswith(magic)), None)
