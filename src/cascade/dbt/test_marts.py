"""What the YAML of a model says about publishing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cascade.dbt.marts import Mart, read_marts
from cascade.exceptions import UsageError
from cascade.marts.table import MartTable


def node(name: str, publish: Any = None, **config: Any) -> dict[str, Any]:
    meta = {} if publish is None else {"cascade": {"publish": publish}}
    return {
        "unique_id": f"model.shop.{name}",
        "name": name,
        "alias": f"{name}_alias",
        "schema": "main",
        "fqn": ["shop", "gold", name],
        "original_file_path": f"models/gold/{name}.sql",
        "description": "",
        "config": {"meta": meta, "materialized": "table", **config},
    }


def marts_of(directory: Path, *nodes: dict[str, Any]) -> tuple[Mart, ...]:
    return read_marts({"nodes": {each["unique_id"]: each for each in nodes}}, directory / "dbt")


def test_a_model_is_published_where_its_yaml_says(tmp_path: Path) -> None:
    total, daily = marts_of(
        tmp_path,
        node("total", "postgres", schema="reports", unique_key="day"),
        node("plain"),
        node("daily", {"to": "postgres", "schema": "x", "table": "y", "unique_key": ["a", "b"]}, unique_key="c")
        | {"description": "Days."},
    )[::-1]
    assert total == Mart(
        "model.shop.total",
        "total",
        "shop.gold.total",
        ("main", "total_alias"),
        MartTable("reports", "total", ("day",), "The dbt model total."),
    )
    assert (daily.table, daily.asset_key) == (MartTable("x", "y", ("a", "b"), "Days."), ("postgres", "x", "y"))


def test_the_default_schema_is_public_and_the_old_place_of_meta_counts(tmp_path: Path) -> None:
    old = node("total") | {"meta": {"cascade": {"publish": "postgres"}}}
    [mart] = marts_of(tmp_path, old)
    assert mart.table == MartTable("public", "total", (), "The dbt model total.")


@pytest.mark.parametrize(
    ("publish", "config", "problem"),
    [
        ("mysql", {}, '"mysql" is not a place to publish to. The only one is "postgres"'),
        ({"too": "postgres"}, {}, '"too" is not an option. Did you mean "to"?'),
        ("postgres", {"materialized": "ephemeral"}, "an ephemeral model has no rows of its own"),
        ({"table": "x" * 64}, {}, "is not a name in PostgreSQL, which has 1 to 63 bytes"),
        ({"schema": 7}, {}, "7 is not a name in PostgreSQL"),
        ("postgres", {"unique_key": [1]}, r"unique_key is [1], which is not a column or a list of columns"),
    ],
)
def test_what_is_wrong_is_named_with_the_file(
    tmp_path: Path, publish: Any, config: dict[str, Any], problem: str
) -> None:
    with pytest.raises(UsageError) as refused:
        marts_of(tmp_path, node("total", publish, **config))
    assert f"{tmp_path}/dbt/models/gold/total.sql:1: meta.cascade.publish of the model total: " in str(refused.value)
    assert problem in str(refused.value)


def test_two_models_cannot_have_one_table(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"The models total and other are both published as public.total"):
        marts_of(tmp_path, node("total", "postgres"), node("other", {"table": "total"}))
