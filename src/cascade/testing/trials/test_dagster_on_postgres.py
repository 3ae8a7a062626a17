"""Dagster's runs and events in PostgreSQL, which several machines share."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from cascade.config import CascadeConfig
from cascade.doctor.project import check_dagster_database
from cascade.exceptions import ConfigError
from cascade.framework.instance import open_instance
from cascade.framework.run_history import run_histories
from cascade.testing.trials.conftest import new_database

KEY = dg.AssetKey("flights")


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    # Opening an instance sets both.
    monkeypatch.setenv("CASCADE_DAGSTER_DATABASE", "")
    monkeypatch.setenv("DAGSTER_HOME", "")


@pytest.fixture
def url(postgres: str) -> str:
    """Return the URL of a new database, as people write it. The password is `geheim`."""
    address = postgres.replace("postgresql+psycopg2://", "postgresql://")
    return f"{address}/{new_database(postgres, 'dagster')}"


def machine(directory: Path, url: str) -> CascadeConfig:
    """Return the settings of the project on one of several machines."""
    directory.mkdir(exist_ok=True)
    return CascadeConfig(project_root=directory, dagster_database=url)


def test_machines_share_runs_and_no_file_has_the_password(tmp_path: Path, url: str) -> None:
    one, other = machine(tmp_path / "one", url), machine(tmp_path / "other", url)
    with open_instance(one) as instance:
        instance.report_runless_asset_event(dg.AssetMaterialization(KEY, partition="2024-01-01"))
        failed = instance.add_run(dg.DagsterRun("__ASSET_JOB", tags={"dagster/partition": "2024-01-02"}))
        instance.report_run_failed(failed)
    with open_instance(other) as instance:
        assert instance.get_materialized_partitions(KEY) == {"2024-01-01"}
        assert run_histories(instance, [KEY])[KEY].materialized_at is not None
        run = instance.get_run_by_id(failed.run_id)
        assert run is not None and run.status is dg.DagsterRunStatus.FAILURE
    texts = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert texts and not any(b"geheim" in text for text in texts)


def test_the_runs_on_a_branch_are_kept_apart(tmp_path: Path, url: str) -> None:
    config = CascadeConfig(project_root=tmp_path, dagster_database=url, branch="mine")
    assert config.dagster_database is None
    with open_instance(config) as instance:
        instance.report_runless_asset_event(dg.AssetMaterialization(KEY, partition="2024-01-01"))
    with open_instance(machine(tmp_path / "main", url)) as instance:
        assert not instance.get_materialized_partitions(KEY)


def test_a_database_that_cannot_be_used_is_explained_without_its_password(tmp_path: Path, url: str) -> None:
    missing = f"{url}_missing"
    with (
        pytest.raises(ConfigError, match=r"//cascade:\*+@.*_missing cannot be used: .*does not exist\.") as raised,
        open_instance(machine(tmp_path, missing)),
    ):
        pass
    assert "CASCADE_DAGSTER_DATABASE" in str(raised.value.hint) and "geheim" not in str(raised.value)
    found = check_dagster_database(missing, tmp_path)
    assert (found.status, found.hint) == ("problem", raised.value.hint)
    with pytest.raises(ConfigError, match="must be the URL of a PostgreSQL database"):
        CascadeConfig(project_root=tmp_path, dagster_database="mysql://me@host/dagster")


def test_the_examination_names_a_file_of_the_users_own(tmp_path: Path, url: str) -> None:
    assert check_dagster_database(url, tmp_path).status == "ok"
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    found = check_dagster_database(url, tmp_path)
    assert found.status == "warning" and "your own file" in found.detail and "geheim" not in found.detail
