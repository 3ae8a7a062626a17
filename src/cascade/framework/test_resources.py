"""The lakehouse as a resource."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import pytest

from cascade.config import CascadeConfig
from cascade.exceptions import CascadeError
from cascade.framework.conftest import THINGS, SampleProject
from cascade.framework.definitions import build_definitions
from cascade.framework.instance import open_instance
from cascade.framework.resources import build_resources, build_test_resources, throwaway_config


def test_building_resources_opens_nothing(project: SampleProject) -> None:
    build_resources(CascadeConfig())
    assert not (project.root / ".cascade").exists()


def test_an_asset_runs_on_test_resources(project: SampleProject, tmp_path: Path) -> None:
    project.write("things.py", THINGS)
    asset = next(iter(build_definitions().assets or ()))
    assert isinstance(asset, dg.AssetsDefinition)
    result = dg.materialize([asset], partition_key="2024-01-01", resources=build_test_resources(tmp_path / "lake"))
    assert result.success
    assert (tmp_path / "lake" / ".cascade" / "catalog.db").is_file()
    assert not (project.root / ".cascade").exists()


def test_a_throwaway_lakehouse_ignores_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASCADE_ICEBERG_CATALOG", "https://production.example/iceberg")
    monkeypatch.setenv("CASCADE_ICEBERG_WAREHOUSE", "s3://production")
    monkeypatch.setenv("CASCADE_DLT_DIRECTORY", "/production")
    config = throwaway_config(tmp_path)
    assert config.iceberg_catalog is None
    assert config.iceberg_warehouse is None
    assert config.dlt_directory.is_relative_to(tmp_path)


def test_dagsters_home_is_written_once_and_a_users_own_is_kept(project: SampleProject) -> None:
    config = CascadeConfig()
    path = config.dagster_home / "dagster.yaml"
    with open_instance(config) as instance:
        assert instance.telemetry_enabled is False
        pools = instance.get_concurrency_config().pool_config
        assert (pools.default_pool_limit, str(pools.pool_granularity.value if pools.pool_granularity else "")) == (
            1,
            "run",
        )
    assert path.read_text(encoding="utf-8").startswith("# Written by Cascade.")
    path.write_text("# Written by Cascade.\nstale: true\n", encoding="utf-8")
    with open_instance(config):
        assert "stale" not in path.read_text(encoding="utf-8")
    path.write_text("telemetry: {enabled: true}\n", encoding="utf-8")
    with open_instance(config) as instance:
        assert instance.telemetry_enabled is True


def test_a_damaged_database_of_dagster_is_named(project: SampleProject, monkeypatch: pytest.MonkeyPatch) -> None:
    config = CascadeConfig()
    with pytest.raises(sqlite3.Error, match="another"), open_instance(config):
        raise sqlite3.OperationalError("another database")
    database = config.dagster_home / "history" / "runs.db"
    database.write_bytes(b"nothing that SQLite wrote" * 100)
    with (
        pytest.raises(
            CascadeError, match=r"Dagster's databases in .+ cannot be used: file is not a database\."
        ) as raised,
        open_instance(config),
    ):
        pass
    assert raised.value.exit_code == 1 and str(database.parent) in str(raised.value.hint)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(CascadeError, match="writable directory"), open_instance(config):
        pass
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=4096))
    with pytest.raises(CascadeError, match=r": No space left on device\."), open_instance(config):
        pass
