"""URLs of PostgreSQL databases, by the driver that the extra `postgres` installs."""

from __future__ import annotations

DRIVER = "postgresql+psycopg2://"
"""The beginning of a URL that names psycopg2."""

_SCHEMES = ("postgresql://", "postgres://")


def is_postgres(url: str) -> bool:
    """Return whether a URL names a PostgreSQL database, and no other driver than psycopg2."""
    return url.startswith((*_SCHEMES, DRIVER))


def with_driver(url: str) -> str:
    """Return a URL that names psycopg2. Any other URL stays as it is.

    SQLAlchemy 2.1 takes psycopg 3 for `postgresql://`, and the extra `postgres` installs psycopg2.

    Args:
        url: a URL as SQLAlchemy takes it.
    """
    return f"{DRIVER}{url.partition('://')[2]}" if url.startswith(_SCHEMES) else url
