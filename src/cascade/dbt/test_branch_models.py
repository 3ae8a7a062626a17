"""What the DuckDB file of a branch shows of `main`, and how its models are compared. No dbt runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from cascade.config import CascadeConfig
from cascade.dbt import branch_models
from cascade.dbt.branch_models import model_differences, show_main_models
from cascade.dbt.conftest import config
from cascade.dbt.model_difference import ModelDifference
from cascade.dbt.profile import duckdb_file, no_branch_reason
from cascade.iceberg.duckdb_views import MARK

__all__ = ["config"]


@pytest.fixture
def branch(config: CascadeConfig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CascadeConfig:
    """Return the settings of a branch, where main has a table, views, a seed, and a table of the lakehouse."""
    file = duckdb_file(config)
    file.parent.mkdir(parents=True)
    with closing(duckdb.connect(str(file))) as connection:
        connection.execute("CREATE SCHEMA silver; CREATE TABLE silver.days AS SELECT 1 AS day, 'a' AS name")
        # Views come in the order of their names, so that the first one needs the second.
        connection.execute("CREATE VIEW silver.b_days AS SELECT * FROM lakehouse.silver.days")
        connection.execute("CREATE VIEW silver.a_days AS SELECT day FROM lakehouse.silver.b_days")
        connection.execute("CREATE TABLE labels AS SELECT 1 AS id")
        connection.execute("CREATE VIEW things AS SELECT 1 AS id")
        connection.execute(f"COMMENT ON VIEW things IS '{MARK}snapshot 1.'")
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"nodes": {"s": {"resource_type": "seed", "schema": "main", "alias": "labels"}}}))
    monkeypatch.setattr(branch_models, "find_manifest", lambda config: manifest)
    return CascadeConfig(project_root=config.project_root, branch="mine")


@pytest.fixture
def mine(branch: CascadeConfig) -> Iterator[duckdb.DuckDBPyConnection]:
    duckdb_file(branch).parent.mkdir(parents=True)
    with closing(duckdb.connect(str(duckdb_file(branch)))) as connection:
        warnings: list[str] = []
        show_main_models(connection, branch, warnings.append)
        show_main_models(connection, branch, warnings.append)
        assert warnings == []
        yield connection


def test_a_branch_shows_the_models_of_main(mine: duckdb.DuckDBPyConnection) -> None:
    assert mine.sql("FROM silver.a_days").fetchall() == [(1,)]
    tables = "SELECT table_name, table_type FROM information_schema.tables WHERE table_catalog = current_database()"
    found = dict(mine.execute(tables).fetchall())
    assert found["labels"] == "BASE TABLE" and found["days"] == "VIEW" and "things" not in found


def test_the_models_of_a_branch_are_compared_with_those_of_main(
    branch: CascadeConfig, mine: duckdb.DuckDBPyConnection
) -> None:
    mine.execute("DROP VIEW silver.days; CREATE TABLE silver.days AS SELECT 2::BIGINT AS day, true AS good")
    mine.execute("CREATE TABLE silver.new AS SELECT * FROM range(3)")
    mine.close()
    days, new = model_differences(branch)
    assert (days.name, days.added, days.removed) == ("silver.days", 1, 1)
    assert days.schema_changes == (
        "The column good was added: BOOLEAN.",
        "The column name was removed.",
        "The column day was INTEGER, and is BIGINT.",
    )
    assert new == ModelDifference("silver.new", 3, 0)


def test_the_last_digits_of_floating_numbers_do_not_count(
    branch: CascadeConfig, config: CascadeConfig, mine: duckdb.DuckDBPyConnection
) -> None:
    values = "CREATE OR REPLACE TABLE means AS SELECT unnest(['{}', 'nan', '-0.0', NULL]::DOUBLE[]) AS mean"
    mine.execute(values.format(0.1 + 0.2))
    mine.close()
    for value, differing in (("0.3", 0), ("0.3000001", 1)):
        with closing(duckdb.connect(str(duckdb_file(config)))) as connection:
            connection.execute(values.format(value))
        [means] = [one for one in model_differences(branch) if one.name == "main.means"]
        assert (means.added, means.removed, means.schema_changes) == (differing, differing, ())


def test_models_that_no_branch_keeps_apart_are_told(branch: CascadeConfig, config: CascadeConfig) -> None:
    assert no_branch_reason(branch) is None
    assert no_branch_reason(CascadeConfig(project_root=config.project_root, branch="mine", trino_host="trino")) is None
    (branch.dbt_project_directory / "profiles.yml").write_text("")
    assert "is your own" in (no_branch_reason(branch) or "")
