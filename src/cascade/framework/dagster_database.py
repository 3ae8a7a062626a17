"""The PostgreSQL database of Dagster's runs, events and schedules, if the settings name one."""

from __future__ import annotations

import os
from importlib.util import find_spec

from cascade.config.postgres_urls import DRIVER, with_driver
from cascade.config.secrets import mask_secrets
from cascade.exceptions import ConfigError

_VARIABLE = "CASCADE_DAGSTER_DATABASE"
_CONNECT_SECONDS = 15

# The file names the variable and not its value, which has a password.
DAGSTER_YAML = f"""
storage:
  postgres:
    postgres_url:
      env: {_VARIABLE}
"""
"""The part of `dagster.yaml` that says where the database is."""


def provide_database(url: str, origin: str | None = None) -> None:
    """Let this process and its children find the database by the variable that `dagster.yaml` names.

    Args:
        url: the URL of the database.
        origin: where the setting comes from, as `CascadeConfig.origin_of` says it.

    Raises:
        ConfigError: it cannot be reached, Dagster would read another URL, or the packages for it are not installed.
    """
    require_database(url, origin)
    name_driver(url)


def name_driver(url: str) -> None:
    """Set the variable that `dagster.yaml` names, with the driver that is installed. Connect to nothing.

    Args:
        url: the URL of the database.
    """
    os.environ[_VARIABLE] = with_driver(url)


def require_database(url: str, origin: str | None = None) -> None:
    """Raise if the database cannot be reached. Dagster would try for long, and log each attempt.

    Args:
        url: the URL of the database.
        origin: where the setting comes from, as `CascadeConfig.origin_of` says it.

    Raises:
        ConfigError: it cannot be reached, Dagster would read another URL, or the packages for it are not installed.
    """
    # Dagster's own programs read `.env` too, and put what it says over the environment that Cascade gives them.
    if origin is not None and origin.endswith("/.env") and with_driver(url) != url:
        raise ConfigError(
            f"{origin} does not name its driver. Dagster reads this file itself, and would look for psycopg 3.",
            hint=f"Begin the URL with {DRIVER} in place of {url.partition('://')[0]}://.",
        )
    if find_spec("dagster_postgres") is None or find_spec("psycopg2") is None:
        raise ConfigError(
            "Dagster's database is in PostgreSQL, but the packages for it are not installed.",
            hint="Type: pip install 'cascade-workflows[postgres]'",
        )
    from sqlalchemy import create_engine
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.pool import NullPool

    try:
        options = {"connect_timeout": _CONNECT_SECONDS}
        create_engine(with_driver(url), connect_args=options, poolclass=NullPool).connect().close()
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise ConfigError(
            f"Dagster's database at {mask_secrets(url)} cannot be used: {mask_secrets(reason).rstrip('.')}.",
            hint=f"Check {_VARIABLE}: the user, the password, the host and the database, which must exist.",
        ) from error
