"""A project in a Pants repository: its BUILD files, and the settings that `pants.toml` lacks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cascade.scaffold.project import ProjectRequest, render_project
from cascade.scaffold.project_layout import TEMPLATES, commands_for
from cascade.scaffold.project_pants import PantsPlace, find_repository, missing_settings, place_in

HERE = PantsPlace("teams/shop")
PLUGIN = '[GLOBAL]\nbackend_packages = ["pants.backend.python", "cascade_pants"]\n'

Call = tuple[str, dict[str, Any]]


def targets(text: str) -> list[Call]:
    """Run a BUILD file as Pants does, and return the calls that it makes."""
    calls: list[Call] = []

    class Symbols(dict[str, Any]):
        def __missing__(self, name: str) -> Any:
            return lambda **fields: calls.append((name, fields))

    exec(text, {"__builtins__": {}}, Symbols())
    return calls


def build_files(template: str, place: PantsPlace) -> dict[str, list[Call]]:
    files = render_project(ProjectRequest(name="shop", template=template, pants=place))
    return {path: targets(text) for path, text in files.items() if path.rpartition("/")[2] == "BUILD"}


def test_the_files_of_the_basic_template() -> None:
    assert build_files("basic", HERE) == {
        "BUILD": [
            (
                "cascade_project",
                {
                    "name": "dev",
                    "workflows": ["teams/shop/workflows::"],
                    "dbt_project": "teams/shop/transforms/dbt",
                },
            ),
            ("python_source", {"name": "settings", "source": "cascade_config.py"}),
        ],
        "tests/BUILD": [("python_tests", {})],
        "transforms/dbt/BUILD": [("cascade_dbt_project", {})],
        "workflows/ingestion/air_quality/BUILD": [("cascade_workflow", {})],
        "workflows/quality/BUILD": [("cascade_workflow", {})],
        "workflows/schemas/BUILD": [("python_sources", {})],
    }


def test_a_test_finds_its_fixtures() -> None:
    files = render_project(ProjectRequest(name="shop", template="advanced", pants=HERE))
    assert "from cascade.testing.plugin import lakehouse, offline_http" in files["tests/conftest.py"]
    assert ("python_test_utils", {"name": "test_utils"}) in targets(files["tests/BUILD"])


def test_a_workflow_at_the_top_does_not_own_files_below() -> None:
    assert build_files("minimal", HERE)["workflows/BUILD"] == [("cascade_workflow", {"sources": ["*.py"]})]


def test_at_the_root_of_the_repository_the_project_holds_every_workflow() -> None:
    assert build_files("minimal", PantsPlace(""))["BUILD"] == [("cascade_project", {"name": "dev"})]


@pytest.mark.parametrize("template", TEMPLATES)
def test_each_python_file_is_owned_by_one_target(template: str) -> None:
    files = render_project(ProjectRequest(name="shop", template=template, pants=HERE))
    owners = {path.rpartition("/")[0] for path in files if path.endswith("/BUILD")}
    code = {path for path in files if path.endswith(".py") and path != "cascade_config.py"}
    for path in code:
        above = {path[:end] for end, letter in enumerate(path) if letter == "/"} & owners
        assert len(above) == 1, path


@pytest.mark.parametrize("template", TEMPLATES)
def test_no_package_hides_a_directory_of_another_source_root(template: str) -> None:
    files = render_project(ProjectRequest(name="shop", template=template, pants=HERE))
    for shared in ("workflows", "workflows/ingestion", "workflows/schemas", "workflows/quality"):
        assert f"{shared}/__init__.py" not in files


@pytest.mark.parametrize("template", TEMPLATES)
def test_only_pants_starts_dagster(template: str) -> None:
    files = render_project(ProjectRequest(name="shop", template=template, pants=HERE))
    assert "workspace.yaml" not in files
    assert "[tool.dg]" not in files["pyproject.toml"]
    assert not any(path.startswith(".github") for path in files)


def test_commands_use_pants() -> None:
    commands = commands_for(HERE)
    assert commands.materialize("hires", "2024-01-01") == (
        "pants run teams/shop:dev -- materialize hires --partition 2024-01-01"
    )
    assert commands.test == "pants test teams/shop::"
    assert commands_for(PantsPlace("", "./pants")).dev == "./pants cascade-dev :dev"
    assert commands_for(program="python -m cascade").materialize("hires") == "python -m cascade materialize hires"


def test_a_repository_is_found_from_a_directory_that_does_not_exist_yet(tmp_path: Path) -> None:
    root = tmp_path / "monorepo"
    root.mkdir()
    assert find_repository(root / "teams" / "shop") is None
    (root / "pants.toml").touch()
    assert find_repository(root / "teams" / "shop") == root
    assert find_repository(root) == root
    assert place_in(root, root / "teams" / "shop") == HERE
    (root / "pants").touch()
    assert place_in(root, root) == PantsPlace("", "./pants")


@pytest.mark.parametrize(
    "source",
    [
        'root_patterns = ["/teams/shop"]',
        'root_patterns = ["/teams/*"]',
        'root_patterns = ["shop"]',
        'root_patterns.add = ["/teams/shop"]',
        'marker_filenames = ["pyproject.toml"]',
    ],
)
def test_nothing_is_missing_if_the_directory_is_a_source_root(source: str) -> None:
    assert missing_settings(f"{PLUGIN}[source]\n{source}\n", HERE, ["pyproject.toml"]) == ""


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("", 'root_patterns.add = ["/teams/shop"]'),
        ('[source]\nroot_patterns = ["/src"]\n', 'root_patterns = ["/src", "/teams/shop"]'),
        ('[source]\nroot_patterns.add = ["/lib"]\n', 'root_patterns.add = ["/lib", "/teams/shop"]'),
        ('[source]\nroot_patterns = ["/shop"]\n', 'root_patterns = ["/shop", "/teams/shop"]'),
    ],
)
def test_a_missing_source_root_is_shown_in_the_form_that_the_file_uses(source: str, line: str) -> None:
    assert missing_settings(PLUGIN + source, HERE, []) == f"[source]\n{line}"


def test_the_repository_root_is_a_source_root_by_default() -> None:
    assert missing_settings(PLUGIN, PantsPlace(""), []) == ""
    assert missing_settings(f'{PLUGIN}[source]\nroot_patterns = ["/src"]\n', PantsPlace(""), []) == (
        '[source]\nroot_patterns = ["/src", "/"]'
    )


def test_a_missing_backend_and_an_unignored_state_are_reported() -> None:
    text = '[GLOBAL]\nbackend_packages = ["pants.backend.python"]\npants_ignore = ["/dist/"]\n'
    assert missing_settings(text, PantsPlace("src"), []) == (
        '[GLOBAL]\nplugins.add = ["cascade-pants-plugin"]\n'
        'backend_packages = ["pants.backend.python", "cascade_pants"]\npants_ignore = ["/dist/", ".cascade/"]'
    )
    installed = 'plugins = ["cascade-pants-plugin==1.0"]\nbackend_packages = ["pants.backend.python"]\n'
    assert missing_settings(f"[GLOBAL]\n{installed}", PantsPlace("src"), []) == ""
    ignored = PLUGIN + 'pants_ignore.add = [".cascade/"]\n'
    assert missing_settings(ignored, PantsPlace("src"), []) == ""
    removed = PLUGIN + 'pants_ignore.remove = [".*/"]\n'
    assert missing_settings(removed, PantsPlace("src"), []) == '[GLOBAL]\npants_ignore.add = [".cascade/"]'


def test_an_invalid_file_is_left_to_pants() -> None:
    assert missing_settings("[GLOBAL", HERE, []) == ""
