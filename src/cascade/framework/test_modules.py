"""Which modules are in a directory of workflows."""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from pathlib import Path

import pytest

from cascade.config import CascadeConfig
from cascade.exceptions import DiscoveryError
from cascade.framework.conftest import THINGS, SampleProject
from cascade.framework.discovery import discover_user_workflows
from cascade.framework.modules import find_modules


def test_modules_need_no_init_files_and_private_modules_and_tests_are_skipped(project: SampleProject) -> None:
    for name in ("weather/hourly.py", "weather/_helpers.py", "_drafts/a.py", "test_x.py", "conftest.py", "top.py"):
        project.write(name, "")
    found = find_modules(project.root / project.package)
    assert found == (project.module("top"), project.module("weather.hourly"))


def test_modules_of_one_file_name_have_different_full_names(project: SampleProject) -> None:
    project.write("weather/observations.py", "")
    project.write("traffic/observations.py", "")
    expected = (project.module("traffic.observations"), project.module("weather.observations"))
    assert find_modules(project.root / project.package) == expected


def test_the_bytecode_of_a_deleted_module_is_not_a_module(project: SampleProject) -> None:
    project.write("weather/__pycache__/gone.cpython-311.pyc", "")
    project.write("__pycache__/gone.py", "")
    assert find_modules(project.root / project.package) == ()


def test_a_link_to_a_directory_elsewhere_is_followed_once(project: SampleProject, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    (shared / "inner").mkdir(parents=True)
    (shared / "inner" / "a.py").write_text("", encoding="utf-8")
    top = project.write("own.py", "").parent
    (top / "shared").symlink_to(shared)
    (top / "twice").symlink_to(shared)
    assert find_modules(top) == (project.module("own"), project.module("shared.inner.a"))


def test_cycles_of_links_end(project: SampleProject, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "self").symlink_to(outside)
    top = project.write("weather/a.py", "").parent.parent
    (top / "weather" / "up").symlink_to(top)
    (top / "root").symlink_to(project.root)
    (top / "outside").symlink_to(outside)
    (top / "nowhere").symlink_to(tmp_path / "nowhere")
    (top / "again").symlink_to(top / "weather")
    assert find_modules(top) == (project.module("weather.a"),)


def test_a_directory_that_is_a_link_keeps_the_name_of_the_link(project: SampleProject, tmp_path: Path) -> None:
    (tmp_path / "kept_elsewhere").mkdir()
    (tmp_path / "kept_elsewhere" / "a.py").write_text("x = 1", encoding="utf-8")
    link = project.root / f"{project.package}_link"
    link.symlink_to(tmp_path / "kept_elsewhere")
    assert find_modules(link) == (f"{link.name}.a",)


def test_a_directory_can_be_left_out(project: SampleProject) -> None:
    path = project.write("defs/native.py", "")
    project.write("a.py", "")
    assert find_modules(project.root / project.package, left_out=path.parent) == (project.module("a"),)


def test_a_directory_that_cannot_be_imported_by_its_name_is_refused(project: SampleProject) -> None:
    (project.root / "my-workflows").mkdir()
    with pytest.raises(DiscoveryError, match="'my-workflows' is not a valid name for a Python package"):
        find_modules(project.root / "my-workflows")


def test_a_directory_named_like_a_standard_module_is_refused(project: SampleProject) -> None:
    (project.root / "json").mkdir()
    with pytest.raises(DiscoveryError, match="has the name of the standard module 'json'"):
        find_modules(project.root / "json")


def test_other_files_of_the_project_hide_no_standard_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name in ("fresh_flows/a.py", "smtplib.py", "pytest.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    find_modules(tmp_path / "fresh_flows")
    found = {name: PathFinder.find_spec(name) for name in ("fresh_flows", "smtplib", "pytest")}
    places = {name: str(spec.origin or spec.submodule_search_locations) for name, spec in found.items() if spec}
    # Of an installed package, on the other hand, the project has its own version.
    assert {name: str(tmp_path) in place for name, place in places.items()} == {
        "fresh_flows": True,
        "smtplib": False,
        "pytest": True,
    }


def test_a_directory_hidden_by_another_package_is_refused(project: SampleProject) -> None:
    (project.root / "pytest").mkdir()
    with pytest.raises(DiscoveryError, match="hidden by another package named 'pytest'"):
        find_modules(project.root / "pytest")


def test_a_missing_directory_is_an_error_with_a_hint(project: SampleProject) -> None:
    with pytest.raises(DiscoveryError, match=r"workflows_path under \[tool.cascade\]"):
        find_modules(project.root / "nowhere")


def test_a_nested_directory_of_a_package_keeps_its_full_names(project: SampleProject, tmp_path: Path) -> None:
    project.write("__init__.py", "")
    project.write("ingestion/a.py", "")
    assert find_modules(project.root / project.package / "ingestion") == (f"{project.package}.ingestion.a",)


def test_discover_user_workflows_returns_definitions(project: SampleProject) -> None:
    project.write("things.py", THINGS)
    definitions = discover_user_workflows(workflows_path=project.package)
    assert {key.to_user_string() for key in definitions.resolve_asset_graph().get_all_asset_keys()} == {"things"}
    assert CascadeConfig.from_user_config().workflows_path == project.package
