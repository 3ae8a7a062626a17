"""A Trino server, and statements that run on it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from cascade.exceptions import CascadeError
from cascade.terminal.words import first_line

if TYPE_CHECKING:
    from pydantic import SecretStr

Rows = list[tuple[Any, ...]]


class TrinoSettings(Protocol):
    """The settings of a Trino server. `CascadeConfig` has them."""

    @property
    def trino_host(self) -> str | None:
        """The host."""
        ...

    @property
    def trino_port(self) -> int:
        """The port."""
        ...

    @property
    def trino_user(self) -> str:
        """The user."""
        ...

    @property
    def trino_password(self) -> SecretStr | None:
        """The user's password, with which the server is asked over HTTPS."""
        ...

    @property
    def trino_catalog(self) -> str:
        """The catalog that has the tables."""
        ...


@dataclass(frozen=True)
class TrinoServer:
    """Where a Trino server is, and who asks it.

    Args:
        host: its host.
        port: its port.
        user: the user.
        password: the user's password; None to ask over HTTP.
        catalog: its catalog that has the tables of the lakehouse.
    """

    host: str
    port: int
    user: str
    password: SecretStr | None
    catalog: str

    @classmethod
    def of(cls, config: TrinoSettings) -> TrinoServer:
        """Return the server of the settings, whose `trino_host` must be set."""
        return cls(
            config.trino_host or "", config.trino_port, config.trino_user, config.trino_password, config.trino_catalog
        )

    def rows(
        self,
        statement: str,
        *,
        source: str = "cascade",
        session: Mapping[str, str] | None = None,
        attempts: int = 3,
        seconds: float = 30.0,
    ) -> Rows:
        """Run a statement, and wait until it has ended. If the wait is interrupted, the server stops it.

        Args:
            statement: the statement.
            source: what asks, which Trino shows beside the query.
            session: properties of the session, such as `iceberg.target_max_file_size`.
            attempts: how often a request is tried.
            seconds: how long the server may take to answer a request. The statement may take longer.

        Returns:
            Its rows.

        Raises:
            CascadeError: the server cannot be reached, refuses the user, or cannot carry out the statement.
        """
        try:
            from trino import dbapi, exceptions  # pants: no-infer-dep
            from trino.auth import BasicAuthentication  # pants: no-infer-dep
        except ImportError as error:
            hint = "Type: pip install 'cascade-workflows[trino]'"
            raise CascadeError("The client of Trino is not installed", hint=hint) from error
        import requests

        password = self.password and self.password.get_secret_value()
        try:
            with dbapi.connect(  # type: ignore[no-untyped-call]
                host=self.host,
                port=self.port,
                user=self.user,
                http_scheme="https" if password else "http",
                auth=BasicAuthentication(self.user, password) if password else None,
                source=source,
                session_properties=dict(session or {}),
                max_attempts=attempts,
                request_timeout=seconds,
            ) as connection:
                cursor = connection.cursor()
                try:
                    return [tuple(row) for row in cursor.execute(statement).fetchall()]
                except BaseException:
                    with suppress(Exception):
                        cursor.cancel()
                    raise
        except exceptions.TrinoQueryError as error:
            hint = "Ask who runs the Trino server, or correct CASCADE_TRINO_CATALOG."
            raise CascadeError(f"Trino answers with an error: {first_line(error.message)}", hint=hint) from error
        except exceptions.HttpError as error:
            hint = f"Correct CASCADE_TRINO_USER or {'' if password else 'set '}CASCADE_TRINO_PASSWORD."
            raise CascadeError(f"Trino refuses the user {self.user}: {first_line(error)}", hint=hint) from error
        except (exceptions.TrinoConnectionError, requests.RequestException) as error:
            hint = "Start the Trino server, or correct CASCADE_TRINO_HOST or CASCADE_TRINO_PORT."
            raise CascadeError(
                f"Trino does not answer at {self.host}:{self.port}: {first_line(error)}", hint=hint
            ) from error
