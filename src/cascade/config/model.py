"""The settings of a project as one typed object."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import date
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, PrivateAttr, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from cascade.config.dbt_directory import dbt_directory
from cascade.config.layer_source import LayerSource
from cascade.config.layers import DescribedSetting, Layers, read_layers
from cascade.config.operations import ALERT_KINDS, alert_kinds, headers_of, require_http
from cascade.config.postgres_urls import is_postgres
from cascade.config.problems import config_error, misspelled_settings
from cascade.config.root import ROOT_VARIABLE, expanded, find_project_root
from cascade.config.run_containers import parse_resources, split_names
from cascade.config.secrets import masked_value
from cascade.table_ref import MAIN_BRANCH, branch_directory, branch_problem


class ConfigWarning(UserWarning):
    """A setting is unknown but close to a known one, or is set where it has no effect."""


_READ: ContextVar[Layers | None] = ContextVar("cascade_config_layers", default=None)


class CascadeConfig(BaseSettings):
    """All settings of a project.

    Set each as `CASCADE_<NAME>` in the environment or in `.env`, or by its name in `cascade_config.py` or under
    `[tool.cascade]` in `pyproject.toml`. The first of these sources that has it wins.

    Other keys are kept as extras (`config.my_key`) for the project's own use. Extras whose names look like secrets are
    `SecretStr`: `config.my_token.get_secret_value()`.

    Args:
        values: settings that override every source, for tests and programs.

    Raises:
        ConfigError: a value is invalid. The message names the source of each invalid value.
    """

    model_config = SettingsConfigDict(extra="allow", frozen=True, hide_input_in_errors=True, validate_default=True)

    project_root: Path = Field(
        default_factory=find_project_root,
        description="The directory of `.cascade`, and the base of relative paths. Only `CASCADE_PROJECT_ROOT` sets it.",
    )
    project_name: str = Field(
        default_factory=lambda settings: settings["project_root"].name or "cascade",
        description="The name of the code location in Dagster. Under Pants, the name of the `cascade_project`.",
    )
    workflows_path: str = Field(
        default="workflows", description="The directory of the workflows in a project without Pants."
    )
    dbt_project_dir: str = Field(default="transforms/dbt", description="The directory of the dbt project.")
    dbt_target: Literal["embedded", "production"] | None = Field(
        default=None,
        description="Where dbt runs: `embedded` in a DuckDB file in `.cascade`, `production` on the Trino server. "
        "If not set, the latter if `trino_host` is set. A `profiles.yml` of your own ignores it.",
    )
    dbt_translator: str | None = Field(
        default=None, description="Your dagster-dbt translator, such as `workflows.dbt:Mine`."
    )
    iceberg_catalog: str | None = Field(
        default=None,
        description="The URI of the Iceberg catalog: `sqlite:///…`, `postgresql://…`, `https://…` for REST, or "
        "`glue://region` for AWS Glue, or one that a plugin opens. If not set, a SQLite file in `.cascade`.",
    )
    nessie_uri: str | None = Field(
        default=None, description="The URL of a Nessie server. If set, it is the catalog, through its Iceberg REST API."
    )
    nessie_ref: str = Field(default="main", description="The Nessie branch to read and write.")
    iceberg_warehouse: str | None = Field(
        default=None,
        description="The location of the tables' files: a directory, or a URI such as `s3://bucket/path`; of a REST "
        "catalog, its name for the warehouse. If not set, a directory in `.cascade`.",
    )
    catalog_credential: SecretStr | None = Field(
        default=None,
        description="The OAuth2 client of a REST catalog, as `id:secret`. Cascade exchanges it for a token.",
    )
    catalog_token: SecretStr | None = Field(
        default=None, description="A token for a REST catalog, if you have one instead of a client."
    )
    catalog_oauth2_uri: str | None = Field(
        default=None,
        description="The URL where that client gets its token, such as "
        "`https://login.example.com/oauth2/token`. If not set, the catalog itself, which the protocol advises against.",
    )
    catalog_scope: str | None = Field(
        default=None,
        description="The OAuth2 scope to ask for, such as `PRINCIPAL_ROLE:ALL` of Polaris. If not set, `catalog`.",
    )
    s3_endpoint: str | None = Field(
        default=None, description="The URL of an S3 server that is not Amazon's, such as `http://127.0.0.1:8333`."
    )
    s3_region: str | None = Field(
        default=None,
        description="The region of the buckets. If not set, `us-east-1` with an `s3_endpoint`, else what Amazon says.",
    )
    s3_access_key_id: SecretStr | None = Field(
        default=None,
        description="The access key of S3. If not set, S3 uses what AWS's own variables, profile or instance say.",
    )
    s3_secret_access_key: SecretStr | None = Field(default=None, description="The secret of the access key.")
    branch: str = Field(
        default="main",
        description="The Iceberg branch that commands read and write where a table has it. What is written creates it, "
        "from `main`. Dagster, dlt and dbt then keep their state apart, and `main` stays as it is.",
    )
    keep_snapshots: int = Field(
        default=20,
        ge=0,
        description="How many snapshots of each branch a table keeps. Older ones expire when a run writes to the "
        "table, but none in its first 10 minutes. `0` keeps all: commits then get slower with their number.",
    )
    keep_snapshot_days: int = Field(
        default=7,
        ge=0,
        description="For how many past days (UTC) a table also keeps the last snapshot of the day.",
    )
    branch_retention_hours: float = Field(
        default=168.0,
        ge=1,
        description="For how many hours the rows of a run whose blocking checks failed stay on their branch. The next "
        "run that publishes to the table then removes the branch. Set more than the checks take.",
    )
    orphan_age_hours: float = Field(
        default=24.0,
        ge=1,
        description="How many hours old a file that no state of a table needs must be before maintenance removes it. "
        "Set more than the longest run and the slowest reader take; `max_runtime_seconds` of a workflow counts too.",
    )
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
    merge_engine: Literal["cascade", "trino"] = Field(
        default="cascade",
        description="What carries out large merges: Cascade in the process of the run, or the Trino server, which must "
        "have the tables in `trino_catalog`. The run publishes them either way.",
    )
    trino_merge_rows: int = Field(
        default=5_000_000,
        ge=1,
        description='With `merge_engine = "trino"`, the number of rows of a batch from which on Trino merges it.',
    )
    trino_merge_tables: str = Field(
        default="",
        description='With `merge_engine = "trino"`, the tables whose batches Trino merges whatever their size, with '
        "commas between them, such as `raw.flights, staging.*`.",
    )
    partition_start: date = Field(
        default=date(2020, 1, 1),
        description="The start of workflows without a `partition_start`: their first partition is the first that "
        "begins on this day or later.",
    )
    automation: bool = Field(
        default=False,
        description="Whether schedules and automation conditions run from the first start. Later, switch them in "
        "Dagster's UI.",
    )
    executor: Literal["in_process", "multiprocess"] = Field(
        default="in_process",
        description="How Dagster runs the steps of a run: all in one process, or each in its own process, which is "
        "slower to start.",
    )
    dagster_home: Path = Field(
        default_factory=lambda settings: settings["project_root"] / ".cascade" / "dagster",
        description="Dagster's home directory: runs, events and `dagster.yaml`.",
    )
    dagster_database: str | None = Field(
        default=None,
        description="The URL of a PostgreSQL database for Dagster's runs, events and schedules, such as "
        "`postgresql+psycopg2://user:password@host/dagster`. Processes on several machines then share them. If not "
        "set, they are in SQLite files in `dagster_home`.",
    )
    concurrent_runs: int = Field(
        default=10, ge=1, description="How many of the runs that wait in Dagster's queue go on at once, of all tables."
    )
    runs_per_table: int = Field(
        default=1,
        ge=1,
        description="How many of them write to one table at once: the limit of the table's pool, unless Dagster's UI "
        "sets another. More pays where runs wait for their sources, and costs CPU where commits meet.",
    )
    run_launcher: Literal["process", "docker", "kubernetes"] = Field(
        default="process",
        description="Where a run goes that Dagster starts: into a process of the code server, a Docker container, or a "
        "Kubernetes job of its own. Commands such as `materialize` run where you type them.",
    )
    run_image: str | None = Field(
        default=None,
        description="The image of the containers of runs, which must hold the project. If not set, the image of the "
        "code server, as `DAGSTER_CURRENT_IMAGE` says; Dagster's Helm chart sets that.",
    )
    run_variables: tuple[str, ...] = Field(
        default=(),
        description="The names of the environment variables that containers of runs get, with the values of Dagster's "
        "daemon. For secrets on Kubernetes, use `run_env_from`: everyone who may read jobs sees these.",
    )
    run_env_from: tuple[str, ...] = Field(
        default=(),
        description="The names of the Kubernetes Secrets whose entries are environment variables of runs.",
    )
    run_resources: dict[str, dict[str, str]] = Field(
        default_factory=dict,
        description="What a container of a run requests and may use, in the words of Kubernetes, such as "
        '`{requests = {memory = "1Gi"}, limits = {cpu = "2", memory = "4Gi"}}`; in the environment, as JSON.',
    )
    run_namespace: str | None = Field(
        default=None, description="The Kubernetes namespace of runs. If not set, what the launcher is configured with."
    )
    run_service_account: str | None = Field(
        default=None, description="The Kubernetes service account of runs. If not set, as for `run_namespace`."
    )
    run_network: str | None = Field(default=None, description="The Docker network of the containers of runs.")
    dlt_directory: Path = Field(
        default_factory=lambda settings: settings["project_root"] / ".cascade" / "dlt",
        description="The working directory of dlt's pipelines.",
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
    log_format: Literal["text", "json"] = Field(
        default="text",
        description="How runs print their log. `json` prints each line as an object, with the run and the partition.",
    )
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

    _layers: Layers = PrivateAttr()
    _given: frozenset[str] = PrivateAttr()

    def __init__(self, **values: Any) -> None:
        root = values.get("project_root")
        root = Path(root).absolute() if root is not None else find_project_root()
        layers = read_layers(root)
        token = _READ.set(layers)
        try:
            super().__init__(**{**values, "project_root": root})
        except ValidationError as error:
            raise config_error(error, layers, values) from None
        finally:
            _READ.reset(token)
        self._layers = layers
        self._given = frozenset(values)
        for message in misspelled_settings(layers, type(self).model_fields):
            warnings.warn(message, ConfigWarning, stacklevel=3)

    @classmethod
    def from_user_config(cls, project_root: Path | None = None) -> CascadeConfig:
        """Read the settings of a project from all sources.

        Args:
            project_root: the project's directory. Default: `CASCADE_PROJECT_ROOT`, else the nearest directory at or
                above the working directory whose `pyproject.toml` has `[tool.cascade]`, else the working directory.

        Returns:
            The settings.

        Raises:
            ConfigError: a source cannot be read, or a value is invalid.
        """
        return cls(project_root=project_root) if project_root is not None else cls()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Replace the sources of pydantic-settings, which do not record where a value comes from."""
        layers = _READ.get()
        return (init_settings, *(LayerSource(settings_cls, layer) for layer in (layers.layers if layers else ())))

    @field_validator("run_variables", "run_env_from", mode="before")
    @classmethod
    def _separate_names(cls, value: object) -> object:
        return split_names(value)

    @field_validator("run_resources", mode="before")
    @classmethod
    def _parse_resources(cls, value: object) -> object:
        return parse_resources(value)

    @field_validator("branch", mode="after")
    @classmethod
    def _name_of_a_branch(cls, value: str) -> str:
        problem = branch_problem(value)
        if problem:
            raise ValueError(problem)
        return value

    @field_validator("dagster_home", "dlt_directory", mode="after")
    @classmethod
    def _under_the_root(cls, value: Path, info: Any) -> Path:
        root, branch = Path(info.data["project_root"]), info.data.get("branch", MAIN_BRANCH)
        if info.field_name == "dagster_home" and branch != MAIN_BRANCH:
            # The runs on a branch say nothing about main.
            return branch_directory(root / ".cascade", branch) / "dagster"
        return root / expanded(value)

    @field_validator("services_directory", "services_trino", mode="after")
    @classmethod
    def _of_servers(cls, value: Path | None, info: Any) -> Path | None:
        return None if value is None else Path(info.data["project_root"]) / expanded(value)

    @field_validator("dagster_database", mode="after")
    @classmethod
    def _of_main(cls, value: str | None, info: Any) -> str | None:
        if value is not None and not is_postgres(value):
            raise ValueError(
                "must be the URL of a PostgreSQL database, such as postgresql+psycopg2://user@host/dagster"
            )
        # The runs on a branch say nothing about main.
        return value if info.data.get("branch", MAIN_BRANCH) == MAIN_BRANCH else None

    @field_validator("iceberg_warehouse", mode="after")
    @classmethod
    def _warehouse_under_the_root(cls, value: str | None, info: Any) -> str | None:
        catalog = info.data.get("nessie_uri") or info.data.get("iceberg_catalog") or ""
        if value is None or "://" in value or value.startswith("file:") or catalog.startswith(("http://", "https://")):
            return value
        return str(Path(info.data["project_root"]) / expanded(Path(value)))

    @field_validator("alert_on", mode="before")
    @classmethod
    def _kinds_of_alerts(cls, value: object) -> str:
        return alert_kinds(value)

    @field_validator("alert_webhook", "alert_slack", "openlineage_url", "otlp_endpoint", mode="after")
    @classmethod
    def _http(cls, value: str | SecretStr | None) -> str | SecretStr | None:
        require_http(value)
        return value

    @field_validator("serve_token", mode="after")
    @classmethod
    def _of_a_header(cls, value: SecretStr | None) -> SecretStr | None:
        text = "" if value is None else value.get_secret_value()
        if value is not None and (len(text) < 16 or not text.isascii() or not text.isprintable() or " " in text):
            raise ValueError("must have at least 16 letters, digits and punctuation marks, and no spaces")
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

    @property
    def is_observed(self) -> bool:
        """Whether the events of runs are sent anywhere. Those of runs on a branch concern nobody else."""
        receivers = (self.alert_webhook, self.alert_slack, self.alert_email, self.openlineage_url, self.otlp_endpoint)
        return self.branch == MAIN_BRANCH and any(receivers)

    @property
    def state_directory(self) -> Path:
        """The directory of the embedded catalog, the warehouse, and Dagster's and dlt's state: `<root>/.cascade`."""
        return self.project_root / ".cascade"

    @property
    def workflows_directory(self) -> Path:
        """`workflows_path` as an absolute path."""
        return self.project_root / self.workflows_path

    @property
    def dbt_project_directory(self) -> Path:
        """`dbt_project_dir` as an absolute path, or what a PEX brings along: see `cascade.config.dbt_directory`."""
        return dbt_directory(self.project_root, self.dbt_project_dir)

    @property
    def dlt_values(self) -> Mapping[str, str]:
        """The keys of `.env` without the prefix `CASCADE_`, for dlt only: see `cascade.config.dlt_provider`."""
        return self._layers.dotenv_rest

    def describe(self) -> tuple[DescribedSetting, ...]:
        """Return every setting and extra with its value and source. Secrets are masked.

        Returns:
            The known settings in the order of their documentation, then the extras by name.
        """
        known = type(self).model_fields
        return tuple(
            DescribedSetting(
                name=name,
                value=masked_value(name, getattr(self, name)),
                source=self.source_of(name),
                origin=self.origin_of(name),
                extra=name not in known,
            )
            for name in (*known, *sorted(self.model_extra or {}))
        )

    def source_of(self, name: str) -> str:
        """Return the source of a setting's value.

        Args:
            name: the setting's name, such as `automation`.

        Returns:
            "argument", "environment", ".env", "cascade_config.py", "pyproject.toml" or "default".
        """
        if name == "project_root" and name not in self._given:
            return "environment" if os.environ.get(ROOT_VARIABLE) else "default"
        return "argument" if name in self._given else self._layers.source(name)

    def origin_of(self, name: str) -> str | None:
        """Return where a setting's value comes from, such as `CASCADE_AUTOMATION in the environment`.

        Args:
            name: the setting's name, such as `automation`.

        Returns:
            The origin, or None for a default or an argument.
        """
        return None if name in self._given else self._layers.origin(name)

    def __repr_args__(self) -> list[tuple[str | None, Any]]:
        return [(name, masked_value(name, value)) for name, value in self]
