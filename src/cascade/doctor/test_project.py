"""What is wrong with a project is found."""

from __future__ import annotations

import os
import shutil
import subprocess
import warnings
from pathlib import Path
from typing import NoReturn

import pytest

from cascade.config import CascadeConfig
from cascade.doctor.project import (
    check_dagster_home,
    check_dbt,
    check_git,
    check_observed,
    check_root,
    check_run_launcher,
    check_settings,
    check_writable,
)
from cascade.framework.conftest import SampleProject, project
from cascade.framework.project import require_project_root

__all__ = ["project"]


def test_a_directory_outside_a_project_is_a_warning(project: SampleProject) -> None:
    found, root = check_root(require_project_root)
    assert (found.status, root) == ("ok", project.root)
    (project.root / "pyproject.toml").unlink()
    found, root = check_root(require_project_root)
    assert (found.status, root) == ("warning", None)
    assert "cascade init my-project" in str(found.hint)


def test_the_variable_that_selects_the_project_is_named(
    project: SampleProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CASCADE_PROJECT_ROOT", str(project.root))
    assert check_root(require_project_root)[0].detail.endswith("set by CASCADE_PROJECT_ROOT")
    monkeypatch.setenv("CASCADE_PROJECT_ROOT", str(project.root / "gone"))
    found, root = check_root(require_project_root)
    assert (found.status, root) == ("problem", None)


def test_settings_are_counted_by_source(project: SampleProject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASCADE_AUTOMATION", "true")
    (found,), config = check_settings(CascadeConfig.from_user_config)
    assert (found.status, found.detail) == ("ok", "1 from pyproject.toml, 1 from environment, the rest are defaults")
    assert config is not None


def test_the_error_of_an_invalid_setting_names_its_source(
    project: SampleProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CASCADE_POSTGRES_PORT", "many")
    (found,), config = check_settings(CascadeConfig.from_user_config)
    assert (found.status, config) == ("problem", None)
    assert "CASCADE_POSTGRES_PORT in the environment is 'many'" in found.detail


def test_the_error_of_an_invalid_pyproject_names_the_line(project: SampleProject) -> None:
    (project.root / "pyproject.toml").write_text("[tool.cascade]\nworkflows_path =\n")
    (found,), _ = check_settings(CascadeConfig.from_user_config)
    assert found.status == "problem"
    assert f"{project.root / 'pyproject.toml'}:2: " in found.detail


def test_a_misspelled_setting_is_a_warning(project: SampleProject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASCADE_AUTOMATON", "true")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found, config = check_settings(CascadeConfig.from_user_config)
    assert [each.status for each in found] == ["ok", "warning"]
    assert "Did you mean CASCADE_AUTOMATION?" in found[1].detail
    assert config is not None


def test_a_directory_that_cannot_be_written_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_writable("state", tmp_path, "X").detail == str(tmp_path)
    assert check_writable("state", tmp_path / "a" / "b", "X").detail == f"{tmp_path / 'a' / 'b'}, not created yet"
    assert not (tmp_path / "a").exists()
    # Patched, since root may write anywhere.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    found = check_writable("state", tmp_path / "a", "CASCADE_PROJECT_ROOT")
    assert (found.status, found.detail) == ("problem", f"{tmp_path} cannot be written")
    assert "CASCADE_PROJECT_ROOT" in str(found.hint)


def test_a_file_in_place_of_a_directory_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / ".cascade").touch()
    found = check_writable("state", tmp_path / ".cascade" / "dagster", "X")
    assert found.status == "problem"
    assert "is a file" in found.detail


def test_another_dagster_home_in_the_shell_is_a_warning(tmp_path: Path) -> None:
    assert check_dagster_home(tmp_path, {}).status == "ok"
    assert check_dagster_home(tmp_path, {"DAGSTER_HOME": str(tmp_path)}).status == "ok"
    found = check_dagster_home(tmp_path, {"DAGSTER_HOME": "/elsewhere"})
    assert found.status == "warning"
    assert "/elsewhere" in found.detail
    assert found.hint == f"To use the same home: export DAGSTER_HOME={tmp_path}"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Create a git repository with a project in a subdirectory."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    root = tmp_path / "project"
    root.mkdir()
    return root


def test_state_and_secrets_that_git_does_not_ignore_are_a_warning(repository: Path) -> None:
    found = check_git(repository)
    assert found.status == "warning"
    assert ".cascade and .env would be committed" in found.detail
    assert found.hint is not None
    # The command in the hint fixes it.
    subprocess.run(["sh", "-c", found.hint.removeprefix("Type: ")], check=True)
    assert check_git(repository).status == "ok"


def test_a_pattern_for_the_directory_is_enough(repository: Path) -> None:
    (repository / ".gitignore").write_text(".cascade/\n/.env\n")
    assert check_git(repository).status == "ok"


def test_committed_secrets_are_a_problem(repository: Path) -> None:
    (repository / ".env").write_text("TOKEN=x\n")
    subprocess.run(["git", "add", ".env"], cwd=repository, check=True)
    found = check_git(repository)
    assert (found.status, found.hint) == ("problem", "Type: git rm -r --cached .env")


def test_without_git_or_a_repository_all_is_fine(tmp_path: Path) -> None:
    assert check_git(tmp_path, lambda words: None).detail == "git is not installed"
    assert check_git(tmp_path, lambda words: 128).status == "ok"


def test_a_dbt_project_without_dbt_is_a_warning(tmp_path: Path) -> None:
    assert check_dbt(tmp_path, lambda: False, None).status == "ok"
    (tmp_path / "dbt_project.yml").touch()
    assert check_dbt(tmp_path, lambda: True, "1.11.16").detail == f"dbt 1.11.16 for {tmp_path}"
    found = check_dbt(tmp_path, lambda: False, None)
    assert (found.status, found.hint) == ("warning", "Type: pip install 'cascade-workflows[dbt]'")


def test_an_unexpected_error_is_not_reported_as_a_missing_project() -> None:
    def fail() -> NoReturn:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        check_root(fail)


def test_a_launcher_without_a_database_that_containers_reach_is_a_problem(tmp_path: Path) -> None:
    pytest.importorskip("dagster_docker")
    settings = CascadeConfig(project_root=tmp_path, run_launcher="docker")
    found = check_run_launcher(settings)
    assert (found.status, "CASCADE_DAGSTER_DATABASE" in (found.hint or "")) == ("problem", True)
    update = {"dagster_database": "postgresql+psycopg2://nobody@host/dagster", "run_image": "shop:1.4"}
    found = check_run_launcher(settings.model_copy(update=update))
    assert (found.status, found.detail) == ("ok", "docker starts runs in the image shop:1.4")


def test_a_dagster_yaml_of_the_users_own_must_name_the_class_that_sends_events(tmp_path: Path) -> None:
    assert check_observed(tmp_path).status == "ok"
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    found = check_observed(tmp_path)
    assert found.status == "warning" and found.hint is not None
    (tmp_path / "dagster.yaml").write_text(found.hint.partition(": ")[2])
    assert check_observed(tmp_path).status == "ok"
