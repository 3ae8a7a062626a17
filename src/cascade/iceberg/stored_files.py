"""The files that are stored under the location of a table, on a disk or in an object store."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem
    from pyiceberg.io import FileIO
    from pyiceberg.table import Table

# Iceberg writes no other kind, so anything else was put there by somebody for a reason.
_KINDS = (".parquet", ".orc", ".avro", ".puffin", ".metadata.json", ".metadata.json.gz", ".gz.metadata.json")
_OBJECT_STORES = {"s3a": "s3", "s3n": "s3", "gcs": "gs", "abfss": "abfs", "wasbs": "wasb"}


@dataclass(frozen=True)
class StoredFile:
    """A file that may belong to a table.

    Args:
        location: its location, as pyiceberg opens it.
        name: the last part of its path.
        size: its size in bytes.
        written: when it was written, in seconds since the epoch.
    """

    location: str
    name: str
    size: int
    written: float
    _path: str = field(repr=False)
    _filesystem: FileSystem = field(repr=False, compare=False)

    def remove(self) -> None:
        """Remove the file, unless somebody else has."""
        with suppress(FileNotFoundError):
            self._filesystem.delete_file(self._path)


def stored_files(table: Table) -> list[StoredFile]:
    """Return the data, delete and metadata files under the location of a table, referenced or not.

    Args:
        table: the table.

    Raises:
        OSError: the storage cannot be listed.
    """
    return files_under(table.io, table.location())


def files_under(store: FileIO, location: str) -> list[StoredFile]:
    """Return the data, delete and metadata files of tables under a location.

    Args:
        store: the storage, for its properties.
        location: a path, or a URI.

    Raises:
        OSError: the storage cannot be listed.
    """
    import pyarrow.fs as fs
    from pyiceberg.io.pyarrow import PyArrowFileIO

    location = location.rstrip("/")
    scheme, netloc, path = PyArrowFileIO.parse_location(location)
    if scheme == "file":
        prefix, path = "", canonical(location)
        filesystem: FileSystem = fs.LocalFileSystem()
    else:
        io: Any = store if isinstance(store, PyArrowFileIO) else PyArrowFileIO(store.properties)
        # `a?b` and `a#b` are names of an object store, and parts of a URI.
        rest = location.split("://", 1)[1]
        path = rest if path.startswith(netloc) and netloc else path
        prefix = location[: len(location) - len(path)]
        filesystem = io.fs_by_scheme(scheme, netloc)
    found = []
    for info in filesystem.get_file_info(fs.FileSelector(path, allow_not_found=True, recursive=True)):
        if info.type == fs.FileType.File and info.base_name.endswith(_KINDS) and info.mtime_ns is not None:
            written = info.mtime_ns / 1e9
            found.append(
                StoredFile(f"{prefix}{info.path}", info.base_name, info.size or 0, written, info.path, filesystem)
            )
    return found


def canonical(location: str) -> str:
    """Return a location in the one form in which two names of the same file are equal.

    pyiceberg decodes no location, so neither does this: `%20` is part of a name.

    Args:
        location: a path, or a URI.
    """
    if location.startswith("file:"):
        return os.path.normpath("/" + location.removeprefix("file:").removeprefix("//localhost").lstrip("/"))
    scheme, separator, rest = location.partition("://")
    if not separator:
        return os.path.normpath("/" + os.path.abspath(location).lstrip("/"))
    return f"{_OBJECT_STORES.get(scheme, scheme)}://{rest}"
