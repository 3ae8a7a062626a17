"""dbt models can be generated for any table, in correct SQL and YAML."""

from __future__ import annotations

import json
from dataclasses import replace

import duckdb
import pytest
import yaml

from cascade.scaffold import DeclaredTable, TableColumn, TransformRequest, render_transform
from cascade.scaffold.__main__ import answer
from cascade.scaffold.environment import yaml as as_yaml
from cascade.scaffold.transform import _RESERVED, sql_name

WEATHER = DeclaredTable(
    namespace="raw",
    name="weather_observations",
    asset_key=("weather_observations",),
    unique_key=("id",),
    columns=(TableColumn("id", "number"), TableColumn("seen_on", "day"), TableColumn("value", "number", False)),
    module="workflows.ingestion.weather.observations",
    attribute="observations",
)
BY_DAY = "transforms/dbt/models/silver/weather_daily"


def files(table: DeclaredTable = WEATHER, **options: object) -> dict[str, str]:
    request = TransformRequest(domain="weather", table=table, dbt_directory="transforms/dbt", **options)  # type: ignore[arg-type]
    return render_transform(request)


def run(sql: str, table: DeclaredTable, columns: str, rows: str) -> tuple[list[str], list[tuple[object, ...]]]:
    """Run a model on rows without dbt, in a session whose time zone is not UTC."""
    source = f"{{{{ source('{table.namespace}', '{table.name}') }}}}"
    assert source in sql
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'America/New_York'")
        connection.execute(f"create table rows ({columns})")
        connection.execute(f"insert into rows values {rows}")
        result = connection.execute(sql.replace(source, "rows"))
        return [column[0] for column in result.description or ()], sorted(result.fetchall(), key=str)


def test_the_paths_of_the_files() -> None:
    assert list(files()) == [
        "transforms/dbt/models/bronze/weather_sources.yml",
        f"{BY_DAY}.sql",
        f"{BY_DAY}.yml",
        "tests/test_weather_transform.py",
    ]
    assert "transforms/dbt/models/bronze/weather_sources.yml" not in files(source_is_declared=True)
    project = files(dbt_project="shop", model_directory="sql")
    assert yaml.safe_load(project["transforms/dbt/dbt_project.yml"])["name"] == "shop"
    assert "transforms/dbt/sql/silver/weather_daily.sql" in project


def test_the_source_names_its_asset() -> None:
    table = replace(WEATHER, namespace="mart", name="on", asset_key=("mart", "null", "on"))
    (source,) = yaml.safe_load(files(table)["transforms/dbt/models/bronze/weather_sources.yml"])["sources"]
    assert source["name"] == "mart"
    assert source["tables"] == [
        {"name": "on", "config": {"meta": {"dagster": {"asset_key": ["mart", "null", "on"]}}}},
    ]


def test_rows_are_counted_by_day() -> None:
    rows = "(1, '2024-01-01', 2), (2, '2024-01-01', 4), (3, '2024-01-02', null)"
    columns, found = run(files()[f"{BY_DAY}.sql"], WEATHER, "id int, seen_on date, value double", rows)
    assert columns == ["day", "row_count", "mean_value"]
    assert [(str(day), count, mean) for day, count, mean in found] == [("2024-01-01", 2, 3.0), ("2024-01-02", 1, None)]
    (model,) = yaml.safe_load(files()[f"{BY_DAY}.yml"])["models"]
    assert model["name"] == "weather_daily"
    assert model["columns"] == [{"name": "day", "data_tests": ["not_null", "unique"]}]


def test_the_day_of_an_instant_is_in_utc_in_any_session() -> None:
    table = replace(WEATHER, unique_key=("at",), columns=(TableColumn("at", "instant", in_utc=True),))
    rows = "('2024-01-02T01:00:00Z'), ('2024-01-02T23:00:00Z')"
    columns, found = run(files(table)[f"{BY_DAY}.sql"], table, '"at" timestamptz', rows)
    assert columns == ["day", "row_count"]
    assert [(str(day), count) for day, count in found] == [("2024-01-02", 2)]


