"""What a change of a dbt project touches. The graph comes from a process, which a canned answer replaces."""

from __future__ import annotations

import pytest
from pants.engine.rules import rule
from pants.engine.target import AllTargets

from cascade_pants.affected.testing import Place, names, place, reason
from cascade_pants.dependency_inference import dbt as dbt_dependencies
from cascade_pants.testing import RUNTIME, ingestion, workflow
from cascade_pants.util_rules.dbt_graph import DbtGraph, DbtGraphRequest, owners_by_path, read_graph

SHOP = "src/sql/shop"
A, B, C = (f"{SHOP}/models/{name}.sql" for name in "abc")
MACRO, OVERRIDE, YAML, TEST = (
    f"{SHOP}/{path}" for path in ("macros/cents.sql", "macros/own.sql", "models/a.yml", "tests/no_gaps.sql")
)
ANSWER = {
    "files": {A: [YAML, MACRO], B: [A], C: [], TEST: [C]},
    "tables": {A: ["raw.flights"]},
    "built_from": {},
    "declared": [],
    "tested": [],
    "computed": [],
    "problems": [],
}
FILES = {
    **RUNTIME,
    **workflow("flights", "flights"),
    **workflow("rivers", "rivers"),
    "BUILD": (
        "cascade_project(name='sql', workflows=['src/workflows/flights'], dbt_project='src/sql/shop')\n"
        "cascade_project(name='rivers', workflows=['src/workflows/rivers'])\n"
    ),
    f"{SHOP}/BUILD": "cascade_dbt_project()",
    f"{SHOP}/dbt_project.yml": "name: shop",
    A: "select * from {{ source('raw', 'flights') }}",
    B: "select * from {{ ref('a') }}",
    C: "select 1",
    MACRO: "{% macro cents(x) %}{% endmacro %}",
    OVERRIDE: "{% macro create_table_as(x) %}{% endmacro %}",
    YAML: "models: []",
    TEST: "select * from {{ ref('c') }}",
}


@rule
def canned_graph(request: DbtGraphRequest, targets: AllTargets) -> DbtGraph:
    return read_graph(ANSWER, owners_by_path(request, targets))


@pytest.fixture(scope="module")
def shared() -> Place:
    return place(FILES, [*dbt_dependencies.rules(), canned_graph])


@pytest.mark.parametrize(
    ("path", "models", "checks"),
    [
        (A, ["a", "b"], []),
        (B, ["b"], []),
        (C, ["c"], ["no_gaps"]),
        (YAML, ["a", "b"], []),
        (MACRO, ["a", "b"], []),
        # dbt itself may call a macro that nothing names.
        (OVERRIDE, ["a", "b", "c"], ["no_gaps"]),
    ],
)
def test_a_file_touches_its_models_and_the_project(
    repository: Place, path: str, models: list[str], checks: list[str]
) -> None:
    found = repository.change({path: f"{FILES[path]} "})
    assert (names(found, "models"), names(found, "checks")) == (models, checks)
    assert names(found, "projects") == ["//:sql"]


@pytest.mark.parametrize(
    ("path", "models", "checks"),
    [(A, ["b"], []), (C, [], ["no_gaps"]), (YAML, ["a", "b", "c"], ["no_gaps"]), (MACRO, ["a", "b", "c"], ["no_gaps"])],
)
def test_a_deleted_file_touches_what_names_it(
    repository: Place, path: str, models: list[str], checks: list[str]
) -> None:
    found = repository.change({path: None})
    assert (names(found, "models"), names(found, "checks")) == (models, checks)
    assert names(found, "projects") == ["//:sql"]


def test_a_workflow_touches_the_models_over_its_table(repository: Place) -> None:
    found = repository.change({"src/workflows/flights/observations.py": ingestion("flights", cron="'@daily'")})
    assert names(found, "models") == ["a", "b"]
    assert f"{A}:../shop [reads its table]" in reason(found, "models", "a")


def test_settings_touch_the_models_of_the_project(repository: Place) -> None:
    found = repository.change({"cascade_config.py": "x = 1"})
    assert names(found, "models") == ["a", "b", "c"]


def test_a_dbt_project_keeps_its_models_where_it_says(repository: Place) -> None:
    other = f"{SHOP}/gold/d.sql"
    found = repository.change({f"{SHOP}/dbt_project.yml": "model-paths: [gold]", other: "select 1"})
    assert names(found, "models") == ["d"]
