"""The dbt project as Dagster assets, built by dbt on an embedded lakehouse. Each run of dbt takes seconds."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
from pydantic import BaseModel

from cascade.config import CascadeConfig
from cascade.contributor import LoadedProject
from cascade.dbt.conftest import write_files
from cascade.dbt.contributor import DbtContributor
from cascade.dbt.manifest import current_manifest
from cascade.iceberg import open_lakehouse
from cascade.ingestion import cascade_ingestion
from cascade.table_ref import TableRef

pytestmark = pytest.mark.skipif(importlib.util.find_spec("dagster_dbt") is None, reason="dagster-dbt is not installed")


class Thing(BaseModel):
    id: int
    day: date


@cascade_ingestion(
    table_name="things",
    unique_key="id",
    group="g",
    namespace="lake",
    validation_schema=Thing,
    partition_start=date(2024, 1, 1),
    partition_end=date(2024, 1, 6),
)
def things(partition_date: str) -> list[dict[str, Any]]:
    """Return three things a day."""
    day = date.fromisoformat(partition_date)
    return [{"id": day.day * 10 + number, "day": day} for number in range(3)]


PROJECT = {
    "transforms/dbt/dbt_project.yml": """
name: shop
profile: shop
flags: {send_anonymous_usage_stats: false}
models: {+materialized: table}
""",
    "transforms/dbt/models/sources.yml": "sources: [{name: lake, tables: [{name: things}]}]\n",
    "transforms/dbt/models/silver/daily.sql": """
select day, count(*) as n, '{{ var("partition_start", "none") }}' as since from {{ source('lake', 'things') }}
{% if var("partition_date", none) %} where day = '{{ var("partition_date") }}' {% endif %} group by all
""",
    "transforms/dbt/models/gold/total.sql": """
select sum(n)::int as n, any_value(name) as name from {{ ref('daily') }} cross join {{ ref('names') }}
""",
    "transforms/dbt/models/gold/models.yml": """
models:
  - name: total
    description: All things.
    config: {tags: [mart], meta: {dagster: {owners: [ann@shop.example]}}}
    columns:
      - name: n
        data_tests: [not_null, {accepted_values: {arguments: {values: [3]}}}]
""",
    "transforms/dbt/seeds/names.csv": "name\nshop\n",
    "transforms/dbt/snapshots/kept.yml": """
snapshots:
  - name: kept
    relation: ref('names')
    config: {unique_key: name, strategy: check, check_cols: all}
""",
}
TOTAL, DAILY, NAMES, THINGS = (dg.AssetKey(name) for name in ("total", "daily", "names", "things"))
IN_LAKE = dg.AssetKey(["lake", "things"])


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a project that is parsed and built once. No test changes its files."""
    root = tmp_path_factory.mktemp("shop")
    write_files(root, PROJECT)
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("CASCADE_", "DBT_"))]:
            patch.delenv(name)
        yield root


def definitions_of(root: Path, **settings: Any) -> dg.Definitions:
    config = CascadeConfig(project_root=root, **settings)
    modules = {__name__: sys.modules[__name__]}
    project = LoadedProject(config, modules, (things,), dbt_assets_directory=config.dbt_project_directory)
    contribution = DbtContributor().contribute(project)
    assert contribution.failures == ()
    resources = {"lakehouse": dg.ResourceDefinition(resource_fn=lambda _: open_lakehouse(config))}
    return dg.Definitions([things.asset, *contribution.assets], resources=resources, executor=dg.in_process_executor)


@pytest.fixture(scope="module")
def definitions(root: Path) -> dg.Definitions:
    return definitions_of(root)


def run(definitions: dg.Definitions, day: str, *keys: dg.AssetKey) -> dg.ExecuteInProcessResult:
    job = definitions.resolve_implicit_global_asset_job_def()
    return job.execute_in_process(partition_key=day, asset_selection=list(keys), raise_on_error=False)


