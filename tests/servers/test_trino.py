"""The dbt project that runs in DuckDB runs on Trino by its environment alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import sqlalchemy
from servers.seaweedfs import SeaweedFS
from servers.trino import Trino
from servers.trino_project import FILES, TABLES

from cascade.scaffold.conftest import python

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Project:
    """A project, and the variables of its environment."""

    directory: Path
    variables: Mapping[str, str]

    def cascade(self, *words: str, code: int = 0) -> str:
        done = python(self.directory, "-m", "cascade", *words, **self.variables)
        shown = done.stdout + done.stderr
        assert done.returncode == code, shown
        assert "Traceback" not in shown, shown
        return shown

    def write(self, files: Mapping[str, str]) -> None:
        for name, content in files.items():
            (self.directory / name).parent.mkdir(parents=True, exist_ok=True)
            (self.directory / name).write_text(content)

    def build(self) -> None:
        """Build everything, and then what another day adds."""
        for day in ("2024-01-01", "2024-01-02"):
            assert f"{day} successfully" in self.cascade("materialize", "*", "--partition", day)


def new_project(root: Path, *settings: Mapping[str, Any], **variables: str) -> Project:
    root.mkdir()
    given = {f"CASCADE_{name.upper()}": str(value) for one in settings for name, value in one.items()}
    project = Project(root / "shop", {**given, **variables})
    done = python(root, "-m", "cascade", "init", "shop", "--template", "advanced")
    assert done.returncode == 0, done.stderr
    project.write(FILES)
    return project


def on_trino(trino: Trino, query: str, catalog: str = "iceberg") -> Rows:
    from trino.dbapi import connect  # pants: no-infer-dep

    connection = connect(host="127.0.0.1", port=trino.port, user="test", catalog=catalog)  # type: ignore[no-untyped-call]
    with connection:
        return [tuple(row) for row in connection.cursor().execute(query).fetchall()]


def queries() -> dict[str, str]:
    return {table: f"select {columns} from {table} order by 1, 2" for table, columns in TABLES.items()}


def published(settings: Mapping[str, Any]) -> Rows:
    login = f"{settings['postgres_user']}:{settings['postgres_password']}"
    at = f"{settings['postgres_host']}:{settings['postgres_port']}/{settings['postgres_db']}"
    engine = sqlalchemy.create_engine(f"postgresql+psycopg2://{login}@{at}")
    with engine.connect() as connection:
        found = connection.execute(sqlalchemy.text("select station, days, last_day::text from exceeded order by 1"))
        rows = [tuple(row) for row in found]
    engine.dispose()
    return rows


def test_a_project_gives_the_same_rows_in_duckdb_and_on_trino(
    seaweedfs: SeaweedFS, trino: Trino, mart_settings: dict[str, Any], tmp_path: Path
) -> None:
    embedded = new_project(tmp_path / "embedded", mart_settings)
    embedded.build()
    with duckdb.connect(str(embedded.directory / ".cascade/dbt/lakehouse.duckdb"), read_only=True) as connection:
        expected = {table: connection.execute(query).fetchall() for table, query in queries().items()}
    assert all(expected.values()), expected
    # The second run was incremental, and replaced the four rows that it found.
    assert [row[-1] for row in expected["main.daily"]] == [4] * 8
    mart = published(mart_settings)
    assert mart

    settings = [mart_settings, seaweedfs.settings, trino.secure_settings]
    production = new_project(tmp_path / "production", *settings, REQUESTS_CA_BUNDLE=str(trino.certificate))
    production.build()
    assert {table: on_trino(trino, query) for table, query in queries().items()} == expected
    assert published(mart_settings) == mart
    assert "nothing changed" in production.cascade("publish")
    ci_builds_in_a_schema_of_its_own(production, trino)
    refusals_leave_the_tables(production, trino)
    state = production.directory / ".cascade"
    secrets = (trino.password.encode(), seaweedfs.secret.encode())
    leaks = [
        path for path in state.rglob("*") if path.is_file() and any(secret in path.read_bytes() for secret in secrets)
    ]
    assert leaks == []


def ci_builds_in_a_schema_of_its_own(project: Project, trino: Trino) -> None:
    """One district gets the stations of the other, in the table of a workflow, from which Trino builds a model."""
    before = state_of_main(trino)
    data = project.directory / "workflows/ingestion/stations/data/stations.json"
    known = data.read_text()
    data.write_text(known.replace('"Old Town"', '"Southside"'))
    summary = project.directory / "summary.md"
    words = ("ci", "--asset", "stations", "--asset", "air_quality_by_district", "--asset", "limits_over_time")
    said = project.cascade(*words, "--summary", str(summary), "--keep")
    assert "limits_over_time does not run: a snapshot on Trino would begin anew on a branch" in said
    # The model reads the branch of its source, and the model of main that was not built.
    assert r"| main.air\_quality\_by\_district | 1 | 2 |" in summary.read_text()
    [schema] = [name for (name,) in on_trino(trino, "show schemas") if name.startswith("main__ci_")]
    [(district, days)] = on_trino(trino, f"select district, days from {schema}.air_quality_by_district")
    assert district == "Southside" and days == sum(row[2] for row in before["main.air_quality_by_district"])
    assert [name for (name,) in on_trino(trino, f"show tables from {schema}")] == ["air_quality_by_district"]
    assert state_of_main(trino) == before
    # As if the process had been killed.
    (project.directory / ".cascade" / "branches" / branch_of(schema, project) / "kept").unlink()
    assert f"and {schema} from Trino" in project.cascade("ci", "--asset", "stations")
    assert not [name for (name,) in on_trino(trino, "show schemas") if name.startswith("main__")]
    assert state_of_main(trino) == before
    data.write_text(known)


def branch_of(schema: str, project: Project) -> str:
    [name] = [each.name for each in (project.directory / ".cascade" / "branches").iterdir()]
    assert schema == f"main__{name.lower()}"
    return name


def state_of_main(trino: Trino) -> dict[str, Rows]:
    """Return the rows of all models and of the table of a workflow."""
    found = {table: on_trino(trino, query) for table, query in queries().items()}
    return {**found, "raw.stations": on_trino(trino, "select * from raw.stations order by 1")}


def refusals_leave_the_tables(project: Project, trino: Trino) -> None:
    before = {table: on_trino(trino, f"select count(*) from {table}") for table in TABLES}
    models = "transforms/dbt/models/gold"
    keyed = "{{ config(materialized='iceberg', unique_key='station', schema='gold') }} "
    more = "date '2024-01-01' as observed_on, 1e0 as pm25, 1 as had"
    refused = {
        f"select station, {more} from (values 'a', 'a') as t (station)": "2 rows have the unique_key station=a",
        f"select cast(null as varchar) as station, {more}": "a row has the unique_key station=None",
        "select 'a' as station": "it has no column observed_on",
    }
    for sql, why in refused.items():
        project.write({f"{models}/latest.sql": keyed + sql})
        assert why in project.cascade("dbt", "--quiet", "run", "--select", "latest", code=1)
    # As if a model took the table of a workflow.
    project.write(
        {
            f"{models}/taken.sql": "{{ config(materialized='iceberg', schema='raw', alias='stations') }} select 1 as a",
            "transforms/dbt/macros/names.sql": "{% macro generate_schema_name(name, node) %}"
            "{{ 'raw' if name == 'raw' else default__generate_schema_name(name, node) }}{% endmacro %}",
        }
    )
    said = project.cascade("dbt", "--quiet", "run", "--select", "taken", code=1)
    assert "The table raw.stations exists in the lakehouse, and a workflow fills it. Nothing was written." in said
    assert {table: on_trino(trino, f"select count(*) from {table}") for table in TABLES} == before
    left = on_trino(trino, "select table_name from information_schema.tables where table_name like '%dbt_tmp%'")
    assert left == []
