"""`validate` with paths: schemas alone, one domain, the dbt project."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from cascade.cli.checked_paths import files_of
from cascade.cli.conftest import Cascade
from cascade.dbt import parse
from cascade.dbt.results import DbtProject
from cascade.framework.conftest import THINGS, SampleProject
from cascade.framework.project import Project

SCHEMAS = """
    from typing import Any
    from pydantic import BaseModel

    class Good(BaseModel):
        id: int

    class Bad(BaseModel):
        id: int
        anything: Any
"""


@pytest.fixture(autouse=True)
def sources(project: SampleProject) -> None:
    project.write("ingestion/things.py", THINGS)
    project.write("schemas/rows.py", SCHEMAS)
    project.write("other.py", "raise RuntimeError('not asked for')\n")


def checked(cascade: Cascade, *paths: str) -> list[str]:
    modules: list[str] = cascade.json("validate", *paths)["modules"]
    return modules


def test_a_schema_that_no_workflow_uses_is_checked_by_its_path(cascade: Cascade, project: SampleProject) -> None:
    for path in (f"{project.package}/schemas", f"{project.package}/schemas/rows.py"):
        result = cascade("validate", path)
        assert result.exit_code == 1
        (line,) = result.stdout.splitlines()
        assert line.startswith(f"{project.package}/schemas/rows.py:9: Bad.anything: Any does not specify what to store")


def test_the_whole_project_checks_the_schemas_that_workflows_use(cascade: Cascade) -> None:
    problems = cascade.json("validate")["problems"]
    assert [problem["kind"] for problem in problems] == ["DiscoveryError"]


def test_only_what_is_under_the_paths_is_loaded(cascade: Cascade, project: SampleProject) -> None:
    result = cascade("validate", f"{project.package}/ingestion")
    assert (result.exit_code, result.stdout) == (0, "No problems in 1 module.\n")
    both = [f"{project.package}/ingestion/things.py", f"{project.package}/schemas"]
    assert checked(cascade, *both) == [project.module("ingestion.things"), project.module("schemas.rows")]


def test_a_module_that_does_not_import_fails(cascade: Cascade, project: SampleProject) -> None:
    result = cascade("validate", f"{project.package}/other.py")
    assert result.exit_code == 1
    assert result.stdout.startswith(f"{project.package}/other.py:1: ")


def test_paths_are_relative_to_the_working_directory(
    cascade: Cascade, project: SampleProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.root / project.package / "schemas")
    assert cascade("validate", "rows.py").stdout.startswith("rows.py:9: ")


@pytest.mark.parametrize("path", ["notes", "nowhere"])
def test_a_path_without_modules_is_invalid_usage(cascade: Cascade, project: SampleProject, path: str) -> None:
    (project.root / "notes").mkdir()
    result = cascade("validate", path)
    assert result.exit_code == 2
    assert path in result.stderr


def test_a_module_by_name_is_found_without_the_project_on_the_import_path(
    cascade: Cascade, project: SampleProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path != str(project.root)])
    result = cascade("validate", "--module", project.module("ingestion.things"))
    assert (result.exit_code, result.stdout) == (0, "No problems in 1 module.\n"), result.output
    result = cascade("validate", "--module", "not_there.things")
    assert (result.exit_code, "There is no module not_there" in result.stdout) == (1, True)


TAKES = """
    import dagster as dg
    from cascade import cascade_ingestion
    from {package}.schemas.rows import Good

    class Api(dg.ConfigurableResource):
        url: str

    @cascade_ingestion(table_name="taken", unique_key="id", validation_schema=Good, partitions=None)
    def taken(api: Api):
        return None
"""


def test_pants_asks_for_the_resources_that_a_part_lacks_and_then_whether_the_project_has_them(
    cascade: Cascade, project: SampleProject
) -> None:
    project.write("takes.py", TAKES.replace("{package}", project.package))
    project.write("gives.py", f"from {project.package}.takes import Api\n\napi = Api(url='x')\n")
    takes, gives, things = map(project.module, ("takes", "gives", "ingestion.things"))
    modules = ("--module", takes, "--module", things)
    assert cascade("validate", "--lacking", "lacking.txt", "--columns", "columns.json", *modules).exit_code == 0
    assert Path("lacking.txt").read_text() == f"{project.package}/takes.py\n"
    columns = json.loads(Path("columns.json").read_text())
    assert columns["raw.taken"] == {"schema": "Good", "columns": ["id"]}
    assert len(columns) == 2
    result = cascade("validate", "--resources", "--module", takes, "--known", things)
    assert result.exit_code == 1
    assert result.stdout.startswith(f"{project.package}/takes.py:8: @cascade_ingestion: the parameter api takes the ")
    assert cascade("validate", "--resources", "--module", takes, "--known", gives).exit_code == 0


def test_paths_and_modules_together_are_invalid_usage(cascade: Cascade, project: SampleProject) -> None:
    assert cascade("validate", ".", "--module", project.module("other")).exit_code == 2


def test_the_modules_of_a_manifest_are_found_by_path(cascade: Cascade, project: SampleProject) -> None:
    modules = (project.module("ingestion.things"), project.module("schemas.rows"))
    given = Project("dev", modules, address="//:dev", module="cascade_project_dev")
    result = cascade("validate", f"{project.package}/ingestion", given=given)
    assert (result.exit_code, result.stdout) == (0, "No problems in 1 module.\n"), result.output


@pytest.fixture
def dbt_directory(project: SampleProject) -> Path:
    directory = project.root / "transforms" / "dbt"
    (directory / "models").mkdir(parents=True)
    (directory / "dbt_project.yml").write_text("name: demo\n")
    return directory


def test_the_dbt_project_alone_is_parsed_by_its_path(
    cascade: Cascade, dbt_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parse, "parse_project", lambda directory: DbtProject())
    for path in ("transforms", "transforms/dbt/models"):
        result = cascade("validate", path)
        assert (result.exit_code, result.stdout) == (0, "No problems in the dbt project.\n")


def test_without_dbt_its_project_is_an_error_alone_and_skipped_together_with_modules(
    cascade: Cascade, dbt_directory: Path, project: SampleProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parse, "dbt_is_installed", lambda: False)
    alone = cascade("validate", "transforms")
    assert alone.exit_code == 2
    assert "pip install 'cascade-workflows[dbt]'" in alone.stderr
    beside = cascade("validate", "transforms", f"{project.package}/ingestion")
    assert beside.exit_code == 0
    assert "warning: the dbt project in transforms/dbt was not parsed" in beside.stderr


def test_files_are_found_without_importing(project: SampleProject) -> None:
    project.write("ingestion/__init__.py", "raise RuntimeError('imported')\n")
    found = files_of([project.module("ingestion"), project.module("other"), "not_there"])
    directory = project.root / project.package
    assert found == {
        project.module("ingestion"): directory / "ingestion" / "__init__.py",
        project.module("other"): directory / "other.py",
    }
