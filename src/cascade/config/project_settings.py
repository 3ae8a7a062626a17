"""What a project is, and where its parts are."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from cascade.config.dbt_directory import dbt_directory
from cascade.config.root import find_project_root
from cascade.table_ref import branch_problem


class ProjectSettings(BaseModel):
    """The settings of what a project is, and where its parts are. A part of `CascadeConfig`."""

    model_config = ConfigDict(frozen=True, defer_build=True)

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
    branch: str = Field(
        default="main",
        description="The Iceberg branch that commands read and write where a table has it. What is written creates it, "
        "from `main`. Dagster, dlt and dbt then keep their state apart, and `main` stays as it is.",
    )

    @field_validator("branch", mode="after")
    @classmethod
    def _name_of_a_branch(cls, value: str) -> str:
        problem = branch_problem(value)
        if problem:
            raise ValueError(problem)
        return value

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
