"""Where an embedded lakehouse is, in the forms in which SQLAlchemy and pyiceberg read a path back unchanged.

A URI of SQLAlchemy is decoded once, so a path in it is encoded. A location of pyiceberg is never decoded, so a path in
it stays as it is: `file:///my%20lake` would be a directory named `my%20lake`.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote

from cascade.exceptions import ConfigError


def sqlite_uri(file: Path) -> str:
    """Return the URI of a SQLite file, such as `sqlite:////home/me/catalog.db`.

    Args:
        file: an absolute path, which may contain any character.
    """
    from sqlalchemy.engine import URL

    return URL.create("sqlite", database=str(file)).render_as_string(hide_password=False)


def sqlite_file(uri: str) -> Path | None:
    """Return the file of a SQLite URI, or None for a database in memory, or a URI that SQLite itself reads.

    Args:
        uri: a URI that begins with `sqlite`.

    Raises:
        sqlalchemy.exc.ArgumentError: the URI is malformed.
    """
    from sqlalchemy.engine import make_url

    database = make_url(uri).database
    return None if not database or database == ":memory:" or database.startswith("file:") else Path(database)


def with_timeout(uri: str, seconds: int) -> str:
    """Return a SQLite URI that waits for a locked file, unless it says already for how long.

    Args:
        uri: a URI that begins with `sqlite`.
        seconds: how long to wait.

    Raises:
        sqlalchemy.exc.ArgumentError: the URI is malformed.
    """
    from sqlalchemy.engine import make_url

    url = make_url(uri)
    if "timeout" in url.query:
        return uri
    return url.update_query_dict({"timeout": str(seconds)}).render_as_string(hide_password=False)


def local_directory(warehouse: str) -> Path | None:
    """Return the directory of a warehouse, or None for one in an object store.

    Args:
        warehouse: a path as it is, or a `file:` URI, whose `%20` is a space.
    """
    if warehouse.startswith("file:"):
        rest = warehouse.removeprefix("file:")
        path = rest.removeprefix("//localhost") if rest.startswith("//localhost/") else rest
        return _absolute(unquote(path))
    return None if "://" in warehouse else _absolute(warehouse)


def _absolute(path: str) -> Path:
    # Two slashes at the beginning would be read as the host of a URI.
    absolute = os.path.abspath(path)
    return Path("/" + absolute.lstrip("/")) if absolute.startswith("//") else Path(absolute)


def make_directory(directory: Path, setting: str) -> None:
    """Create a directory, with its parents, unless it exists.

    Args:
        directory: the directory.
        setting: the setting that names it, for the error.

    Raises:
        ConfigError: it cannot be created.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"Cannot create the directory {directory}: {error.strerror or error}.",
            hint=f"Make its parent writable, or set {setting} to another directory.",
        ) from error