def test_the_lineage_goes_from_the_workflow_to_the_mart(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    assert set(graph.get_all_asset_keys()) == {IN_LAKE, DAILY, TOTAL, NAMES, dg.AssetKey("kept")}
    assert graph.get(DAILY).parent_keys == {IN_LAKE}
    assert graph.get(TOTAL).parent_keys == {DAILY, NAMES}
    assert {graph.get(key).group_name for key in (DAILY, TOTAL, IN_LAKE)} == {"silver", "gold", "g"}
    total = graph.get(TOTAL)
    assert "All things." in (total.description or "")
    assert (list(total.owners), "mart" in total.tags) == (["ann@shop.example"], True)
    checks = {key.name for key in graph.get_check_keys_for_assets({TOTAL})}
    assert checks == {"not_null_total_n", "accepted_values_total_n__3"}


def test_all_nodes_are_assets_without_asking_the_selection_of_dbt(
    definitions: dg.Definitions, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dagster_dbt import asset_utils, utils

    manifest = json.loads(current_manifest(CascadeConfig(project_root=root)).read_bytes())
    everything: dict[str, Any] = {"select": "fqn:*", "exclude": "", "selector": "", "project": None}
    select: Any = vars(asset_utils)["select_unique_ids"]
    selected = select(**everything, manifest_json=manifest)
    assert set(manifest["nodes"]) == {node for node in selected if not node.startswith("source.")}

    monkeypatch.setattr(utils, "_select_unique_ids_from_manifest", lambda *_: pytest.fail("dbt was asked"))
    before = definitions.resolve_asset_graph()
    assert definitions_of(root).resolve_asset_graph().get_all_asset_keys() == before.get_all_asset_keys()
    with pytest.raises(pytest.fail.Exception):
        select(**everything, manifest_json=manifest)


def test_a_workflow_that_never_ran_has_no_rows(definitions: dg.Definitions, root: Path) -> None:
    assert run(definitions, "2024-01-02", DAILY).success
    with duckdb.connect(root / ".cascade/dbt/lakehouse.duckdb", read_only=True) as connection:
        assert connection.execute("select count(*) from daily").fetchall() == [(0,)]
        described = connection.execute("select column_name, column_type from (describe lake.things)").fetchall()
        assert described == [("id", "BIGINT"), ("day", "DATE")]
    assert open_lakehouse(CascadeConfig(project_root=root)).load(TableRef("lake", "things")) is None


def test_a_run_ingests_builds_and_tests_and_a_failed_test_is_a_failed_check(
    definitions: dg.Definitions, root: Path
) -> None:
    result = run(definitions, "2024-01-02", IN_LAKE, DAILY, NAMES, TOTAL)
    assert result.success
    with duckdb.connect(root / ".cascade/dbt/lakehouse.duckdb", read_only=True) as connection:
        found = connection.execute("select day::text, n, since from daily").fetchall()
        assert found == [("2024-01-02", 3, "2024-01-02T00:00:00+00:00")]
        assert connection.execute("select n, name from total").fetchall() == [(3, "shop")]
    passed = {check.check_name: check.passed for check in result.get_asset_check_evaluations()}
    assert passed["accepted_values_total_n__3"] and passed["not_null_total_n"]
    made = {event.asset_key: event.metadata for event in result.asset_materializations_for_node("dbt_build")}
    assert made[TOTAL]["dagster/row_count"].value == 1
    assert "dagster/column_lineage" in made[TOTAL]
    # What dbt wrote for the run is gone, and nothing is in the project's own directory.
    assert list((root / ".cascade/dbt/runs").iterdir()) == []
    ours = {"dbt_project.yml", "models", "seeds", "snapshots"}
    assert {path.name for path in (root / "transforms/dbt").iterdir()} == ours

    # No thing of this day was ingested, so the sum is null. This needs the DuckDB file, which the first run must not
    # keep open in this process.
    result = run(definitions, "2024-01-05", DAILY, TOTAL)
    assert not result.success
    failed = {check.check_name for check in result.get_asset_check_evaluations() if not check.passed}
    assert failed == {"not_null_total_n"}
    assert list((root / ".cascade/dbt/runs").glob("*/dbt.log"))
