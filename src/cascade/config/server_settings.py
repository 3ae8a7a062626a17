"""The servers that a project uses beside its catalog, and those that it starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from cascade.config.root import expanded


class ServerSettings(BaseModel):
    """The settings of servers beside the catalog. A part of `CascadeConfig`."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    postgres_host: str | None = Field(
        default=None, description="The host of the PostgreSQL server to which marts are published."
    )
    postgres_port: int = Field(default=5432, ge=1, le=65535, description="The port of the PostgreSQL server.")
    postgres_db: str = Field(default="cascade", description="The PostgreSQL database.")
    postgres_user: str | None = Field(default=None, description="The PostgreSQL user.")
    postgres_password: SecretStr | None = Field(default=None, description="The password of the PostgreSQL user.")
    trino_host: str | None = Field(
        default=None, description="The host of the Trino server that runs dbt in production."
    )
    trino_port: int = Field(default=8080, ge=1, le=65535, description="The port of the Trino server.")
    trino_user: str = Field(default="cascade", description="The user of the Trino server.")
    trino_password: SecretStr | None = Field(default=None, description="The user's password. It makes dbt use HTTPS.")
    trino_catalog: str = Field(
        default="iceberg",
        description="The Trino catalog that holds the tables. It must be the Iceberg catalog of the other settings.",
    )
    trino_schema: str = Field(
        default="main", description="The schema in which dbt builds models on Trino, unless a model names another."
    )
    services_directory: Path = Field(
        default_factory=lambda settings: settings["project_root"] / ".cascade" / "services",
        description="The directory of the servers of `cascade services`: their data, settings, passwords and logs.",
    )
    services_trino: Path | None = Field(
        default=None,
        description="The directory of a Trino server for `cascade services`, if you have one. If not set, the one that "
        "`cascade services init --download` downloads.",
    )
    serve_token: SecretStr | None = Field(
        default=None,
        description="The token that requests to `cascade serve` must have, of at least 16 letters, digits and "
        "punctuation marks. Without one, it listens on loopback only.",
    )

    @field_validator("services_directory", "services_trino", mode="after")
    @classmethod
    def _of_servers(cls, value: Path | None, info: Any) -> Path | None:
        return None if value is None else Path(info.data["project_root"]) / expanded(value)

    @field_validator("serve_token", mode="after")
    @classmethod
    def _of_a_header(cls, value: SecretStr | None) -> SecretStr | None:
        text = "" if value is None else value.get_secret_value()
        if value is not None and (len(text) < 16 or not text.isascii() or not text.isprintable() or " " in text):
            raise ValueError("must have at least 16 letters, digits and punctuation marks, and no spaces")
        return value
