"""The Trino server that runs dbt in production, or large merges: whether each of its settings is right."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from cascade.dbt.parse import how_to_install_dbt, trino_is_installed
from cascade.dbt.profile import runs_on_trino
from cascade.doctor.finding import Finding
from cascade.exceptions import CascadeError
from cascade.iceberg.sql_text import sql_name
from cascade.iceberg.trino_server import Rows, TrinoServer
from cascade.spelling import did_you_mean
from cascade.terminal.words import counted
from cascade.time_limit import within

if TYPE_CHECKING:
    from cascade.config import CascadeConfig
    from cascade.iceberg import Lakehouse

SECONDS = 20.0
"""How many seconds the server may take to answer."""

_REQUEST_SECONDS = 10.0
_ICEBERG = "iceberg"


def check_trino(config: CascadeConfig, lakehouse: Lakehouse | None, seconds: float = SECONDS) -> Iterator[Finding]:
    """Ask the Trino server about each setting in turn, up to the first that is wrong. Change nothing.

    Args:
        config: the settings.
        lakehouse: the open lakehouse; None if its catalog was not opened.
        seconds: how long each check may take.

    Yields:
        The findings; none if neither dbt nor merges run on Trino.
    """
    dbt = runs_on_trino(config)
    if not dbt and config.merge_engine != "trino":
        return
    checks: dict[str, Callable[[], str]] = {
        "Trino": lambda: _server(config),
        "Trino catalog": lambda: _catalog(config, lakehouse),
        **({"Trino schema": lambda: _schema(config)} if dbt else {}),
    }
    for name, check in checks.items():
        try:
            detail = within(seconds, check)
        except TimeoutError as error:
            hint = "Check that the Trino server is not overloaded, and CASCADE_TRINO_HOST."
            yield Finding(name, "problem", f"Trino does not answer: {error}", hint)
            return
        except CascadeError as error:
            yield Finding(name, "problem", error.message, error.hint)
            return
        yield Finding(name, "ok", detail)


def _server(config: CascadeConfig) -> str:
    if not config.trino_host:
        setting = "merge_engine" if config.merge_engine == "trino" else "dbt_target"
        message = f'{setting} is "{getattr(config, setting)}", but trino_host is not set'
        raise CascadeError(message, hint="Set CASCADE_TRINO_HOST.")
    if not trino_is_installed():
        raise CascadeError("dbt-trino is not installed", hint=how_to_install_dbt(extra="trino"))
    address = f"{config.trino_host}:{config.trino_port}"
    _connect(config.trino_host, config.trino_port)
    version = _version(address, secure=config.trino_password is not None)
    _rows(config, "SELECT 1")
    return f"{address} runs Trino {version}, and {config.trino_user} may use it"


def _connect(host: str, port: int) -> None:
    try:
        socket.create_connection((host, port), _REQUEST_SECONDS).close()
    except socket.gaierror as error:
        raise CascadeError(
            f"no machine is called {host}: {error.strerror}", hint="Correct CASCADE_TRINO_HOST."
        ) from error
    except OSError as error:
        hint = "Start the Trino server, or correct CASCADE_TRINO_HOST or CASCADE_TRINO_PORT."
        raise CascadeError(f"nothing answers at {host}:{port}: {error.strerror or error}", hint=hint) from error


def _version(address: str, *, secure: bool) -> str:
    """Return the version of the server, which it tells everyone."""
    import requests

    try:
        info = requests.get(f"http{'s' if secure else ''}://{address}/v1/info", timeout=_REQUEST_SECONDS).json()
        version, starting = str(info["nodeVersion"]["version"]), bool(info["starting"])
    except requests.exceptions.SSLError as error:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            hint = "If an authority of your own signed it, set REQUESTS_CA_BUNDLE to the file of its certificate."
            raise CascadeError(f"the certificate of {address} is not trusted", hint=hint) from error
        hint = "With a password, Trino is asked over HTTPS. Correct CASCADE_TRINO_PORT."
        raise CascadeError(f"{address} does not answer over HTTPS", hint=hint) from error
    except (requests.RequestException, ValueError, KeyError, TypeError) as error:
        other = "" if secure else " The port for HTTPS needs CASCADE_TRINO_PASSWORD."
        message = f"{address} answers, but not as Trino does over HTTP{'S' if secure else ''}"
        raise CascadeError(message, hint=f"Correct CASCADE_TRINO_HOST or CASCADE_TRINO_PORT.{other}") from error
    if starting:
        raise CascadeError(f"Trino {version} at {address} is still starting", hint="Try again in a minute.")
    return version


def _catalog(config: CascadeConfig, lakehouse: Lakehouse | None) -> str:
    name = config.trino_catalog
    if not config.nessie_uri and (config.iceberg_catalog or "sqlite:").startswith("sqlite"):
        raise CascadeError(
            "the tables are in a SQLite catalog, which Trino cannot read",
            hint="Set CASCADE_ICEBERG_CATALOG to a REST catalog or a database that Trino reads too.",
        )
    found = _rows(config, "SELECT catalog_name, connector_name FROM system.metadata.catalogs")
    connectors = {str(name): str(connector) for name, connector in found}
    hint = "Correct CASCADE_TRINO_CATALOG."
    if name not in connectors:
        suggested = did_you_mean(name, connectors) or f" It has {', '.join(sorted(connectors))}."
        raise CascadeError(f'Trino has no catalog "{name}".{suggested}', hint=hint)
    if connectors[name] != _ICEBERG:
        raise CascadeError(f'the catalog "{name}" of Trino is one of {connectors[name]}, not of Iceberg', hint=hint)
    schemas = _schemas(config)
    # Trino shows all names in lower case.
    namespaces = {space[0].lower() for space in (lakehouse.catalog.list_namespaces() if lakehouse else ())}
    missing = sorted(namespaces - schemas)
    if missing:
        raise CascadeError(
            f'the catalog "{name}" of Trino is not the one of the other settings: it lacks {", ".join(missing)}',
            hint="Correct CASCADE_TRINO_CATALOG, or let both name the same Iceberg catalog: CASCADE_ICEBERG_CATALOG.",
        )
    return f"{name}, with {counted(len(schemas), 'schema')}"


def _schema(config: CascadeConfig) -> str:
    exists = config.trino_schema.lower() in _schemas(config)
    return f"{config.trino_schema} {'exists' if exists else 'does not exist yet; dbt creates it'}"


def _schemas(config: CascadeConfig) -> set[str]:
    return {str(name) for (name,) in _rows(config, f"SHOW SCHEMAS FROM {sql_name(config.trino_catalog)}")}


def _rows(config: CascadeConfig, query: str) -> Rows:
    return TrinoServer.of(config).rows(query, source="cascade doctor", attempts=1, seconds=_REQUEST_SECONDS)
