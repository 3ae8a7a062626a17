"""`dbt`, and what the dbt project means for `materialize`. dbt itself runs in the tests of `cascade.dbt`."""

from __future__ import annotations

import json
import sys

import pytest

from cascade.cli.conftest import Cascade
from cascade.config import CascadeConfig
from cascade.dbt import contributor, process
from cascade.dbt.fillers import Filler, read_fillers
from cascade.framework.conftest import THINGS, SampleProject
from cascade.framework.modules import project_modules

_FAKE = """
import json, os, sys
with open("called.json", "w") as file:
    json.dump([sys.argv[1:], os.environ["DBT_PROJECT_DIR"]], file)
sys.exit(int(sys.argv[-1]))
"""


@pytest.fixture(autouse=True)
def dbt(project: SampleProject, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("things.py", THINGS)
    models = project.root / "transforms/dbt/models"
    models.mkdir(parents=True)
    (models.parent / "dbt_project.yml").write_text("name: shop\nprofile: shop\n")
    (models / "daily.sql").write_text("select 1 as n")
    monkeypatch.setattr(process, "START", _FAKE)
    monkeypatch.setattr(process, "dbt_is_installed", lambda: True)
    monkeypatch.setattr(contributor, "can_build_assets", lambda: True)


@pytest.mark.parametrize("code", [0, 1, 2])
def test_everything_is_passed_to_dbt_whose_exit_code_counts(
    cascade: Cascade, project: SampleProject, code: int
) -> None:
    arguments = ["--no-use-colors", "build", "--select", "daily+", "--vars", '{"a": 1}', "--help", str(code)]
    result = cascade("dbt", *arguments)
    assert result.exit_code == code, result.output
    called, directory = json.loads((project.root / "called.json").read_text())
    assert called == arguments
    assert directory == str(project.root / "transforms/dbt")


def test_dbt_is_told_which_workflow_fills_each_table(cascade: Cascade, project: SampleProject) -> None:
    module = project.module("things")
    assert cascade("dbt", "build", "0").exit_code == 0
    assert read_fillers(CascadeConfig(project_root=project.root)) == {
        ("raw", "things"): Filler("raw.things", "things", module)
    }
    # The source is read, and no module is imported.
    assert module not in sys.modules


def test_dbt_runs_without_a_directory_of_workflows(cascade: Cascade, project: SampleProject) -> None:
    (project.root / project.package / "things.py").unlink()
    (project.root / project.package).rmdir()
    result = cascade("dbt", "build", "0")
    assert result.exit_code == 0, result.output
    assert read_fillers(CascadeConfig(project_root=project.root)) == {}
    assert project_modules(None, CascadeConfig(project_root=project.root)) == ()
    listed = cascade("list")
    assert listed.exit_code == 0, listed.output
    assert "models/daily.sql" in listed.stdout


def test_models_are_listed_without_dbt(cascade: Cascade, monkeypatch: pytest.MonkeyPatch) -> None:
    result = cascade("list")
    assert result.exit_code == 0, result.output
    shown = result.stdout.splitlines()
    assert [line.split() for line in shown[-3:-1]] == [
        ["kind", "name", "group", "file"],
        ["model", "daily", "models/daily.sql"],
    ]
    assert shown[-1].startswith("dbt has not parsed the project as it is now, so this is what its files show.")
    assert shown[-1].endswith(" dbt parse")
    (node,) = cascade.json("list")["dbt"]["nodes"]
    assert (node["kind"], node["name"], node["file"]) == ("model", "daily", "models/daily.sql")


def test_without_a_dbt_project_it_is_used_wrongly(cascade: Cascade, project: SampleProject) -> None:
    (project.root / "transforms/dbt/dbt_project.yml").unlink()
    result = cascade("dbt", "build")
    assert result.exit_code == 2
    assert "There is no dbt project" in result.stderr


def test_a_run_of_a_workflow_does_not_load_the_dbt_project(cascade: Cascade, monkeypatch: pytest.MonkeyPatch) -> None:
    # An import of it fails, which is a warning.
    monkeypatch.setitem(sys.modules, "cascade.dbt.assets", None)
    result = cascade("materialize", "things", "--partition", "2024-01-01")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    result = cascade("materialize", "daily")
    assert result.exit_code == 2
    assert 'There is no asset "daily".' in result.stderr
    assert "The dbt project cannot be loaded" in result.stderr
