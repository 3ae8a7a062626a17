"""Who is told about runs: alerts, lineage and metrics."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from cascade.config.operations import ALERT_KINDS, alert_kinds, headers_of, require_http


class ObserverSettings(BaseModel):
    """The settings of who is told about runs. A part of `CascadeConfig`."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    alert_on: str = Field(
        default=",".join(ALERT_KINDS), description="What alerts are about: some of these words, with commas between."
    )
    alert_webhook: SecretStr | None = Field(
        default=None, description="A URL that takes each alert as JSON, in a POST request."
    )
    alert_slack: SecretStr | None = Field(
        default=None,
        description="The URL of an incoming webhook of Slack, or of another chat that takes the same messages.",
    )
    alert_email: str | None = Field(
        default=None, description="The addresses that get each alert as an e-mail, with commas between."
    )
    smtp_host: str | None = Field(default=None, description="The mail server that sends the alerts.")
    smtp_port: int = Field(default=587, ge=1, le=65535, description="The port of the mail server.")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="How the connection to the mail server is encrypted."
    )
    smtp_user: str | None = Field(default=None, description="The user of the mail server, if it needs one.")
    smtp_password: SecretStr | None = Field(default=None, description="The password of the user of the mail server.")
    smtp_from: str | None = Field(
        default=None, description="The sender of the alerts. If not set, `smtp_user`, or the first of `alert_email`."
    )
    openlineage_url: str | None = Field(
        default=None,
        description="The URL of a server that takes OpenLineage events, such as Marquez: `http://host:5000`. Without a "
        "path, events go to `/api/v1/lineage`.",
    )
    openlineage_api_key: SecretStr | None = Field(default=None, description="The key of that server, if it needs one.")
    openlineage_namespace: str | None = Field(
        default=None, description="The namespace of jobs in OpenLineage. If not set, the `project_name`."
    )
    otlp_endpoint: str | None = Field(
        default=None,
        description="The URL of a server that takes metrics by OTLP over HTTP, such as `http://host:4318` of an "
        "OpenTelemetry collector. Without a path, metrics go to `/v1/metrics`.",
    )
    otlp_headers: SecretStr | None = Field(
        default=None, description="Headers for that server, such as `Authorization=Bearer …`, with commas between."
    )

    @field_validator("alert_on", mode="before")
    @classmethod
    def _kinds_of_alerts(cls, value: object) -> str:
        return alert_kinds(value)

    @field_validator("alert_webhook", "alert_slack", "openlineage_url", "otlp_endpoint", mode="after")
    @classmethod
    def _http(cls, value: str | SecretStr | None) -> str | SecretStr | None:
        require_http(value)
        return value

    @field_validator("otlp_headers", mode="after")
    @classmethod
    def _headers(cls, value: SecretStr | None) -> SecretStr | None:
        headers_of("" if value is None else value.get_secret_value())
        return value

    @field_validator("smtp_from", mode="after")
    @classmethod
    def _mail_server(cls, value: str | None, info: Any) -> str | None:
        if info.data.get("alert_email") and not info.data.get("smtp_host"):
            raise ValueError("alert_email needs smtp_host, the mail server that sends the alerts")
        return value
