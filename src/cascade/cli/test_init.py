"""`init` creates a project, asks for missing options, and overwrites nothing unasked."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cascade.cli import init as init_module
from cascade.cli.context import Invocation
from cascade.cli.main import cli

NEXT = [
    "cascade materialize air_quality_observations --partition 2024-01-01",
    "cascade dev",
    "pip install -e '.[dev]'",
    "cascade test",
]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change to an empty working directory."""
    directory = tmp_path / "here"
    directory.mkdir()
    monkeypatch.chdir(directory)
    monkeypatch.setattr(sys, "argv", ["cascade"])
    return directory


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command ask."""
    monkeypatch.setattr(init_module, "can_ask", lambda *, as_json: not as_json)


def init(*arguments: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(cli, ["init", *arguments], obj=Invocation(), prog_name="cascade", input=typed)


def content(directory: Path) -> dict[str, str]:
    paths = sorted(path for path in directory.rglob("*") if path.is_file())
    return {path.relative_to(directory).as_posix(): path.read_text("utf-8") for path in paths}


def test_a_name_is_enough_and_the_last_lines_are_the_next_commands(here: Path) -> None:
    result = init("my-project")
    assert result.exit_code == 0, result.output
    assert (here / "my-project" / "workflows" / "quality" / "air_quality.py").is_file()
    lines = result.stdout.splitlines()
    assert lines[0].startswith("Created my-project from the template basic: ")
    assert [line.partition("  # ")[0].strip() for line in lines[-6:]] == ["Next:", "cd my-project", *NEXT]


@pytest.mark.parametrize("template", ["basic", "advanced", "minimal"])
def test_dbt_is_started_by_cascade_which_knows_the_profile(here: Path, template: str) -> None:
    result = init("shop", "--template", template)
    suggested = [result.output, *content(here).values()]
    assert not [text for text in suggested if re.search(r"(?<!cascade )\bdbt (run|build|test|seed|snapshot)\b", text)]


def test_the_directory_may_be_this_one_or_below_another(here: Path) -> None:
    assert "cd " not in init(".", "--template", "minimal").stdout
    assert (here / "pyproject.toml").is_file()
    result = init("teams/data/shop", "--template", "minimal")
    assert "  cd teams/data/shop\n" in result.stdout
    assert 'name = "shop"' in (here / "teams/data/shop/pyproject.toml").read_text()


def test_in_a_pipe_a_missing_name_is_invalid_usage(here: Path) -> None:
    result = init()
    assert result.exit_code == 2
    assert "cascade init my-project" in result.stderr
    assert content(here) == {}


@pytest.mark.usefixtures("terminal")
def test_the_user_is_asked_for_name_and_template(here: Path) -> None:
    result = init(typed="a:b\nshop\nmin\n")
    assert result.exit_code == 0, result.output
    assert "'a:b' is not a valid directory name" in result.stderr
    assert "3  minimal   one file" in result.stderr
    assert result.stdout.startswith("Created shop from the template minimal: 6 files.\n")
    assert (here / "shop/workflows/air_quality.py").is_file()


@pytest.mark.usefixtures("terminal")
def test_the_user_is_not_asked_for_given_options(here: Path) -> None:
    result = init("shop", "--template", "minimal", typed="")
    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.usefixtures("terminal")
def test_a_directory_in_use_is_reported_before_the_next_question(here: Path) -> None:
    (here / "shop").mkdir()
    (here / "shop/notes.txt").write_text("mine\n")
    result = init("shop", typed="")
    assert result.exit_code == 2
    assert "Template" not in result.stderr


@pytest.mark.parametrize("arguments", [("shop", "--template", "minimum"), ("a:b",), ("",), ("a" * 300,)])
def test_invalid_arguments_are_reported_and_nothing_is_written(here: Path, arguments: tuple[str, ...]) -> None:
    (here / "notes.txt").write_text("mine\n")
    result = init(*arguments)
    assert result.exit_code == 2
    assert content(here) == {"notes.txt": "mine\n"}


def test_a_misspelled_template_suggests_the_right_one(here: Path) -> None:
    assert 'Did you mean "minimal"?' in init("shop", "--template", "minmal").stderr


def test_a_path_that_the_system_rejects_is_an_error_without_traceback(here: Path) -> None:
    result = init("a" * 300 + "/shop")
    assert result.exit_code == 2
    assert result.stderr.endswith("/shop: File name too long.\n")


def test_the_home_of_an_unknown_user_is_a_directory_here(here: Path) -> None:
    assert init("~no-such-person/shop", "--template", "minimal").exit_code == 0
    assert (here / "~no-such-person/shop/pyproject.toml").is_file()


def test_a_distant_directory_is_shown_as_an_absolute_path(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    far = here.joinpath(*"x" * 60)
    far.mkdir(parents=True)
    monkeypatch.chdir(far)
    assert f"\n  cd {here / 'shop'}\n" in init(str(here / "shop"), "--template", "minimal").stdout


def test_a_directory_that_is_not_empty_needs_force(here: Path) -> None:
    (here / "README.md").write_text("mine\n")
    (here / "notes.txt").write_text("mine\n")
    result = init(".", "--template", "minimal")
    assert result.exit_code == 2
    assert "is not empty: it has README.md, notes.txt." in result.stderr
    assert "use --force to write into it. That would overwrite README.md. Other files are kept" in result.stderr
    assert content(here) == {"README.md": "mine\n", "notes.txt": "mine\n"}

    result = init(".", "--template", "minimal", "--force")
    assert result.exit_code == 0, result.output
    assert "6 files (1 overwritten, 0 unchanged)." in result.stdout
    assert content(here)["notes.txt"] == "mine\n"
    assert content(here)["README.md"].startswith("# here\n")


def test_git_and_a_virtual_environment_may_exist_already(here: Path) -> None:
    (here / ".git").mkdir()
    (here / "env").mkdir()
    (here / "env" / "pyvenv.cfg").touch()
    assert init(".", "--template", "minimal").exit_code == 0


def test_force_follows_no_link_out_of_the_project(here: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (here / "workflows").symlink_to(tmp_path / "outside")
    result = init(".", "--force")
    assert result.exit_code == 2
    assert "which is outside" in result.stderr
    assert content(tmp_path / "outside") == {}


def test_a_file_with_the_name_of_the_project_is_refused(here: Path) -> None:
    (here / "shop").write_text("mine\n")
    result = init("shop", "--force")
    assert result.exit_code == 2
    assert result.stderr == f"error: {here / 'shop'} is a file. A project is a directory: choose another name.\n"
    assert init("shop/below").stderr == result.stderr
    assert content(here) == {"shop": "mine\n"}


@pytest.mark.parametrize("name", ["json", "cascade", "workflows"])
def test_a_name_that_a_package_has_is_used_only_for_the_directory(here: Path, name: str) -> None:
    result = init(name, "--template", "minimal")
    assert result.exit_code == 0, result.output
    assert f"named {name}-project, because a package it needs is named {name}." in result.stdout
    assert f'name = "{name}-project"' in (here / name / "pyproject.toml").read_text()


def test_a_project_within_a_project_is_pointed_out(here: Path) -> None:
    init("outer", "--template", "minimal")
    result = init("outer/inner", "--template", "minimal")
    assert result.exit_code == 0
    assert f"inside the project {here / 'outer'}" in result.stdout


def test_json_is_one_document(here: Path) -> None:
    result = init("shop", "--template", "minimal", "--json")
    document = json.loads(result.stdout)
    assert document["project"] == "shop"
    assert document["template"] == "minimal"
    assert document["directory"] == str(here / "shop")
    assert document["pants"] is None
    assert document["files"]["created"] == sorted(content(here / "shop"))
    assert document["files"]["overwritten"] == document["files"]["unchanged"] == []
    assert document["next"] == ["cd shop", *NEXT]


def test_in_a_pants_repository_the_project_has_build_files_and_pants_commands(here: Path) -> None:
    (here / "pants.toml").write_text('[source]\nroot_patterns = ["/src"]\n')
    result = init("teams/shop")
    assert result.exit_code == 0, result.output
    assert "cascade_project(" in (here / "teams/shop/BUILD").read_text()
    assert f"It has BUILD files, because Pants builds {here}." in result.stdout
    assert f"Add to {here / 'pants.toml'}:\n" in result.stdout
    assert '  root_patterns = ["/src", "/teams/shop"]\n' in result.stdout
    assert "cascade-workflows" in result.stdout
    assert result.stdout.splitlines()[-4:] == [
        "Next:",
        "  pants run teams/shop:dev -- materialize air_quality_observations --partition 2024-01-01",
        "  pants cascade-dev teams/shop:dev",
        "  pants test teams/shop::",
    ]


def test_pants_commands_are_typed_at_the_root_of_the_repository(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "pants.toml").write_text(
        '[GLOBAL]\nbackend_packages = ["pants.backend.python", "cascade_pants"]\n[source]\nroot_patterns = ["shop"]\n'
    )
    (here / "teams").mkdir()
    monkeypatch.chdir(here / "teams")
    result = init("shop", "--template", "minimal")
    assert "Add to " not in result.stdout
    assert "Next:\n  cd ..\n  pants run teams/shop:dev" in result.stdout


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Provide a short example. The sandbox has neither the wheel nor the repository, from which the real one comes."""
    files = {
        "transforms/dbt_project.yml": b"name: new_york\n",
        "transforms/test_medallion.py": b"",
        "workflows/nyc_weather/data/weather.parquet": b"PAR1\x00\xff",
        "workflows/nyc_weather/observations.py": b"# observations\n",
    }
    monkeypatch.setattr("cascade.authoring.new_project.example_files", lambda name: {"nyc": dict(files)}[name])
    return files


