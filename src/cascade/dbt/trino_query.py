"""Ask the Trino server of the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cascade.exceptions import CascadeError

if TYPE_CHECKING:
    from cascade.config import CascadeConfig

REQUEST_SECONDS = 10.0
"""How long one request may take. A query has many."""


def trino_rows(config: CascadeConfig, query: str, *, source: str, attempts: int = 3) -> list[Any]:
    """Run a query, and return its rows.

    Args:
        config: the settings, which name the server.
        query: the query.
        source: what Trino shows as the program that asks.
        attempts: how often a request is sent.

    Raises:
        CascadeError: Trino does not answer, refuses the user, or answers with an error.
    """
    from trino import dbapi, exceptions  # pants: no-infer-dep
    from trino.auth import BasicAuthentication  # pants: no-infer-dep

    password = config.trino_password and config.trino_password.get_secret_value()
    try:
        with dbapi.connect(  # type: ignore[no-untyped-call]
            host=config.trino_host,
            port=config.trino_port,
            user=config.trino_user,
            http_scheme="https" if password else "http",
            auth=BasicAuthentication(config.trino_user, password) if password else None,
            source=source,
            max_attempts=attempts,
            request_timeout=REQUEST_SECONDS,
        ) as connection:
            found: list[Any] = connection.cursor().execute(query).fetchall()
            return found
    except exceptions.TrinoQueryError as error:
        hint = "Ask who runs the Trino server, or correct CASCADE_TRINO_CATALOG."
        said = error.message.partition("\n")[0]
        raise CascadeError(f"Trino answers with an error: {said}", hint=hint) from error
    except exceptions.HttpError as error:
        hint = f"Correct CASCADE_TRINO_USER or {'' if password else 'set '}CASCADE_TRINO_PASSWORD."
        said = str(error).partition("\n")[0]
        raise CascadeError(f"Trino refuses the user {config.trino_user}: {said}", hint=hint) from error
    except (exceptions.TrinoConnectionError, OSError) as error:
        hint = "Start the Trino server, or correct CASCADE_TRINO_HOST or CASCADE_TRINO_PORT."
        address = f"{config.trino_host}:{config.trino_port}"
        raise CascadeError(f"Trino does not answer at {address}: {error}", hint=hint) from error
