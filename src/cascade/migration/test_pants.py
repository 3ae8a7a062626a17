"""A standalone project gets what Pants needs, and a directory that Pants builds becomes a standalone project."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from cascade.exceptions import UsageError
from cascade.migration.applying import apply
from cascade.migration.plan import Plan
from cascade.migration.planning import plan_migration
from cascade.migration.tree import Tree
from cascade.scaffold.project import ProjectRequest, render_project
from cascade.scaffold.project_pants import PantsPlace


def written(root: Path, **how: object) -> Path:
    for path, text in render_project(ProjectRequest(name="lake", **how)).items():  # type: ignore[arg-type]
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


def migrated(root: Path, to: str) -> Plan:
    plan = plan_migration(root, to)
    apply(plan)
    assert plan_migration(root, to).changes == ()
    return plan


def texts(plan: Plan) -> str:
    return "\n".join(map(str, plan.decisions))


def test_there_and_back_leaves_the_files_of_before(tmp_path: Path) -> None:
    root = written(tmp_path / "lake")
    before = {path: (root / path).read_bytes() for path in Tree(root).paths()}
    migrated(root, "pants")
    assert 'cascade_project(\n    name="dev",\n    dbt_project="transforms/dbt",\n)' in (root / "BUILD").read_text()
    assert 'python_requirements(name="requirements", source="pyproject.toml"' in (root / "BUILD").read_text()
    assert (root / "workflows/ingestion/BUILD").read_text() == "python_sources()\n"
    assert (root / "workflows/ingestion/air_quality/BUILD").read_text() == "cascade_workflow()\n"
    assert (root / "pants.toml").is_file()
    migrated(root, "standalone")
    assert {path: (root / path).read_bytes() for path in Tree(root).paths()} == before


def test_in_a_repository_only_the_project_changes(tmp_path: Path) -> None:
    (tmp_path / "pants.toml").write_text("[GLOBAL]\n")
    root = written(tmp_path / "lake")
    plan = migrated(root, "pants")
    assert 'workflows=["lake/workflows::"]' in (root / "BUILD").read_text()
    assert (tmp_path / "pants.toml").read_text() == "[GLOBAL]\n"
    assert 'root_patterns.add = ["/lake"]' in texts(plan)
    assert "pydantic (workflows/schemas/air_quality.py)" in texts(plan)


def test_build_files_that_exist_stay(tmp_path: Path) -> None:
    root = written(tmp_path / "lake")
    (root / "tests/BUILD").write_text("# mine\npython_tests(timeout=3)\n")
    (root / "workflows/quality/BUILD").write_text("python_sources()\n")
    plan = migrated(root, "pants")
    assert (root / "tests/BUILD").read_text() == "# mine\npython_tests(timeout=3)\n"
    assert "cascade_workflow()" in texts(plan)
    assert [each.file for each in plan.decisions] == [
        "BUILD",
        "pants.toml",
        "pyproject.toml",
        "workflows/quality/BUILD",
    ]


def test_a_project_of_a_repository_becomes_standalone(tmp_path: Path) -> None:
    (tmp_path / "pants.toml").write_text("[GLOBAL]\n")
    root = written(tmp_path / "lake", pants=PantsPlace("lake"))
    (root / "pyproject.toml").unlink()
    (root / "workflows/ingestion/air_quality/upload.py").write_text("import boto3\nfrom . import observations\n")
    plan = migrated(root, "standalone")
    read = tomllib.loads((root / "pyproject.toml").read_text())
    assert read["tool"]["cascade"] == {
        "project_name": "dev",
        "workflows_path": "workflows",
        "dbt_project_dir": "transforms/dbt",
    }
    assert read["project"]["dependencies"] == ["cascade-workflows[dbt]"]
    assert not list(root.rglob("BUILD"))
    assert texts(plan).endswith("dependencies:\nboto3 (workflows/ingestion/air_quality/upload.py)")


def test_the_root_of_a_repository_with_sources_below_src(tmp_path: Path) -> None:
    (tmp_path / "pants.toml").write_text("[GLOBAL]\n")
    (tmp_path / "BUILD").write_text(
        'cascade_project(name="dev", workflows=["src/workflows::", "!src/workflows/old::", "//other::"],\n'
        '    dbt_project="src/transforms", port=3001, env=read())\npex_binary(name="tool")\n'
    )
    workflow = tmp_path / "src/workflows/weather"
    workflow.mkdir(parents=True)
    (workflow / "BUILD").write_text("cascade_workflow(load=['factory.py'])\n")
    (workflow / "test_rain.py").write_text("")
    plan = migrated(tmp_path, "standalone")
    read = tomllib.loads((tmp_path / "pyproject.toml").read_text())
    assert read["tool"]["cascade"]["workflows_path"] == "src/workflows"
    assert read["tool"]["setuptools"]["packages"]["find"] == {"where": ["src"], "include": ["workflows*"]}
    assert read["tool"]["pytest"]["ini_options"]["testpaths"] == ["tests", "src/workflows"]
    assert read["tool"]["pytest"]["ini_options"]["pythonpath"] == ["src"]
    for said in ("port=3001", "env=read()", "left out src/workflows/old::", "//other::", "BUILD: It has pex_binary"):
        assert said in texts(plan)
    assert (tmp_path / "BUILD").read_text() == 'pex_binary(name="tool")\n'
    assert not (workflow / "BUILD").exists()


def test_a_build_file_with_a_loop_over_other_targets_stays(tmp_path: Path) -> None:
    (tmp_path / "pants.toml").write_text("[GLOBAL]\n")
    kept = "for name in (1, 2):\n    docker_image(name=name)\nx = 1; cascade_workflow()\n"
    (tmp_path / "BUILD").write_text(f'"""Ours."""\ncascade_project(name="dev")\n{kept}')
    plan = migrated(tmp_path, "standalone")
    assert (tmp_path / "BUILD").read_text() == f'"""Ours."""\n{kept}'
    assert "BUILD: It has `for name in (1, 2):`, `x = 1`, so it stays." in texts(plan)
    assert "BUILD: Line 5 has several statements. Remove cascade_workflow from it." in texts(plan)


def test_a_directory_without_a_project_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="neither a BUILD file"):
        plan_migration(tmp_path, "standalone")
    (tmp_path / "BUILD").write_text("cascade_project(\n")
    with pytest.raises(UsageError, match="BUILD cannot be read"):
        plan_migration(tmp_path, "standalone")
