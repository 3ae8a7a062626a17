"""The files of each project template, and the commands of a project.

The workflow of the `basic` example, with its schema, test and data, comes from the workflow templates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cascade.scaffold.project_pants import PROJECT_TARGET, PantsPlace

TEMPLATES: Mapping[str, str] = {
    "basic": "one domain from source to dbt, with a schema, a quality check and tests",
    "advanced": "two domains, one from a REST API, with schedules, production settings and CI",
    "minimal": "one file with a workflow and its schema, and one with its test",
}
"""The templates, with a description of each. The first is the default."""

STACKS: Mapping[str, str] = {
    "embedded": "no servers: a SQLite catalog, a local warehouse, and DuckDB for dbt",
    "production": "PostgreSQL, SeaweedFS and Trino on this machine, with their settings in .env",
}
"""Where a new project keeps its data, with a description of each. The first is the default."""

EXAMPLES: Mapping[str, str] = {
    "nyc": "two domains with real data, New York's flights and weather in 2013, and dbt models on both",
}
"""The example projects, with a description of each."""

SHARED_PACKAGES = ("workflows", "workflows/ingestion", "workflows/schemas", "workflows/quality")
"""The parent packages of the domains' packages."""

DEFS = "workflows/defs/__init__.py"
"""The package that Dagster's own command line writes to. It must exist."""

_DBT = "transforms/dbt"

_COMMON = {
    "README.md": "basic/README.md",
    "pyproject.toml": "common/pyproject.toml",
    ".gitignore": "common/gitignore",
}

_MINIMAL = {
    "README.md": "minimal/README.md",
    "workflows/air_quality.py": "minimal/air_quality.py",
    "tests/test_air_quality.py": "minimal/test_air_quality.py",
}

_BASIC = {
    ".env.example": "basic/env.example",
    "tests/test_transforms.py": "basic/test_transforms.py",
    "cascade_config.py": "basic/cascade_config.py",
    f"{_DBT}/dbt_project.yml": "basic/dbt_project.yml",
    f"{_DBT}/models/bronze/sources.yml": "basic/bronze.yml",
    f"{_DBT}/models/silver/models.yml": "basic/silver.yml",
    f"{_DBT}/models/silver/air_quality_days.sql": "basic/air_quality_days.sql",
    f"{_DBT}/tests/fine_particles_are_particles.sql": "basic/fine_particles_are_particles.sql",
}

_ONE_DOMAIN = {
    f"{_DBT}/models/gold/models.yml": "basic/gold.yml",
    f"{_DBT}/models/gold/air_quality_by_station.sql": "basic/air_quality_by_station.sql",
}

_TWO_DOMAINS = {
    "workflows/ingestion/air_quality/observations.py": "advanced/observations.py",
    "workflows/ingestion/stations/stations.py": "advanced/stations.py",
    "workflows/ingestion/stations/data/stations.json": "advanced/stations.json",
    "workflows/ingestion/stations/testdata/stations.jsonl": "advanced/stations.jsonl",
    "workflows/schemas/stations.py": "advanced/schema_of_stations.py",
    "tests/test_air_quality.py": "advanced/test_air_quality.py",
    "tests/test_stations.py": "advanced/test_stations.py",
    f"{_DBT}/models/gold/models.yml": "advanced/gold.yml",
    f"{_DBT}/models/gold/air_quality_by_district.sql": "advanced/air_quality_by_district.sql",
    ".github/workflows/ci.yml": "advanced/ci.yml",
}

_EXAMPLE = {**_COMMON, "README.md": "example/README.md"}

_FILES = {
    "minimal": {**_COMMON, **_MINIMAL},
    "basic": {**_COMMON, **_BASIC, **_ONE_DOMAIN},
    "advanced": {**_COMMON, **_BASIC, **_TWO_DOMAINS},
}


def templates_of(template: str, *, example: str | None = None, in_pants: bool) -> Mapping[str, str]:
    """List the files of a project and the template of each.

    Args:
        template: one of `TEMPLATES`.
        example: one of `EXAMPLES`, in place of the template, or None.
        in_pants: whether Pants builds the project. If so, Pants starts Dagster, the repository has its own CI, and a
            test can read only the files that it imports.

    Returns:
        The name of the template by the path of the file, from the root of the project.
    """
    files = dict(_EXAMPLE if example else _FILES[template])
    if in_pants:
        for path in (".github/workflows/ci.yml", "tests/test_transforms.py"):
            files.pop(path, None)
        if template == "advanced" and not example:
            files["tests/conftest.py"] = "pants/conftest.py"
    elif example or template != "minimal":
        files["workspace.yaml"] = "basic/workspace.yaml"
    return files


@dataclass(frozen=True)
class Commands:
    """The commands of a project, as you type them.

    Args:
        cascade: runs Cascade's command line with the project's workflows.
        dev: opens the UI.
        test: runs the tests.
        validate: checks the declarations.
        create: creates another workflow.
    """

    cascade: str
    dev: str
    test: str
    validate: str
    create: str

    def materialize(self, asset: str, partition: str | None = None) -> str:
        """Return the command that fills a table.

        Args:
            asset: the name of the table's asset.
            partition: the partition to run, if the table has partitions.
        """
        return f"{self.cascade} materialize {asset}" + (f" --partition {partition}" if partition else "")


def commands_for(pants: PantsPlace | None = None, program: str = "cascade") -> Commands:
    """Return the commands of a project.

    Args:
        pants: the project's place in a Pants repository, or None without Pants.
        program: the command that runs Cascade without Pants.
    """
    if pants is None:
        return Commands(
            cascade=program,
            dev=f"{program} dev",
            test=f"{program} test",
            validate=f"{program} validate",
            create=f"{program} create-workflow",
        )
    project, everything = f"{pants.directory}:{PROJECT_TARGET}", f"{pants.directory}::"
    return Commands(
        cascade=f"{pants.launcher} run {project} --",
        dev=f"{pants.launcher} cascade-dev {project}",
        test=f"{pants.launcher} test {everything}",
        validate=f"{pants.launcher} check {everything}",
        create=f"{pants.launcher} cascade-scaffold {pants.path('workflows/orders')}",
    )
