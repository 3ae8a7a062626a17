"""Dagster's own definitions in the folder that `[tool.dg]` configures: loaded once, next to the workflows."""

from __future__ import annotations

from pathlib import Path

import pytest

from cascade.config import CascadeConfig
from cascade.exceptions import DeclarationError, DiscoveryError
from cascade.framework.conftest import THINGS, SampleProject
from cascade.framework.definitions import build_definitions
from cascade.framework.defs_folder import find_defs_folder, load_defs_folder
from cascade.framework.discovery import project_modules
from cascade.framework.validate import find_problems

ASSET = "import dagster as dg\n\n\n@dg.asset\ndef native(): ...\n"


@pytest.fixture
def dg_project(project: SampleProject) -> SampleProject:
    """Make a project with a workflow and an empty folder for Dagster's own definitions, as `cascade init` does."""
    with (project.root / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(f'[tool.dg]\ndirectory_type = "project"\n[tool.dg.project]\nroot_module = "{project.package}"\n')
    project.write("__init__.py", "")
    project.write("defs/__init__.py", "")
    project.write("things.py", THINGS)
    return project


def keys() -> list[str]:
    definitions = build_definitions()
    return sorted(key.to_user_string() for key in definitions.resolve_asset_graph().get_all_asset_keys())


def test_its_python_and_its_yaml_are_merged_with_the_workflows(dg_project: SampleProject) -> None:
    dg_project.write("defs/native.py", ASSET)
    dg_project.write("defs/component/defs.yaml", "type: dagster.DefsFolderComponent\n")
    dg_project.write("defs/component/inner.py", ASSET.replace("native", "inner"))
    assert keys() == ["inner", "native", "things"]


def test_its_modules_are_loaded_by_dagster_alone(dg_project: SampleProject) -> None:
    dg_project.write("defs/native.py", ASSET)
    modules = project_modules(None, CascadeConfig.from_user_config())
    assert modules == (dg_project.package, dg_project.module("things"))


def test_a_workflow_that_the_folder_uses_is_in_the_definitions_once(dg_project: SampleProject) -> None:
    dg_project.write("defs/uses.py", f"from {dg_project.module('things')} import things\n\nasset = things.asset\n")
    assert keys() == ["things"]


def test_an_asset_in_it_with_the_key_of_a_workflow_is_an_error_with_both_locations(dg_project: SampleProject) -> None:
    dg_project.write("defs/native.py", ASSET.replace("native", "things"))
    with pytest.raises(DeclarationError, match=rf"which an asset in {dg_project.module('defs')} has too"):
        build_definitions()


def test_an_empty_folder_is_not_loaded(dg_project: SampleProject) -> None:
    folder = find_defs_folder(CascadeConfig.from_user_config())
    assert folder is not None
    assert folder.is_empty
    assert keys() == ["things"]


def test_an_error_in_the_folder_names_the_users_line(dg_project: SampleProject) -> None:
    path = dg_project.write("defs/bad.py", "import dagster as dg\n\n1 / 0\n")
    with pytest.raises(DiscoveryError, match="ZeroDivisionError") as caught:
        build_definitions()
    assert str(caught.value.location) == f"{path}:3"
    folder = find_defs_folder(CascadeConfig.from_user_config())
    (problem,) = find_problems(project_modules(None, CascadeConfig()), listed_only=False, defs_folder=folder)
    assert problem.location == caught.value.location


def test_in_dev_an_error_in_the_folder_does_not_hide_the_workflows(
    dg_project: SampleProject, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = dg_project.write("defs/bad.py", "import sys\n\nsys.exit('no')\n")
    monkeypatch.setenv("CASCADE_KEEP_GOING", "1")
    assert keys() == ["things"]
    assert f"not loaded: {path}:3" in capsys.readouterr().err


@pytest.mark.parametrize(
    "settings",
    [
        "",
        '[tool.dg.project]\nroot_module = "elsewhere"\n',
        "[tool.dg]\nproject = 3\n",
        # The workflows themselves, which Cascade's discovery looks through, for Dagster's definitions as well.
        '[tool.dg.project]\nroot_module = "PACKAGE"\ndefs_module = "PACKAGE"\n',
    ],
)
def test_a_project_may_lack_the_folder(project: SampleProject, settings: str) -> None:
    project.write("defs/__init__.py", "")
    with (project.root / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(settings.replace("PACKAGE", project.package))
    assert find_defs_folder(CascadeConfig.from_user_config()) is None


def test_a_dg_toml_replaces_the_table(dg_project: SampleProject) -> None:
    (dg_project.root / "dg.toml").write_text(f'[project]\ndefs_module = "{dg_project.package}.own"\n', encoding="utf-8")
    path = dg_project.write("own/native.py", ASSET)
    folder = find_defs_folder(CascadeConfig.from_user_config())
    assert folder is not None
    assert (folder.module, folder.directory) == (dg_project.module("own"), Path(path).parent)
    assert load_defs_folder(folder).resolve_asset_graph().get_all_asset_keys()
