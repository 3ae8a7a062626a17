"""The environment variables of old projects, which had no prefix."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

SETTINGS: Mapping[str, str] = {
    "POSTGRES_HOST": "postgres_host",
    "POSTGRES_PORT": "postgres_port",
    "POSTGRES_DB": "postgres_db",
    "POSTGRES_USER": "postgres_user",
    "POSTGRES_PASSWORD": "postgres_password",
    "TRINO_HOST": "trino_host",
    "TRINO_PORT": "trino_port",
    "TRINO_USER": "trino_user",
    "TRINO_CATALOG": "trino_catalog",
    "ICEBERG_WAREHOUSE_PATH": "iceberg_warehouse",
    "ICEBERG_NESSIE_REF": "nessie_ref",
    "NESSIE_URI": "nessie_uri",
    "NESSIE_REF": "nessie_ref",
    "MINIO_ROOT_USER": "s3_access_key_id",
    "MINIO_ROOT_PASSWORD": "s3_secret_access_key",
    "WORKFLOWS_PATH": "workflows_path",
    "DBT_PROJECT_DIR_OVERRIDE": "dbt_project_dir",
    "DBT_PROJECT_DIR": "dbt_project_dir",
}
"""The setting that an old variable becomes, with the same value."""


@dataclass(frozen=True)
class _Address:
    """A server whose host and port were two variables, and whose URL is one setting now.

    Args:
        setting: the setting.
        host: the default of the variable of the host, which was the name of a container.
        port: the default of the variable of the port.
        path: what the URL ends with.
    """

    setting: str
    host: str
    port: str
    path: str = ""


_ADDRESSES: Mapping[tuple[str, str], _Address] = {
    ("NESSIE_HOST", "NESSIE_PORT"): _Address("nessie_uri", "nessie", "10003", "/iceberg"),
    ("MINIO_HOST", "MINIO_API_PORT"): _Address("s3_endpoint", "minio", "10001"),
}

BECOME_SETTINGS = frozenset({*SETTINGS, *(name for names in _ADDRESSES for name in names)})
"""All old variables that settings come from."""

UNUSED = frozenset(
    {
        "APP_PORT",
        "AUTO_PROMOTE_ENABLED",
        "BRANCH_RETENTION_DAYS",
        "BRANCH_RETENTION_DAYS_FAILED",
        "DAGSTER_PORT",
        "FLASK_DEBUG",
        "FRESHNESS_BLOCKS_PROMOTION",
        "ICEBERG_DEFAULT_NAMESPACE",
        "ICEBERG_STAGING_PATH",
        "MINIO_CONSOLE_PORT",
        "NESSIE_VERSION",
        "PANDERA_CRITICAL_LEVEL",
        "POSTGRES_MART_SCHEMA",
        "TRINO_VERSION",
        "VALIDATION_RETRY_DELAY_SECONDS",
        "VALIDATION_RETRY_ENABLED",
        "VALIDATION_RETRY_MAX_ATTEMPTS",
    }
)
"""The old variables of the framework that have no counterpart."""


@dataclass(frozen=True)
class OldVariable:
    """What an old variable sets.

    Args:
        names: the variables that it comes from: one, or the host and the port of a server.
        setting: the setting.
        value: its value.
    """

    names: tuple[str, ...]
    setting: str
    value: str


def settings_of(values: Mapping[str, str | None]) -> tuple[OldVariable, ...]:
    """Translate variables without the prefix into settings.

    Args:
        values: the variables, from `.env` or the environment. Empty ones count as unset.

    Returns:
        One entry for each setting, in the order of `SETTINGS`. A server whose host and port are both unset is left out.
    """
    found: dict[str, OldVariable] = {}
    for name, setting in SETTINGS.items():
        if value := values.get(name):
            found.setdefault(setting, OldVariable((name,), setting, value))
    for (host, port), address in _ADDRESSES.items():
        names = tuple(name for name in (host, port) if values.get(name))
        if names:
            server = f"{values.get(host) or address.host}:{values.get(port) or address.port}"
            found.setdefault(address.setting, OldVariable(names, address.setting, f"http://{server}{address.path}"))
    return tuple(found.values())
