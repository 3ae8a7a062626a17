"""What dbt builds on a branch on Trino, and where it finds the models that it does not build."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cascade.config import CascadeConfig
from cascade.dbt import deferral
from cascade.dbt.conftest import config
from cascade.dbt.deferral import elsewhere, has_built_on_trino, prepare_deferral, require_on_branch
from cascade.dbt.profile import dbt_environment
from cascade.dbt.trino_schema import trino_schema
from cascade.exceptions import UsageError

__all__ = ["config"]


@pytest.fixture
def branch(config: CascadeConfig) -> CascadeConfig:
    """Return the settings of a branch on Trino."""
    return CascadeConfig(project_root=config.project_root, branch="mine", trino_host="trino", trino_schema="marts")


def node(kind: str, schema: str, database: str = "iceberg", **config: Any) -> dict[str, Any]:
    return {"resource_type": kind, "schema": schema, "database": database, "config": config}


def manifest(branch: CascadeConfig, schema: str) -> dict[str, Any]:
    own = trino_schema(branch)
    return {
        "nodes": {
            "model.shop.days": node("model", own),
            "model.shop.gold": node("model", f"{own}_gold"),
            "model.shop.inline": node("model", "marts", materialized="ephemeral"),
            "test.shop.unique": node("test", "marts_dbt_test__audit"),
            "model.shop.fixed": node("model", schema),
        }
    }


def test_dbt_gets_a_schema_of_the_branch_and_defers_to_main(branch: CascadeConfig, config: CascadeConfig) -> None:
    variables = dbt_environment(branch)
    assert variables["DBT_CASCADE_TRINO_SCHEMA"] == trino_schema(branch) != "marts"
    assert (variables["DBT_CASCADE_BRANCH"], variables["DBT_DEFER"]) == ("mine", "true")
    on_main = dbt_environment(branch.model_copy(update={"branch": "main"}))
    assert on_main["DBT_CASCADE_TRINO_SCHEMA"] == "marts" and "DBT_DEFER" not in on_main
    embedded = dbt_environment(branch.model_copy(update={"dbt_target": "embedded"}))
    assert "DBT_DEFER" not in embedded and "DBT_CASCADE_BRANCH" not in embedded


@pytest.mark.parametrize("schema", ["marts", "marts_gold", "gold"])
def test_a_model_that_would_go_to_a_schema_of_main_is_refused(branch: CascadeConfig, schema: str) -> None:
    found = manifest(branch, schema)
    assert elsewhere(branch, found) == {
        "model.shop.fixed": f"dbt would build it in iceberg.{schema}, and not in the schema of the branch"
    }
    require_on_branch(branch, found, frozenset({"model.shop.days", "model.shop.gold"}))
    for nodes in (None, frozenset({"model.shop.fixed"})):
        with pytest.raises(UsageError, match=f'fixed cannot be built on the branch "mine": .* iceberg.{schema}'):
            require_on_branch(branch, found, nodes)


def test_what_writes_elsewhere_in_other_ways_is_refused_too(branch: CascadeConfig) -> None:
    own = trino_schema(branch)
    found = {
        "model.shop.other": node("model", own, "memory"),
        "snapshot.shop.over_time": node("snapshot", own),
        "test.shop.stored": node("test", "marts_dbt_test__audit", store_failures=True),
    }
    assert elsewhere(branch, {"nodes": found}).keys() == found.keys()
    # A build runs the tests of what it builds.
    with pytest.raises(UsageError, match="stored cannot be built"):
        require_on_branch(branch, {"nodes": found}, frozenset())
    on_main = branch.model_copy(update={"branch": "main"})
    assert elsewhere(on_main, {"nodes": found}) == {}


def test_the_manifest_of_the_last_build_of_production_says_where_main_has_its_models(
    branch: CascadeConfig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    parsed: list[str] = []
    now = tmp_path / "now.json"
    now.write_text('{"now": true}')

    def parse(config: CascadeConfig) -> Path:
        parsed.append(config.branch)
        return now

    monkeypatch.setattr(deferral, "current_manifest", parse)
    place = Path(dbt_environment(branch)["DBT_DEFER_STATE"]) / "manifest.json"
    directory = branch.state_directory / "branches" / "mine"
    assert not has_built_on_trino(directory)
    prepare_deferral(branch)
    assert json.loads(place.read_bytes()) == {"now": True} and parsed == ["main"] and has_built_on_trino(directory)
    kept = branch.state_directory / "dbt" / "state" / "manifest.json"
    kept.parent.mkdir(parents=True)
    # That of a build in DuckDB does not say where Trino has the models.
    for adapter, taken in (("duckdb", False), ("trino", True)):
        kept.write_text(json.dumps({"metadata": {"adapter_type": adapter}}))
        prepare_deferral(branch)
        assert ("metadata" in json.loads(place.read_bytes())) is taken
    prepare_deferral(branch.model_copy(update={"branch": "main"}))
    assert len(parsed) == 2
