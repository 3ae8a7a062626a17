"""Models of dbt that are published to a real PostgreSQL server, by the command and by Dagster."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from click.testing import CliRunner, Result

from cascade.config import CascadeConfig
from cascade.contributor import LoadedProject
from cascade.dbt.conftest import write_files
from cascade.dbt.contributor import DbtContributor
from cascade.dbt.process import run_dbt
from cascade.marts.server import connected

pytestmark = pytest.mark.skipif(importlib.util.find_spec("dagster_dbt") is None, reason="dagster-dbt is not installed")

PROJECT = {
    "pyproject.toml": "[tool.cascade]\n",
    "transforms/dbt/dbt_project.yml": """
name: shop
profile: shop
flags: {send_anonymous_usage_stats: false}
models: {+materialized: table}
""",
    "transforms/dbt/models/gold/sales.sql": "select unnest([1, 2, 3]) as id, 'a' as name",
    "transforms/dbt/models/gold/checked.sql": "select unnest([1, 2]) as id",
    "transforms/dbt/models/gold/models.yml": """
models:
  - name: sales
    description: All sales.
    config: {unique_key: id, meta: {cascade: {publish: postgres}, dagster: {owners: [ann@shop.example]}}}
    columns:
      - name: id
        data_tests:
          - accepted_values: {arguments: {values: [1]}, config: {severity: warn}}
          - relationships: {arguments: {to: ref('checked'), field: id}, config: {severity: warn}}
  - name: checked
    config: {meta: {cascade: {publish: {to: postgres, schema: reports}}}}
    columns: [{name: id, data_tests: [not_null, unique]}]
""",
}
SALES, CHECKED = dg.AssetKey(["postgres", "public", "sales"]), dg.AssetKey(["postgres", "reports", "checked"])


@pytest.fixture
def config(mart_settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CascadeConfig:
    """Return the settings of a project in the working directory, with a new database."""
    for name in [name for name in os.environ if name.startswith(("CASCADE_", "DBT_"))]:
        monkeypatch.delenv(name)
    write_files(tmp_path, PROJECT)
    monkeypatch.chdir(tmp_path)
    for name, value in mart_settings.items():
        monkeypatch.setenv(f"CASCADE_{name.upper()}", str(value))
    return CascadeConfig.from_user_config()


def cascade(*words: str) -> Result:
    from cascade.cli.main import cli

    return CliRunner().invoke(cli, words, prog_name="cascade")


def ask(config: CascadeConfig, sql: str) -> list[Any]:
    with connected(config) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def definitions_of(config: CascadeConfig) -> dg.Definitions:
    project = LoadedProject(config, dbt_assets_directory=config.dbt_project_directory)
    contribution = DbtContributor().contribute(project)
    assert contribution.failures == ()
    return dg.Definitions(list(contribution.assets), executor=dg.in_process_executor)


def run(definitions: dg.Definitions, *keys: dg.AssetKey) -> dg.ExecuteInProcessResult:
    job = definitions.resolve_implicit_global_asset_job_def()
    return job.execute_in_process(asset_selection=list(keys), raise_on_error=False)


def test_the_command_publishes_models_whose_tests_pass(config: CascadeConfig) -> None:
    result = cascade("publish", "sale")
    assert result.exit_code == 2
    assert 'Did you mean "sales"?' in result.stderr
    result = cascade("publish", "sales")
    assert (result.exit_code, "The model sales has not been built yet." in result.stderr) == (1, True), result.output

    assert run_dbt(config, ["--quiet", "build"]) == 0
    result = cascade("publish")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == ["reports.checked: 2 rows, 2 inserted", "public.sales: 3 rows, 3 inserted"]
    assert ask(config, "SELECT id, name FROM public.sales ORDER BY id") == [(1, "a"), (2, "a"), (3, "a")]
    [(comment,)] = ask(config, "SELECT obj_description('public.sales'::regclass)")
    assert comment == "All sales.\n\nCascade replaces the rows of this table."

    # One model gets another row, the other a row that fails a test.
    models = config.dbt_project_directory / "models/gold"
    (models / "sales.sql").write_text("select unnest([1, 2, 4]) as id, 'a' as name")
    (models / "checked.sql").write_text("select unnest([1, 1]) as id")
    assert run_dbt(config, ["--quiet", "run"]) == 0
    result = cascade("publish")
    assert result.exit_code == 1
    assert result.stdout.splitlines() == ["public.sales: 3 rows, 1 inserted, 1 removed"]
    assert "reports.checked was not published, because tests of checked failed: unique_checked_id" in result.stderr
    assert ask(config, "SELECT id FROM reports.checked ORDER BY id") == [(1,), (2,)]


def test_dagster_publishes_after_the_model_and_not_if_a_test_of_it_failed(config: CascadeConfig) -> None:
    definitions = definitions_of(config)
    graph = definitions.resolve_asset_graph()
    assert graph.get(SALES).parent_keys == {dg.AssetKey("sales")}
    assert (graph.get(SALES).group_name, list(graph.get(SALES).owners)) == ("gold", ["ann@shop.example"])
    result = run(definitions, *graph.get_all_asset_keys())
    assert result.success
    made = {event.asset_key: event.metadata for event in result.asset_materializations_for_node("publish_marts")}
    assert made.keys() == {SALES, CHECKED}
    assert (made[SALES]["dagster/row_count"].value, made[SALES]["cascade/rows_inserted"].value) == (3, 3)

    models = config.dbt_project_directory / "models/gold"
    (models / "checked.sql").write_text("select unnest([1, 1]) as id")
    result = run(definitions_of(config), dg.AssetKey("checked"), CHECKED)
    assert not result.success
    # The step of dbt failed, so that of the marts did not begin. Alone, it finds the failed test itself.
    assert [event.step_key for event in result.get_step_failure_events()] == ["dbt_build"]
    result = run(definitions_of(config), CHECKED, SALES)
    assert not result.success
    assert {event.asset_key for event in result.asset_materializations_for_node("publish_marts")} == {SALES}
    assert ask(config, "SELECT id FROM reports.checked ORDER BY id") == [(1,), (2,)]


def test_wrong_settings_and_wrong_meta_are_named(config: CascadeConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CASCADE_POSTGRES_HOST")
    result = cascade("publish")
    assert result.exit_code == 2
    assert "postgres_host is not set" in result.stderr

    file = config.dbt_project_directory / "models/gold/models.yml"
    file.write_text(file.read_text().replace("publish: postgres", "publish: mysql"))
    project = LoadedProject(config, dbt_assets_directory=config.dbt_project_directory)
    contribution = DbtContributor().contribute(project)
    assert '"mysql" is not a place to publish to' in str(contribution.failures[0])
    # The models are there all the same.
    assert dg.AssetKey("sales") in contribution.assets[0].keys
