"""How Dagster runs a project, and from when on."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from cascade.config.postgres_urls import is_postgres
from cascade.config.root import expanded
from cascade.config.run_containers import parse_resources, split_names
from cascade.table_ref import MAIN_BRANCH, branch_directory


class RunSettings(BaseModel):
    """The settings of how Dagster runs a project, and from when on. A part of `CascadeConfig`."""

    model_config = ConfigDict(frozen=True, defer_build=True)

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
    log_format: Literal["text", "json"] = Field(
        default="text",
        description="How runs print their log. `json` prints each line as an object, with the run and the partition.",
    )

    @field_validator("run_variables", "run_env_from", mode="before")
    @classmethod
    def _separate_names(cls, value: object) -> object:
        return split_names(value)

    @field_validator("run_resources", mode="before")
    @classmethod
    def _parse_resources(cls, value: object) -> object:
        return parse_resources(value)

    @field_validator("dagster_home", "dlt_directory", mode="after")
    @classmethod
    def _under_the_root(cls, value: Path, info: Any) -> Path:
        root, branch = Path(info.data["project_root"]), info.data.get("branch", MAIN_BRANCH)
        if info.field_name == "dagster_home" and branch != MAIN_BRANCH:
            # The runs on a branch say nothing about main.
            return branch_directory(root / ".cascade", branch) / "dagster"
        return root / expanded(value)

    @field_validator("dagster_database", mode="after")
    @classmethod
    def _of_main(cls, value: str | None, info: Any) -> str | None:
        if value is not None and not is_postgres(value):
            raise ValueError(
                "must be the URL of a PostgreSQL database, such as postgresql+psycopg2://user@host/dagster"
            )
        # The runs on a branch say nothing about main.
        return value if info.data.get("branch", MAIN_BRANCH) == MAIN_BRANCH else None
