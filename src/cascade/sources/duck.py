"""The connection to DuckDB that the readers use."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    # A reader of text needs no extension, and must neither download one nor write outside of temporary directories.
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "allow_persistent_secrets": False,
    "temp_directory": "",
    # Reading is faster than validation on one thread already, and more threads hold more of the file in memory.
    "threads": 1,
    "memory_limit": "512MB",
}


def duck() -> DuckDBPyConnection:
    """Open a database in memory, with bounded memory."""
    import duckdb

    return duckdb.connect(":memory:", config=_SETTINGS)
