"""What the YAML of a project adds to its graph, and the mistakes that are reported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Needs = Callable[..., set[str]]
Ask = Callable[..., dict[str, Any]]
A, YAML = "models/a.sql", "models/c.yml"


@pytest.mark.parametrize(
    "yaml",
    [
        "models: [{name: c, columns: [{name: id, tests: [{relationships: {to: ref('a'), field: id}}]}]}]",
        "models: [{name: c, data_tests: [{mine: {arguments: {other: ref('a')}}}]}]",
        "models: [{name: c, tests: [{test_name: mine, other: ref('a')}]}]",
        "models: [{name: c, tests: [fixed]}]",
        "unit_tests: [{name: u, model: c, given: [{input: ref('a'), rows: []}]}]",
        "models: [{name: c, config: {post_hook: \"{{ ref('a') }}\"}}]",
    ],
)
def test_tests_have_a_second_parent(needs: Needs, yaml: str) -> None:
    generic = (
        "{% test mine(model, other) %}select * from {{ other }}{% endtest %}"
        "{% test fixed(model) %}select * from {{ ref('a') }}{% endtest %}"
    )
    found = needs("select 1", {f"shop/{YAML}": yaml, "shop/tests/generic/mine.sql": generic})
    assert found - {"tests/generic/mine.sql"} == {YAML, A}
    assert ("tests/generic/mine.sql" in found) == ("mine" in yaml or "fixed" in yaml)


TESTED = """
sources:
  - name: landing
    schema: raw
    tables:
      - name: flights
        columns: [{name: carrier, data_tests: [{relationships: {to: ref('carriers'), field: id}}, mine]}]
      - {name: weather, identifier: observations, data_tests: [mine]}
      - {name: planes, data_tests: [mine], config: {enabled: false}}
