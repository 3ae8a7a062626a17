"""What a model needs, by what its template calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Needs = Callable[..., set[str]]
A, B = "models/a.sql", "models/b.sql"


@pytest.mark.parametrize(
    ("sql", "needed"),
    [
        ("{{ ref('a') }}", {A}),
        ("{{ ref('shop', 'a') }} -- {# ref('b') #}", {A}),
        ("{% set x = 'a' %}{{ ref(x) }}", {A}),
        ("{% for x in ['a', 'b'] %}{{ ref(x) }}{% if not loop.last %},{% endif %}{% endfor %}", {A, B}),
        ("{% set many = [] %}{% for x in ['a'] %}{% do many.append(x) %}{% endfor %}{{ ref(many[0]) }}", {A}),
        ("{% set ns = namespace(x='b') %}{% if true %}{% set ns.x = 'a' %}{% endif %}{{ ref(ns.x) }}", {A}),
        ("{% for k, v in {'a': 1}.items() %}{{ ref(k) }}{% endfor %}", {A}),
        ("{{ ref('a' if target.name == 'embedded' else 'b') }}", {A}),
        ("{{ ref('A' | lower) }}", {A}),
        ("{{ ref('_a'.replace('_', '')) }}", {A}),
        ("{% set name %}a{% endset %}{{ ref(name) }}", {A}),
        (
            "{% for day in range(var('days')) %}{% if day == 5 %}{{ ref('b') }}{% endif %}{% endfor %}{{ ref('a') }}",
            {A},
        ),
        ("{{ ref(var('absent', 'a')) }}", {A}),
        # Only a database knows, so either may be.
        ("{% if adapter.get_relation() %}{{ ref('a') }}{% else %}{{ ref('b') }}{% endif %}", {A, B}),
        # dbt does not see these either, because nothing is executed while it parses.
        ("{% if execute %}{{ ref('b') }}{% endif %}{{ ref('a') }}", {A}),
        ("{% if is_incremental() %}{{ ref('b') }}{% endif %}{{ ref('a') }}", {A}),
        ("{% for x in [1, 2] %}{% break %}{% endfor %}{{ ref('a') }}", {A}),
        ("{{ config(post_hook=\"insert into x select * from {{ ref('a') }}\") }}select 1", {A}),
        ("{% call statement('x') %}select * from {{ ref('a') }}{% endcall %}", {A}),
        ("{% raw %}{{ ref('b') }}{% endraw %}{{ ref('a') }}", {A}),
    ],
)
def test_the_refs_of_a_template(needs: Needs, sql: str, needed: set[str]) -> None:
    assert needs(sql) == needed


MACROS = "shop/macros/m.sql"


@pytest.mark.parametrize(
    ("sql", "macro", "needed"),
    [
        ("{{ m() }}", "{% macro m() %}select * from {{ ref('a') }}{% endmacro %}", {A}),
        ("{{ m('a') }}", "{% macro m(x) %}{{ ref(x) }}{% endmacro %}", {A}),
        ("{{ m() }}", "{% macro m(x='a') %}{{ n(x) }}{% endmacro %}{% macro n(y) %}{{ ref(y) }}{% endmacro %}", {A}),
        ("{{ shop.m(x='a') }}", "{% macro m() %}{{ ref(kwargs['x']) }}{% endmacro %}", {A}),
        ("{{ ref(m(2)) }}", "{% macro m(x) %}{{ return('a' if x == 2 else 'b') }}{% endmacro %}", {A}),
        ("{{ ref(m() | trim) }}", "{% macro m() %} a {% endmacro %}", {A}),
        (
            "{{ m() }}",
            "{% macro m() %}{% if not execute %}{{ return('') }}{% endif %}{{ ref('b') }}{% endmacro %}",
            set(),
        ),
        (
            "{{ m() }}",
            "{% macro m() %}{{ return(adapter.dispatch('m', 'shop')()) }}{% endmacro %}"
            "{% macro default__m() %}{{ ref('a') }}{% endmacro %}",
            {A},
        ),
        # A recursive macro ends.
        ("{{ m('a') }}", "{% macro m(x) %}{{ ref(x) }}{{ m(x) }}{% endmacro %}", {A}),
        # An overridden `ref`, as dbt's documentation shows it.
        (
            "{{ ref('a') }}",
            "{% macro ref() %}{% set name = varargs[0] %}"
            "{% do return(builtins.ref(name).include(database=false)) %}{% endmacro %}",
            {A},
        ),
        ("{{ ref('z') }}", "{% macro ref(x) %}{{ return(builtins.ref('a')) }}{% endmacro %}", {A}),
    ],
)
def test_the_refs_of_the_macros_that_a_model_calls(needs: Needs, sql: str, macro: str, needed: set[str]) -> None:
    assert needs(sql, {MACROS: macro}) == {"macros/m.sql", *needed}


def test_a_macro_that_is_not_called_is_not_needed(needs: Needs) -> None:
    assert needs("select 1", {MACROS: "{% macro m() %}{{ ref('a') }}{% endmacro %}"}) == set()


def test_macros_outside_of_the_project(needs: Needs) -> None:
    files = {
        "shop/dbt_project.yml": "name: shop\nmacro-paths: [macros, ../shared]\n",
        "shared/m.sql": "{% macro m() %}{{ ref('a') }}{% endmacro %}",
    }
    assert needs("{{ m() }}", files) == {A, "shared/m.sql"}


def test_a_package_of_the_repository(needs: Needs) -> None:
    files = {
        "shop/packages.yml": "packages:\n  - local: ../base\n",
        "base/dbt_project.yml": "name: base\n",
        "base/models/countries.sql": "select 1",
        "base/macros/m.sql": "{% macro m() %}{{ n() }}{% endmacro %}{% macro n() %}{{ ref('a') }}{% endmacro %}",
    }
    needed = needs("{{ base.m() }}{{ ref('base', 'countries') }}", files)
    assert needed == {A, "base/macros/m.sql", "base/models/countries.sql", "packages.yml"}


def test_the_target_decides_what_is_enabled(needs: Needs, ask: Callable[..., dict[str, object]]) -> None:
    settings = "name: shop\nmodels: {shop: {extra: {+enabled: \"{{ target.name == 'production' }}\"}}}\n"
    files = {"shop/dbt_project.yml": settings, "shop/models/extra/d.sql": "select 1"}
    assert needs("{{ ref('d') }}", files, target="production") == {"models/extra/d.sql"}
    assert ask(files)["problems"] == [
        "shop/models/c.sql:1: ref('d') names a model that is disabled (shop/models/extra/d.sql:1)."
    ]


def test_a_model_in_python(needs: Needs) -> None:
    source = 'def model(dbt, session):\n    dbt.source("landing", "weather")\n    return dbt.ref("a")\n'
    assert needs("{{ ref('p') }}", {"shop/models/p.py": source}) == {"models/p.py"}


def test_what_is_computed_may_be_any_model(ask: Callable[..., dict[str, Any]]) -> None:
    found = ask({"shop/models/c.sql": "select 1\nfrom {{ ref(env_var('MODEL')) }}", "shop/seeds/s.csv": "id\n1\n"})
    assert found["computed"] == ["shop/models/c.sql:2"]
    everything = {"shop/models/a.sql", "shop/models/b.sql", "shop/seeds/s.csv", "shop/dbt_project.yml"}
    assert set(found["files"]["shop/models/c.sql"]) == everything