def test_an_example_needs_no_name_and_installs_what_its_workflows_import_first(
    here: Path, example: dict[str, bytes]
) -> None:
    result = init("--example", "nyc")
    assert result.exit_code == 0, result.output
    assert {path: (here / "nyc" / path).read_bytes() for path in example} == example
    assert not (here / "nyc/workflows/ingestion").exists()
    assert result.stdout.startswith("Created nyc from the example nyc: ")
    assert [line.partition("  # ")[0].strip() for line in result.stdout.splitlines()[-6:]] == [
        "Next:",
        "cd nyc",
        "pip install -e '.[dev]'",
        "cascade materialize weather_observations --partition 2013-01-15",
        "cascade dev",
        "cascade test",
    ]
    settings = tomllib.loads((here / "nyc/pyproject.toml").read_text())
    assert settings["tool"]["cascade"]["dbt_project_dir"] == "transforms"
    assert settings["tool"]["pytest"]["ini_options"]["testpaths"] == ["transforms", "workflows"]
    assert settings["project"]["dependencies"][0].startswith("cascade-workflows[dbt,pandera]")
    assert "transforms/target/" in (here / "nyc/.gitignore").read_text().splitlines()


def test_a_second_run_and_a_template_beside_an_example_are_refused(here: Path, example: dict[str, bytes]) -> None:
    assert init("shop", "--example", "nyc").exit_code == 0
    (here / "shop/workflows/nyc_weather/observations.py").write_text("mine\n")
    again = init("shop", "--example", "nyc")
    assert again.exit_code == 2
    assert "That would overwrite workflows/nyc_weather/observations.py." in again.stderr
    both = init("other", "--example", "nyc", "--template", "minimal")
    assert both.exit_code == 2
    assert "--example nyc and --template minimal are two different projects" in both.stderr
    assert not (here / "other").exists()


@pytest.mark.usefixtures("terminal", "example")
def test_for_an_example_the_user_is_not_asked(here: Path) -> None:
    result = init("--example", "nyc", typed="")
    assert (result.exit_code, result.stderr) == (0, "")


def test_an_example_in_a_pants_repository_has_build_files(here: Path, example: dict[str, bytes]) -> None:
    (here / "pants.toml").write_text("")
    document = json.loads(init("--example", "nyc", "--json").stdout)
    assert (document["example"], document["template"]) == ("nyc", None)
    written = {*document["files"]["created"]}
    assert {"BUILD", "transforms/BUILD", "workflows/BUILD", "workflows/nyc_common/BUILD"} <= written
    # Pants builds the models itself, and makes the packages that source roots share.
    assert not {"transforms/test_medallion.py", "workflows/__init__.py", "workspace.yaml"} & written
    assert 'dbt_project="nyc/transforms"' in (here / "nyc/BUILD").read_text()
    assert (
        '["nyc/workflows/nyc_flights", "nyc/workflows/nyc_weather"]'
        in (here / "nyc/workflows/nyc_common/BUILD").read_text()
    )
