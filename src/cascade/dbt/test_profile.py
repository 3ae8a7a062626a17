"""The profile that dbt uses, and the variables that it reads."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from cascade.config import CascadeConfig
from cascade.dbt.conftest import DBT_PROJECT, write_files
from cascade.dbt.profile import dbt_environment, profile_text, profiles_directory
from cascade.exceptions import ConfigError


def test_the_profile_is_written_into_the_state_directory_and_its_text_never_varies(
    config: CascadeConfig, tmp_path: Path
) -> None:
    directory = profiles_directory(config)
    assert directory == tmp_path / ".cascade" / "dbt"
    text = (directory / "profiles.yml").read_text()
    other = CascadeConfig(project_root=tmp_path / "other", trino_host="trino.example", trino_password="hush")
    write_files(tmp_path / "other", DBT_PROJECT)
    assert (profiles_directory(other) / "profiles.yml").read_text() == text
    assert str(tmp_path) not in text
    outputs = yaml.safe_load(text)["shop"]["outputs"]
    assert {name: output["type"] for name, output in outputs.items()} == {"embedded": "duckdb", "production": "trino"}
    # Without these, dbt-trino sends the password to any certificate, and days begin in the time zone of the machine.
    assert (outputs["production"]["cert"], outputs["production"]["timezone"]) == (True, "UTC")


def test_an_unchanged_profile_is_not_written_again(config: CascadeConfig) -> None:
    file = profiles_directory(config) / "profiles.yml"
    before = file.stat().st_mtime_ns
    profiles_directory(config)
    assert file.stat().st_mtime_ns == before
    file.write_text("old")
    profiles_directory(config)
    assert file.read_text() == profile_text("shop")
    assert [found.name for found in file.parent.iterdir()] == ["profiles.yml"]


def test_any_name_of_a_profile_is_yaml() -> None:
    assert list(yaml.safe_load(profile_text('a: "b" {c}'))) == ['a: "b" {c}']


def test_the_users_own_profile_wins(config: CascadeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(tmp_path, {"transforms/dbt/profiles.yml": "shop: {}"})
    assert dbt_environment(config)["DBT_PROFILES_DIR"] == str(tmp_path / "transforms/dbt")
    monkeypatch.setenv("DBT_PROFILES_DIR", str(tmp_path / "mine"))
    assert dbt_environment(config)["DBT_PROFILES_DIR"] == str(tmp_path / "mine")
    assert not (tmp_path / ".cascade/dbt/profiles.yml").exists()


def test_dbt_runs_embedded_without_a_server(config: CascadeConfig, tmp_path: Path) -> None:
    variables = dbt_environment(config)
    assert variables["DBT_CASCADE_TARGET"] == "embedded"
    assert variables["DBT_CASCADE_DUCKDB_FILE"] == str(tmp_path / ".cascade/dbt/lakehouse.duckdb")
    assert variables["DBT_PROJECT_DIR"] == str(tmp_path / "transforms/dbt")
    assert variables["DBT_SEND_ANONYMOUS_USAGE_STATS"] == "0"
    assert "DBT_STATE" not in variables
    assert "DBT_ENV_SECRET_CASCADE_TRINO" not in variables


def test_dbt_runs_on_trino_if_there_is_a_server(tmp_path: Path, config: CascadeConfig) -> None:
    trino = CascadeConfig(project_root=tmp_path, trino_host="trino.example", trino_port=8443, trino_password="hush")
    variables = dbt_environment(trino)
    assert variables["DBT_CASCADE_TARGET"] == "production"
    assert variables["DBT_CASCADE_TRINO_PORT"] == "8443"
    assert variables["DBT_CASCADE_TRINO_METHOD"] == "ldap"
    assert variables["DBT_CASCADE_TRINO_SCHEMA"] == "main"
    # dbt hides the values of variables with this prefix.
    assert [name for name, value in variables.items() if "hush" in value] == ["DBT_ENV_SECRET_CASCADE_TRINO"]
    embedded = CascadeConfig(project_root=tmp_path, trino_host="trino.example", dbt_target="embedded")
    assert dbt_environment(embedded)["DBT_CASCADE_TARGET"] == "embedded"


def test_the_target_production_needs_a_server(tmp_path: Path, config: CascadeConfig) -> None:
    with pytest.raises(ConfigError, match="trino_host is not set") as caught:
        dbt_environment(CascadeConfig(project_root=tmp_path, dbt_target="production"))
    assert "CASCADE_TRINO_HOST" in str(caught.value.hint)


def test_variables_of_the_user_keep_their_values(config: CascadeConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBT_TARGET_PATH", "/elsewhere")
    monkeypatch.setenv("DBT_SEND_ANONYMOUS_USAGE_STATS", "1")
    variables = dbt_environment(config)
    assert variables["DBT_TARGET_PATH"] == "/elsewhere"
    assert variables["DBT_SEND_ANONYMOUS_USAGE_STATS"] == "1"


@pytest.mark.parametrize("variable", ["", "NO_COLOR"])
def test_dbt_prints_colors_on_a_terminal_only(
    config: CascadeConfig, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    assert dbt_environment(config)["DBT_USE_COLORS"] == "false"
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    if variable:
        monkeypatch.setenv(variable, "1")
    assert dbt_environment(config).get("DBT_USE_COLORS") == ("false" if variable else None)


def test_settings_that_are_arguments_reach_the_process_of_dbt(tmp_path: Path, config: CascadeConfig) -> None:
    places = {"iceberg_catalog": "sqlite:////tmp/c.db", "nessie_uri": None, "s3_secret_access_key": "hunter22"}
    variables = dbt_environment(CascadeConfig(project_root=tmp_path, **places))
    assert variables["CASCADE_S3_SECRET_ACCESS_KEY"] == "hunter22"
    assert variables["CASCADE_ICEBERG_CATALOG"] == "sqlite:////tmp/c.db"
    assert "CASCADE_NESSIE_URI" not in variables
