"""Loading modules, and what is said of those that fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from cascade.config import CascadeConfig
from cascade.exceptions import DiscoveryError
from cascade.framework.conftest import THINGS, SampleProject
from cascade.framework.discovery import discover_user_workflows, find_modules
from cascade.framework.loading import load_modules


def test_modules_are_found_without_init_files_and_private_ones_and_tests_are_skipped(project: SampleProject) -> None:
    for name in ("weather/hourly.py", "weather/_helpers.py", "_drafts/a.py", "test_x.py", "conftest.py", "top.py"):
        project.write(name, "")
    found = find_modules(project.root / project.package)
    assert found == (project.module("top"), project.module("weather.hourly"))


def test_two_modules_of_one_name_both_load(project: SampleProject) -> None:
    project.write("weather/observations.py", "x = 1")
    project.write("traffic/observations.py", "x = 2")
    loaded = load_modules(find_modules(project.root / project.package))
    assert [module.x for module in loaded.modules.values()] == [2, 1]


def test_a_failing_module_does_not_hide_the_others_and_names_the_users_line(project: SampleProject) -> None:
    project.write("good.py", "")
    helper = project.write("helper.py", "def load():\n    raise RuntimeError('no luck')\n")
    project.write("bad.py", f"from {project.package}.helper import load\n\nload()\n")
    broken = project.write("broken.py", "def f(:\n")
    loaded = load_modules(find_modules(project.root / project.package))

    assert [*loaded.modules] == [project.module("good"), project.module("helper")]
    bad, syntax = loaded.failures
    assert str(bad.location) == f"{helper}:2"
    assert "RuntimeError: no luck" in str(bad)
    assert str(syntax.location) == f"{broken}:1"


def test_a_missing_import_is_told_from_a_missing_module(project: SampleProject) -> None:
    path = project.write("needs.py", "import not_installed_anywhere\n")
    missing, absent = load_modules([*find_modules(project.root / project.package), project.module("gone")]).failures
    assert str(missing.location) == f"{path}:1"
    assert absent.location is None
    assert f"There is no module {project.module('gone')}" in str(absent)


def test_a_module_that_exits_is_a_failure(project: SampleProject) -> None:
    path = project.write("leaves.py", "import sys\nsys.exit(3)\n")
    (failure,) = load_modules(find_modules(project.root / project.package)).failures
    assert str(failure.location) == f"{path}:2"


def test_a_directory_named_like_a_standard_module_is_refused(project: SampleProject) -> None:
    (project.root / "json").mkdir()
    with pytest.raises(DiscoveryError, match="named like the standard module 'json'"):
        find_modules(project.root / "json")


def test_a_directory_hidden_by_another_package_is_refused(project: SampleProject) -> None:
    (project.root / "pytest").mkdir()
    with pytest.raises(DiscoveryError, match="hidden by another package named 'pytest'"):
        find_modules(project.root / "pytest")


def test_a_missing_directory_says_what_to_do(project: SampleProject) -> None:
    with pytest.raises(DiscoveryError, match=r"workflows_path under \[tool.cascade\]"):
        find_modules(project.root / "nowhere")


def test_a_nested_directory_of_a_package_keeps_its_full_names(project: SampleProject, tmp_path: Path) -> None:
    project.write("__init__.py", "")
    project.write("ingestion/a.py", "")
    assert find_modules(project.root / project.package / "ingestion") == (f"{project.package}.ingestion.a",)


def test_discover_user_workflows_gives_definitions(project: SampleProject) -> None:
    project.write("things.py", THINGS)
    definitions = discover_user_workflows(workflows_path=project.package)
    assert {key.to_user_string() for key in definitions.resolve_asset_graph().get_all_asset_keys()} == {"things"}
    assert CascadeConfig.from_user_config().workflows_path == project.package
