"""A connection to the PostgreSQL server of the settings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from cascade.config.secrets import mask_secrets
from cascade.exceptions import CascadeError, ConfigError, UsageError
from cascade.table_ref import MAIN_BRANCH
from cascade.terminal.words import first_line

if TYPE_CHECKING:
    from cascade.config import CascadeConfig

_CONNECT_SECONDS = 15


def check_settings(config: CascadeConfig) -> None:
    """Raise if no server can be reached with the settings as they are.

    Args:
        config: the settings.

    Raises:
        ConfigError: there is no `postgres_host`.
        UsageError: the driver is not installed, or the settings name a branch.
    """
    if config.branch != MAIN_BRANCH:
        raise UsageError(
            f'Marts are published from {MAIN_BRANCH} only, and the branch "{config.branch}" is set.',
            hint="Unset CASCADE_BRANCH.",
        )
    if not config.postgres_host:
        raise ConfigError(
            "Marts are published to PostgreSQL, but postgres_host is not set.",
            hint="Set CASCADE_POSTGRES_HOST, and with it CASCADE_POSTGRES_USER, CASCADE_POSTGRES_PASSWORD and "
            "CASCADE_POSTGRES_DB.",
        )
    if find_spec("psycopg2") is None:
        raise UsageError(
            "The driver of PostgreSQL is not installed.", hint="Type: pip install 'cascade-workflows[postgres]'"
        )


@contextmanager
def connected(config: CascadeConfig) -> Iterator[Any]:
    """Open a connection in which each statement is a transaction of its own, and close it afterwards.

    What the settings do not say, such as TLS, libpq reads from its own variables, such as `PGSSLMODE`.

    Args:
        config: the settings.

    Yields:
        The connection of psycopg2.

    Raises:
        CascadeError: the server cannot be reached, or refuses the user.
    """
    check_settings(config)
    import psycopg2

    password = config.postgres_password
    try:
        connection = psycopg2.connect(
            host=config.postgres_host,
            port=config.postgres_port,
            dbname=config.postgres_db,
            user=config.postgres_user,
            password=password.get_secret_value() if password else None,
            application_name="cascade",
            connect_timeout=_CONNECT_SECONDS,
            client_encoding="UTF8",
        )
    except psycopg2.Error as error:
        said = mask_secrets(first_line(error))
        raise CascadeError(
            f"Cannot connect to PostgreSQL at {config.postgres_host}:{config.postgres_port}: {said}",
            hint="Check the settings postgres_host, postgres_port, postgres_db, postgres_user and postgres_password.",
        ) from None
    with closing(connection):
        connection.autocommit = True
        yield connection


@contextmanager
def errors_named(mart: str) -> Iterator[None]:
    """Raise the errors of PostgreSQL as errors for the user.

    Args:
        mart: what the errors call the mart.

    Raises:
        CascadeError: PostgreSQL refused a statement. The transaction was rolled back.
    """
    import psycopg2
    from psycopg2 import errors

    try:
        yield
    except errors.LockNotAvailable:
        raise CascadeError(
            f"{mart} was not published: for a minute, others used the table in a way that keeps it from changing.",
            hint="The mart is as it was. End long queries on it, and publish it again.",
        ) from None
    except (errors.DependentObjectsStillExist, errors.FeatureNotSupported) as error:
        detail = f" {error.diag.message_detail}" if error.diag.message_detail else ""
        raise CascadeError(
            f"{mart} was not published: {error.diag.message_primary}.{detail}",
            hint="The mart is as it was. Drop what depends on the column, publish the mart, and create it again.",
        ) from None
    except psycopg2.Error as error:
        where = f" ({error.diag.context.splitlines()[0]})" if error.diag.context else ""
        raise CascadeError(
            f"{mart} was not published. PostgreSQL said: {mask_secrets(first_line(error))}{where}"
        ) from error