"""


def test_the_tests_of_a_source_are_those_of_the_first_model_that_reads_it(ask: Ask) -> None:
    files = {
        "shop/models/sources.yml": TESTED,
        "shop/seeds/carriers.csv": "id",
        "shop/models/late.sql": "select * from {{ source('landing', 'flights') }}, {{ source('landing', 'planes') }}",
        "shop/tests/generic/mine.sql": "{% test mine(model, column_name) %}select 1{% endtest %}",
    }
    found = ask(files)
    # Nothing reads the weather, and no test of a disabled source runs.
    assert found["source_tests"] == {"landing.flights": "shop/models/a.sql"}
    more = {"shop/seeds/carriers.csv", "shop/tests/generic/mine.sql"}
    assert more <= set(found["files"]["shop/models/a.sql"])
    assert not more & set(found["files"]["shop/models/late.sql"])
    # A workflow of one table is not needed by whatever reads another table of the same YAML.
    assert found["tables"]["shop/models/a.sql"] == ["raw.flights"]
    assert "shop/models/sources.yml" not in found["tables"]


def test_a_model_is_not_built_from_what_its_tests_read(ask: Ask) -> None:
    files = {
        "shop/models/b.yml": "models: [{name: b, tests: [{relationships: {to: ref('c'), field: id}}]}]",
        "shop/models/c.sql": "select * from {{ ref('b') }} join {{ source('landing', 'weather') }}",
        "shop/tests/t.sql": "select * from {{ ref('a') }}",
    }
    assert ask(files)["built_from"] == {
        "shop/models/a.sql": [[], ["raw.flights"]],
        "shop/models/b.sql": [["shop/models/a.sql"], []],
        "shop/models/c.sql": [["shop/models/b.sql"], ["raw.observations"]],
    }


def test_a_seed_may_have_the_table_of_a_source(ask: Ask) -> None:
    files = {
        "shop/dbt_project.yml": "name: shop\nseeds: {shop: {+schema: raw, +enabled: \"{{ var('load', false) }}\"}}\n",
        "shop/seeds/flights.csv": "id",
    }
    found = ask(files, vars={"load": True})
    assert "shop/seeds/flights.csv" in found["files"]["shop/models/a.sql"]
    # No workflow fills it, and none is missing.
    assert found["tables"] == {}
    assert found["built_from"]["shop/models/a.sql"] == [["shop/seeds/flights.csv"], []]
    (drawn,) = (one for one in found["nodes"] if one["name"] == "a")
    assert (drawn["parents"], drawn["tables"]) == (["shop.flights"], [])
    assert [one["external"] for one in found["declared"]] == [True, False, True]
    assert found["disabled_seeds"] == {}
    disabled = ask(files)
    assert disabled["disabled_seeds"] == {"raw.flights": "shop/seeds/flights.csv"}
    assert "shop/seeds/flights.csv" not in disabled["files"]["shop/models/a.sql"]
    assert disabled["tables"]["shop/models/a.sql"] == ["raw.flights"]
    assert [one["external"] for one in disabled["declared"]] == [True, False, True]
    elsewhere = ask({"shop/dbt_project.yml": "name: shop\nseeds: {shop: {+schema: other}}\n"})
    assert [one["external"] for one in elsewhere["declared"]] == [False, False, True]


def test_the_columns_of_sources(ask: Ask) -> None:
    yaml = "sources:\n  - name: raw\n    tables:\n      - name: trips\n        columns:\n          - name: id\n"
    found = {one["name"]: one["columns"] for one in ask({"shop/models/more.yml": yaml})["declared"]}
    assert found["raw.trips"] == [["id", 6]]
    assert found["landing.flights"] == []


def test_disabled_tests_have_no_parents(needs: Needs) -> None:
    yaml = "models: [{name: c, tests: [{relationships: {to: ref('a'), field: id}}]}]"
    settings = "name: shop\ndata_tests: {shop: {+enabled: false}}\n"
    assert needs("select 1", {f"shop/{YAML}": yaml, "shop/dbt_project.yml": settings}) == {YAML}


def test_versions(needs: Needs) -> None:
    files = {
        "shop/models/v.yml": "models: [{name: v, latest_version: 1, versions: [{v: 1}, {v: 2, defined_in: newer}]}]",
        "shop/models/v_v1.sql": "select 1",
        "shop/models/newer.sql": "select 2",
    }
    assert needs("{{ ref('v') }}", files) == {"models/v_v1.sql"}
    assert needs("{{ ref('v', v=2) }}", files) == {"models/newer.sql"}


def test_snapshots_documentation_and_exposures(ask: Ask) -> None:
    found = ask(
        {
            "shop/snapshots/s.sql": "{% snapshot old %}select * from {{ ref('a') }}{% endsnapshot %}",
            "shop/snapshots/y.yml": "snapshots: [{name: new, relation: ref('old')}]",
            "shop/models/a.yml": "models: [{name: a, description: \"{{ doc('about') }}\"}]",
            "shop/models/about.md": "{% docs about %}Not {{ jinja.{% enddocs %}",
            "shop/models/used.yml": "exposures: [{name: e, depends_on: [ref('b')]}]",
        }
    )
    assert found["problems"] == []
    files = {path: set(needed) - {"shop/dbt_project.yml"} for path, needed in found["files"].items()}
    assert files["shop/snapshots/s.sql"] == {"shop/models/a.sql"}
    assert files["shop/snapshots/y.yml"] == {"shop/snapshots/s.sql"}
    assert files["shop/models/a.sql"] == {"shop/models/a.yml", "shop/models/about.md", "shop/models/sources.yml"}
    assert files["shop/models/used.yml"] == {"shop/models/b.sql"}


def test_tables_of_sources(ask: Ask) -> None:
    found = ask({"shop/models/c.sql": "{{ source('landing', 'weather') }}"})
    assert found["tables"] == {"shop/models/a.sql": ["raw.flights"], "shop/models/c.sql": ["raw.observations"]}
    assert [(one["table"], one["line"], one["external"]) for one in found["declared"]] == [
        ("raw.flights", 5, False),
        ("raw.observations", 6, False),
        ("raw.elsewhere", 8, True),
    ]


@pytest.mark.parametrize(
    "marker",
    [
        "meta: {cascade: {external: true}}",
        "config: {meta: {cascade: {external: true}}}",
        "meta: {dagster: {asset_key: [lake, flights]}}",
        "meta: {dagster: {asset_key: flights}}",
        "config: {external_location: 's3://bucket/{name}.parquet'}",
        "meta: {plugin: excel}",
        "database: elsewhere",
    ],
)
@pytest.mark.parametrize("indent", ["    ", "        "])
def test_sources_that_no_workflow_fills(ask: Ask, marker: str, indent: str) -> None:
    of_source, of_table = (f"{indent}{marker}\n" if indent == spaces else "" for spaces in ("    ", "        "))
    yaml = f"sources:\n  - name: landing\n{of_source}    tables:\n      - name: flights\n{of_table}"
    found = ask({"shop/models/sources.yml": yaml})
    assert [one["external"] for one in found["declared"]] == [True]
    assert not ask({"shop/models/sources.yml": yaml.replace(f"{marker}", "meta: {cascade: 1}")})["declared"][0][
        "external"
    ]


C = "shop/models/c.sql"


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({C: "\n{{ ref('aa') }}", "shop/models/orders.sql": ""}, f"{C}:2: ref('aa') names no model, seed or snapshot."),
        ({C: "{{ ref('ordesr') }}", "shop/models/orders.sql": ""}, "Did you mean 'orders'?"),
        ({C: "{{ source('landing', 'fligths') }}"}, "is declared in no YAML file. Did you mean 'landing.flights'?"),
        ({C: "select 1", "shop/models/x/c.sql": "select 2"}, "x/c.sql:1: The name 'c' is already that of the model in"),
        (
            {C: "{{ ref('d') }}", "shop/models/d.sql": "\n{{ ref('c') }}"},
            "d.sql:2: The refs go round in a circle: c -> d",
        ),
        ({C: "\n{% if %}"}, f"{C}:2: Jinja: "),
        ({"shop/models/x.yml": "models:\n  - name: [\n"}, "shop/models/x.yml:"),
        ({"shop/dbt_project.yml": "name: [\n"}, "shop/dbt_project.yml:"),
        ({C: "{{ ref('other', 'x') }}"}, "names the project other, which is not there."),
        ({"shop/packages.yml": "packages:\n  - local: ../base\n"}, "packages.yml:2: the package ../base is not there"),
        (
            {
                "shop/packages.yml": "packages:\n  - package: lab/there\n  - package: lab/utils\n",
                "shop/dbt_packages/there/dbt_project.yml": "name: there",
            },
            "packages.yml:3: shop/dbt_packages has no package lab/utils, or git ignores it, so Pants does not see it.",
        ),
        (
            {"shop/dependencies.yml": "packages:\n  - git: https://git.example/utils\n"},
            "dependencies.yml:2: shop/dbt_packages has no package https://git.example/utils, or git ignores it",
        ),
    ],
)
def test_mistakes_name_file_and_line(ask: Ask, files: dict[str, str], problem: str) -> None:
    found = ask(files)
    assert len(found["problems"]) == 1
    assert problem in found["problems"][0]


def test_what_has_something_to_build_or_to_test(ask: Ask) -> None:
    files = {
        "shop/models/off.sql": "{{ config(enabled=false) }} select 1",
        "shop/analyses/x.sql": "select 1",
        "shop/macros/m.sql": "{% macro m() %}{% endmacro %}",
        "shop/seeds/s.csv": "a\n1\n",
        "shop/tests/t.sql": "select 1",
        "shop/snapshots/h.sql": "{% snapshot h %}select 1{% endsnapshot %}",
    }
    tested = ("models/a.sql", "models/b.sql", "seeds/s.csv", "snapshots/h.sql", "tests/t.sql")
    assert ask(files)["tested"] == [f"shop/{path}" for path in tested]


def test_data_tests_of_what_is_disabled_are_disabled(ask: Ask) -> None:
    found = ask(
        {
            "shop/models/off.sql": "{{ config(enabled=false) }} select 1",
            "shop/models/b.yml": (
                "models: [{name: b, columns: [{name: id, data_tests: [{relationships: {arguments: "
                "{to: ref('off'), field: id}}}]}]}]"
            ),
            "shop/tests/of_off.sql": "select * from {{ ref('a') }} join {{ ref('off') }} using (id)",
            "shop/tests/of_a.sql": "select * from {{ ref('a') }} where false",
        }
    )
    assert found["problems"] == []
    assert "shop/tests/of_a.sql" in found["tested"]
    assert "shop/tests/of_off.sql" not in found["tested"]
    assert "shop/models/off.sql" not in found["files"]["shop/models/b.sql"]


def test_every_node_needs_the_macros_that_dbt_calls_by_itself(ask: Ask) -> None:
    macros = {
        "schema": "{% macro generate_schema_name(name, node) %}{{ stem(name) }}{% endmacro %}",
        "stem": "{% macro stem(name) %}{{ name }}{% endmacro %}",
        "dated": "{% materialization dated, default %}{% endmaterialization %}",
        "overridden": "{% macro duckdb__current_timestamp() %}now(){% endmacro %}",
        "hook": "{% macro grant() %}select 1{% endmacro %}",
        # The project calls these, or nobody does.
        "share": "{% macro share() %}{{ adapter.dispatch('share', 'shop')() }}{% endmacro %}",
        "adapters": "{% macro default__share() %}{% endmacro %}",
        "unused": "{% macro unused() %}{% endmacro %}",
        "tests": "{% test positive(model) %}select 1{% endtest %}",
    }
    project = "name: shop\nprofile: cascade\non-run-start: ['{{ grant() }}']\n"
    files = {f"shop/macros/{name}.sql": text for name, text in macros.items()}
    found = ask({"shop/dbt_project.yml": project, **files})
    assert found["problems"] == []
    needed = {path for path in found["files"]["shop/models/b.sql"] if path.startswith("shop/macros/")}
    assert needed == {f"shop/macros/{name}.sql" for name in ("schema", "stem", "dated", "overridden", "hook")}
