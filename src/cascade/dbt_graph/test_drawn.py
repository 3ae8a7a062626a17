"""What a drawing shows of a dbt project."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Ask = Callable[..., dict[str, Any]]


def nodes(ask: Ask, files: dict[str, str] | None = None) -> dict[str, dict[str, Any]]:
    return {node["name"]: node for node in ask(files)["nodes"]}


def test_models_have_their_parents_and_tables(ask: Ask) -> None:
    found = nodes(
        ask,
        {"shop/models/gold/deep/c.sql": "select * from {{ ref('b') }} join {{ ref('d') }}", "shop/seeds/d.csv": "id\n"},
    )
    assert found["a"] == {
        "key": "shop.a",
        "kind": "model",
        "name": "a",
        "file": "shop/models/a.sql",
        "line": 1,
        "folder": "shop/models",
        "parents": [],
        "tables": ["raw.flights"],
        "description": "",
        "materialized": "",
        "mart": None,
    }
    assert (found["c"]["folder"], found["c"]["parents"]) == ("shop/models/gold", ["shop.b", "shop.d"])
    assert found["d"]["kind"] == "seed"


def test_tests_and_disabled_models_are_left_out(ask: Ask) -> None:
    files = {
        "shop/models/off.sql": "{{ config(enabled=false) }} select 1",
        "shop/tests/one.sql": "select * from {{ ref('a') }}",
        "shop/models/any.sql": "select * from {{ ref(var('which')) }}",
    }
    found = nodes(ask, files)
    assert {*found} == {"a", "any", "b"}
    # An unknown `ref` may be any model, which would be an edge to each.
    assert found["any"]["parents"] == []


def test_marts_come_from_models_their_yaml_and_the_project(ask: Ask) -> None:
    settings = "{wide: {+meta: {cascade: {publish: postgres}}, +schema: dw}}"
    files = {
        "shop/dbt_project.yml": f"name: shop\nmodels: {{shop: {settings}}}\n",
        "shop/models/one.sql": "{{ config(meta={'cascade': {'publish': 'postgres'}}) }} select 1",
        "shop/models/two.sql": "select 2",
        "shop/models/two.yml": (
            'models: [{name: two, description: "Two\\nlines.", config: {materialized: table, '
            "meta: {cascade: {publish: {to: postgres, schema: s, table: t}}}}}]"
        ),
        "shop/models/wide/three.sql": "select 3",
    }
    found = nodes(ask, files)
    assert {name: node["mart"] for name, node in found.items() if node["mart"]} == {
        "one": "public.one",
        "two": "s.t",
        "three": "dw.three",
    }
    assert (found["two"]["description"], found["two"]["materialized"]) == ("Two lines.", "table")


def test_versions_are_told_apart(ask: Ask) -> None:
    files = {
        "shop/models/m_v1.sql": "select 1",
        "shop/models/m_v2.sql": "select * from {{ ref('m', v=1) }}",
        "shop/models/m.yml": "models: [{name: m, latest_version: 2, versions: [{v: 1}, {v: 2}]}]",
    }
    found = nodes(ask, files)
    assert found["m.v2"]["parents"] == ["shop.m.1"]


def test_a_description_that_only_dbt_can_tell_is_left_out(ask: Ask) -> None:
    yaml = "models: [{name: a, description: \"{{ doc('a') }}\"}, {name: b, description: 7}]"
    found = nodes(ask, {"shop/models/m.yml": yaml})
    assert (found["a"]["description"], found["b"]["description"]) == ("", "")


def test_a_project_that_cannot_be_read_has_no_nodes(ask: Ask) -> None:
    assert ask({"shop/dbt_project.yml": "name: [shop"})["nodes"] == []
