"""What a batch says about models, tests and rows. dbt runs once for most of it, since it takes seconds to start."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cascade.dbt import dbt_is_installed
from cascade.testing.dbt_batch.__main__ import main

pytestmark = pytest.mark.skipif(not dbt_is_installed(), reason="dbt is not installed")

WORKFLOW = """
from datetime import date

from pydantic import BaseModel

from cascade import cascade_ingestion


class Sale(BaseModel):
    id: int
    sold_on: date


class Shop(BaseModel):
    shop: str


@cascade_ingestion(table_name="sales", unique_key="id", validation_schema=Sale)
def sales(partition_date: str) -> list[dict[str, object]]:
    raise AssertionError("A test of models does not call the function of a workflow.")


@cascade_ingestion(table_name="shops", unique_key="shop", validation_schema=Shop, partitions=None)
def shops() -> list[dict[str, object]]:
    raise AssertionError("A test of models does not call the function of a workflow.")
"""
YAML = """
models:
  - name: daily
    columns:
      - name: sold_on
        data_tests: [not_null, unique]
      - name: n
        data_tests:
          - accepted_values: {arguments: {values: [1]}}
  - name: broken
    columns: [{name: day, data_tests: [not_null]}]
  # In no file of the request, so that dbt must not see it.
  - name: elsewhere
    columns: [{name: x, data_tests: [not_null]}]
unit_tests:
  - name: counts_by_day
    model: daily
    given: [{input: "source('raw', 'sales')", rows: [{id: 1, sold_on: 2024-01-01}]}]
    expect: {rows: [{sold_on: 2024-01-01, n: 2}]}
  - name: of_elsewhere
    model: elsewhere
    given: []
    expect: {rows: []}
exposures:
  - {name: board, type: dashboard, owner: {name: ann}, depends_on: [ref('elsewhere')]}
"""
SOURCES = """
sources:
  - name: raw
    tables:
      - name: sales
        columns:
          - name: id
            data_tests: [unique]
          - {name: sold_on, data_tests: [unique]}
      - name: shops
        columns: [{name: shop, data_tests: [not_null]}]
  - {name: landing, tables: [{name: coins}]}
"""
SCHEMAS = """
{% macro generate_schema_name(custom, node) %}{{ 'landing' if node.name == 'coins' else target.schema }}{% endmacro %}
"""
FILES = {
    "src/batch_shop/sales.py": WORKFLOW,
    "src/batch_shop/testdata/sales.jsonl": '{"id": 1, "sold_on": "2024-01-01"}\n{"id": 2, "sold_on": "2024-01-01"}\n',
    "sql/dbt_project.yml": "name: shop\nprofile: cascade\n",
    "sql/models/sources.yml": SOURCES,
    "sql/models/properties.yml": YAML,
    "sql/models/daily.sql": "select sold_on, count(*) as n from {{ source('raw', 'sales') }} group by 1",
    "sql/packages.yml": "packages: [{local: ../base}]\n",
    "base/dbt_project.yml": "name: base\n",
    "base/macros/tier.sql": "{% macro tier() %}'{{ var(\"tier\") }}'{% endmacro %}",
    "sql/models/shops.sql": "select shop, {{ base.tier() }} as tier from {{ source('raw', 'shops') }}",
    "sql/models/base.sql": "select nope from {{ source('raw', 'sales') }}",
    "sql/models/broken.sql": "select nope as day from {{ ref('base') }}",
    "sql/seeds/rates.csv": "day,rate\n2024-01-01,1.5\n",
    # A source that is a seed of the project itself.
    "sql/macros/generate_schema_name.sql": SCHEMAS,
    "sql/seeds/coins.csv": "coin,worth\npenny,1\n",
    "sql/models/coins_in_use.sql": "select coin from {{ source('landing', 'coins') }}",
    "sql/tests/all_shops_have_a_tier.sql": "select * from {{ ref('shops') }} where tier <> 'b'",
}
TESTED = (
    *("sql/models/daily.sql", "sql/models/shops.sql", "sql/models/broken.sql", "sql/seeds/rates.csv"),
    "sql/models/coins_in_use.sql",
    "sql/tests/all_shops_have_a_tier.sql",
)


def request(**changes: Any) -> dict[str, Any]:
    return {
        "directory": "sql",
        "files": [path for path in FILES if path.startswith(("sql/", "base/"))],
        "tested": list(TESTED),
        "tables": [
            {"table": "raw.sales", "module": "batch_shop.sales", "rows": "src/batch_shop/testdata/sales.jsonl"},
            {"table": "raw.shops", "module": "batch_shop.sales", "rows": None},
        ],
        "vars": {"tier": "b"},
        "threads": 2,
        "output": "out",
        "source_tests": {"raw.sales": "sql/models/daily.sql"},
        **changes,
    }


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a directory with a workflow and a dbt project, as the working directory."""
    root = tmp_path_factory.mktemp("batch")
    for path, text in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    before = dict(os.environ)
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("CASCADE_", "DBT_"))]:
            patch.delenv(name)
        patch.chdir(root)
        patch.syspath_prepend(str(root / "src"))
        yield root
        sys.modules.pop("batch_shop.sales", None)
    os.environ.clear()
    os.environ.update(before)