def test_names_are_quoted_if_needed() -> None:
    columns = ("order", "Id", "group")
    table = replace(WEATHER, unique_key=columns[:2], columns=tuple(TableColumn(name, "text") for name in columns))
    rendered = files(table)
    sql = rendered["transforms/dbt/models/silver/weather_rows.sql"]
    assert run(sql, table, '"order" text, "Id" text, "group" text', "('a', 'b', 'c')") == (
        list(columns),
        [("a", "b", "c")],
    )
    (model,) = yaml.safe_load(rendered["transforms/dbt/models/silver/weather_rows.yml"])["models"]
    assert model["columns"] == [
        {"name": "order", "quote": True, "data_tests": ["not_null"]},
        {"name": "Id", "quote": True, "data_tests": ["not_null"]},
    ]


def test_a_key_of_several_columns_is_tested_in_a_file_of_its_own() -> None:
    table = replace(
        WEATHER, unique_key=("id", "order"), columns=(TableColumn("id", "text"), TableColumn("order", "text"))
    )
    sql = files(table)["transforms/dbt/tests/weather_rows_are_unique.sql"].replace("{{ ref('weather_rows') }}", "rows")
    with duckdb.connect() as connection:
        connection.execute('create table rows (id int, "order" int)')
        connection.execute("insert into rows values (1, 1), (1, 2), (2, 1), (1, 2)")
        assert connection.execute(sql).fetchall() == [(1, 2, 2)]


PANTS = {
    "kind": "dbt",
    "directory": "src/transforms/2-weather",
    "dbt_directory": "src/transforms/2-weather",
    "table": "raw.readings",
    "unique_key": "id",
}


def test_pants_gets_a_dbt_project_without_what_it_knows_itself() -> None:
    document = answer(json.dumps(PANTS))
    assert document["build"] == "cascade_dbt_project()\n"
    found = document["files"]
    assert isinstance(found, dict)
    inside = {path.removeprefix("src/transforms/2-weather/"): text for path, text in found.items()}
    assert list(inside) == [
        "dbt_project.yml",
        "models/bronze/workflow_2_weather_sources.yml",
        "models/silver/workflow_2_weather_rows.sql",
        "models/silver/workflow_2_weather_rows.yml",
    ]
    assert yaml.safe_load(inside["dbt_project.yml"])["name"] == "project_2_weather"
    (source,) = yaml.safe_load(inside["models/bronze/workflow_2_weather_sources.yml"])["sources"]
    assert source == {"name": "raw", "tables": [{"name": "readings"}]}
    # The columns are unknown, because the source of the workflow is not imported.
    sql = inside["models/silver/workflow_2_weather_rows.sql"]
    assert "select\n    *\nfrom {{ source('raw', 'readings') }}\n" in sql


def test_an_existing_dbt_project_gets_a_model() -> None:
    there = {
        "directory": "src/transforms/weather",
        "dbt_directory": "src/transforms",
        "model_directory": "sql",
        "source": "lake.readings_of_all",
        "unique_key": ["a", "b"],
        "test_directory": "proofs",
    }
    found = answer(json.dumps({**PANTS, **there}))["files"]
    assert isinstance(found, dict)
    assert list(found) == [
        "src/transforms/sql/silver/weather_rows.sql",
        "src/transforms/sql/silver/weather_rows.yml",
        "src/transforms/proofs/weather_rows_are_unique.sql",
    ]
    assert "source('lake', 'readings_of_all')" in found["src/transforms/sql/silver/weather_rows.sql"]
    assert "lacks the field 'table'" in str(answer('{"kind": "dbt", "directory": "a", "dbt_directory": "a"}')["error"])


def test_every_reserved_word_of_duckdb_is_quoted() -> None:
    with duckdb.connect() as connection:
        words = connection.execute(
            "select keyword_name from duckdb_keywords() where keyword_category in ('reserved', 'type_function')"
        ).fetchall()
    assert {word for (word,) in words} <= _RESERVED
    assert [sql_name(name) for name in ("value", "select", "Value", 'a"b')] == [
        "value",
        '"select"',
        '"Value"',
        '"a""b"',
    ]


@pytest.mark.parametrize("text", ["plain", "on", "No", "null", "1", "1_0", "a b", "a: b", "x#y", 'say "x"', "naïve"])
def test_strings_survive_a_round_trip_through_yaml(text: str) -> None:
    assert yaml.safe_load(as_yaml(text)) == text
