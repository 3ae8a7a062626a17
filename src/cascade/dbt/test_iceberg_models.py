"""Models that dbt materializes as tables of the lakehouse. Each run of dbt takes seconds."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import duckdb
import pytest

from cascade.config import CascadeConfig
from cascade.dbt.conftest import write_files
from cascade.dbt.process import run_dbt
from cascade.iceberg import open_lakehouse
from cascade.table_ref import TableRef

pytestmark = pytest.mark.skipif(importlib.util.find_spec("dbt") is None, reason="dbt is not installed")

PROJECT = {
    "transforms/dbt/dbt_project.yml": """
name: shop
profile: shop
flags: {send_anonymous_usage_stats: false}
models: {+materialized: iceberg}
""",
    # It counts what it has, so that its second run shows whether it is incremental.
    "transforms/dbt/models/days.sql": """
{{ config(materialized='incremental', unique_key='day', schema='silver') }}
{% if is_incremental() %}
select 2 as day, (select count(*) from {{ this }}) as had
{% else %}
select 1 as day, 0 as had
{% endif %}
""",
    "transforms/dbt/models/total.sql": "select count(*) as days, sum(had) as had from {{ ref('days') }}",
    "transforms/dbt/models/after.sql": "{{ config(materialized='table') }} select had from {{ ref('total') }}",
    "transforms/dbt/models/models.yml": """
models:
  - name: total
    columns: [{name: days, data_tests: [{accepted_values: {arguments: {values: [1, 2]}}}]}]
""",
}
DAYS, TOTAL = TableRef("main_silver", "days"), TableRef("main", "total")


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CascadeConfig:
    for name in [name for name in os.environ if name.startswith(("CASCADE_", "DBT_"))]:
        monkeypatch.delenv(name)
    write_files(tmp_path, PROJECT)
    return CascadeConfig(project_root=tmp_path)


def rows(config: CascadeConfig, ref: TableRef) -> list[dict[str, object]]:
    found: list[dict[str, object]] = open_lakehouse(config).require(ref).scan().to_arrow().to_pylist()
    return sorted(found, key=lambda row: str(row))


def snapshots(config: CascadeConfig, ref: TableRef) -> int:
    return len(open_lakehouse(config).require(ref).snapshots())


def test_models_go_to_the_lakehouse_and_the_next_ones_read_them(
    config: CascadeConfig, capfd: pytest.CaptureFixture[str]
) -> None:
    models = config.dbt_project_directory / "models"

    def build() -> int:
        return run_dbt(config, ["--quiet", "build"])

    # The first model is still one of dbt's own, which stay as they are.
    assert build() == 0, capfd.readouterr().out
    assert rows(config, TOTAL) == [{"days": 1, "had": 0}]

    # It becomes a table of the lakehouse. It is not incremental yet, since that has none of its rows. The other one has
    # the same rows as before, so it commits nothing.
    text = (models / "days.sql").read_text()
    (models / "days.sql").write_text(text.replace("materialized='incremental', ", ""))
    assert build() == 0, capfd.readouterr().out
    assert rows(config, DAYS) == [{"day": 1, "had": 0}]
    assert (snapshots(config, DAYS), snapshots(config, TOTAL)) == (1, 1)

    # The rows of a run are there before the next model and the tests read them.
    assert build() == 0, capfd.readouterr().out
    assert rows(config, DAYS) == [{"day": 1, "had": 0}, {"day": 2, "had": 1}]
    assert rows(config, TOTAL) == [{"days": 2, "had": 1}]
    with duckdb.connect(config.project_root / ".cascade/dbt/lakehouse.duckdb", read_only=True) as connection:
        assert connection.execute("select had::int from after").fetchall() == [(1,)]
        left = connection.execute("select table_name from information_schema.tables where table_name like '%tmp'")
        assert left.fetchall() == []

    # A model whose rows cannot be published leaves its table.
    (models / "days.sql").write_text(
        "{{ config(unique_key='day', schema='silver') }} select null::int as day, 1 as had"
    )
    (models / "total.sql").write_text("select error('broken') as days")
    assert build() == 1
    said = capfd.readouterr().out
    assert "a row has the unique_key day=None" in said and "Traceback" not in said
    assert (snapshots(config, DAYS), snapshots(config, TOTAL)) == (2, 2)