def run(project: Path, asked: dict[str, Any]) -> int:
    (project / "request.json").write_text(json.dumps(asked))
    return main([str(project / "request.json")])


@pytest.fixture(scope="module")
def outcomes(project: Path) -> dict[str, dict[str, Any]]:
    """Return what became of each file."""
    assert run(project, request()) == 1
    found: dict[str, dict[str, Any]] = json.loads((project / "out/results.json").read_text())["files"]
    assert list(found) == list(TESTED)
    return found


def test_a_model_has_a_line_for_each_of_its_tests(outcomes: dict[str, dict[str, Any]]) -> None:
    daily = outcomes["sql/models/daily.sql"]
    assert (daily["failed"], daily["cases"]) == (True, 7)
    lines = daily["text"].splitlines()
    assert "sql/models/properties.yml:9: accepted_values_daily_n__1: fail" in lines
    # The rows for which the test fails.
    assert "  value_field=2, n_records=1" in lines
    assert "  Compiled SQL: compiled/accepted_values_daily_n__1.sql" in lines
    assert "sql/models/properties.yml:16: counts_by_day: fail" in lines
    # So are the tests of the source that it reads, but not those of `shops`, which belong to a file that is not tested.
    assert "sql/models/sources.yml:9: source_unique_raw_sales_sold_on: fail" in lines
    assert lines[-4:] == [
        "sql/models/daily.sql:1: daily: success",
        "sql/models/properties.yml:6: not_null_daily_sold_on: pass",
        "sql/models/properties.yml:6: unique_daily_sold_on: pass",
        "sql/models/sources.yml:8: source_unique_raw_sales_id: pass",
    ]
    assert '<testsuite name="sql/models/daily.sql" tests="7" failures="3"' in daily["junit"]


def test_the_compiled_sql_of_what_failed_is_beside_the_results(
    project: Path, outcomes: dict[str, dict[str, Any]]
) -> None:
    compiled = {file for outcome in outcomes.values() for file in outcome["compiled"]}
    assert "compiled/base.sql" in compiled
    assert all("select" in (project / "out" / file).read_text() for file in compiled)


def test_a_table_without_rows_is_empty_and_variables_reach_the_models(outcomes: dict[str, dict[str, Any]]) -> None:
    shops = outcomes["sql/models/shops.sql"]
    assert (shops["failed"], shops["text"]) == (False, "sql/models/shops.sql:1: shops: success\n")
    singular = outcomes["sql/tests/all_shops_have_a_tier.sql"]
    assert singular["text"] == "sql/tests/all_shops_have_a_tier.sql:1: all_shops_have_a_tier: pass\n"
    assert outcomes["sql/seeds/rates.csv"]["text"] == "sql/seeds/rates.csv:1: rates: success\n"


def test_a_seed_that_a_source_names_is_built_first(outcomes: dict[str, dict[str, Any]]) -> None:
    assert outcomes["sql/models/coins_in_use.sql"]["text"] == "sql/models/coins_in_use.sql:1: coins_in_use: success\n"


def test_a_model_above_a_broken_one_shows_the_broken_one(outcomes: dict[str, dict[str, Any]]) -> None:
    text = outcomes["sql/models/broken.sql"]["text"]
    assert "sql/models/broken.sql:1: broken: skipped" in text
    assert "sql/models/properties.yml:11: not_null_broken_day: skipped\n  What it tests could not be built." in text
    assert "sql/models/base.sql:1: base: error" in text
    assert "nope" in text


def test_rows_that_the_schema_refuses(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "bad.jsonl").write_text('{"id": "x", "sold_on": "2024-01-01"}\n{"id": 2, "sold_on": "2024-01-01"}\n')
    table = {"table": "raw.sales", "module": "batch_shop.sales", "rows": "bad.jsonl"}
    assert run(project, request(tables=[table])) == 2
    said = capsys.readouterr().err
    assert said.startswith("bad.jsonl:1: The schema of raw.sales refuses 1 of the rows:")
    assert "id" in said
    assert "'x'" in said


def test_a_module_without_the_workflow(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "one.jsonl").write_text('{"id": 2}\n')
    table = {"table": "raw.sails", "module": "batch_shop.sales", "rows": "one.jsonl"}
    assert run(project, request(tables=[table])) == 2
    assert "batch_shop.sales has no workflow of raw.sails at its top level." in capsys.readouterr().err
