"""A new plugin: its names, its entry points, and tests that pass."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

import pytest

# The generated code and the processes below need these modules. A sandbox holds only what this file imports.
import cascade.contributor
import cascade.quality
import cascade.scaffold.plugin
import cascade.testing.plugin
from cascade.exceptions import UsageError
from cascade.plugins import GROUPS
from cascade.scaffold.choices import PLUGIN_KINDS
from cascade.scaffold.conftest import assert_mypy_finds_nothing, assert_tests_pass, needs_mypy, needs_ruff
from cascade.scaffold.plugin import PluginRequest, render_plugin

assert cascade.contributor and cascade.quality and cascade.testing.plugin


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a plugin of every kind."""
    root = tmp_path_factory.mktemp("plugins") / "acme-cascade"
    for path, text in render_plugin(PluginRequest(name=root.name, kinds=tuple(PLUGIN_KINDS))).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return root


def test_its_tests_pass(everything: Path) -> None:
    assert_tests_pass(everything, len(PLUGIN_KINDS), "-p", "cascade.testing.plugin")


@needs_mypy
def test_mypy_finds_nothing(everything: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert_mypy_finds_nothing(everything, tmp_path_factory)


@needs_ruff
def test_it_is_formatted_and_clean(everything: Path) -> None:
    for command in (["ruff", "check", "--no-cache"], ["ruff", "format", "--no-cache", "--diff"]):
        result = subprocess.run(command, cwd=everything, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout + result.stderr


def test_each_kind_has_its_entry_point(everything: Path) -> None:
    project = tomllib.loads((everything / "pyproject.toml").read_text())["project"]
    groups = project["entry-points"]
    assert set(groups) == {groups[0] for groups in GROUPS.values()}
    for entries in groups.values():
        ((name, value),) = entries.items()
        module, _, attribute = value.partition(":")
        assert name == "acme"
        text = (everything / "src" / f"{module.replace('.', '/')}.py").read_text()
        assert f"class {attribute}" in text or f"def {attribute}" in text


@pytest.mark.parametrize(
    ("name", "distribution", "package", "slug"),
    [
        ("acme-cascade", "acme-cascade", "acme_cascade", "acme"),
        ("cascade-plugin-Big_Query", "cascade-plugin-big-query", "cascade_plugin_big_query", "big-query"),
        ("costs", "costs", "costs", "costs"),
        # Cascade has a command of the short name.
        ("cascade-list", "cascade-list", "cascade_list", "cascade-list"),
        ("cascade-file", "cascade-file", "cascade_file", "cascade-file"),
        ("3com", "3com", "plugin_3com", "plugin-3com"),
        ("import", "import", "plugin_import", "import"),
        ("Zürich", "zurich", "zurich", "zurich"),
    ],
)
def test_names_follow_from_that_of_the_directory(name: str, distribution: str, package: str, slug: str) -> None:
    request = PluginRequest(name=name, taken=frozenset({"list"}))
    assert (request.distribution, request.package, request.slug) == (distribution, package, slug)
    assert f"src/{package}/command.py" in render_plugin(request)


@pytest.mark.parametrize(
    ("name", "kinds", "said"),
    [
        ("dagster", ("command",), "Use 'acme-dagster', for example."),
        ("json", ("command",), "Use 'acme-json', for example."),
        ("tests", ("command",), "Use 'acme-tests', for example."),
        ("a/b", ("command",), "not a valid directory name"),
        ("-x", ("command",), "not a valid directory name"),
        ("日本", ("command",), "no letter from a to z"),
        ("acme", ("sources",), "Unknown kind 'sources': use source, quality"),
    ],
)
def test_what_is_wrong_is_said(name: str, kinds: tuple[str, ...], said: str) -> None:
    with pytest.raises(UsageError, match=said.replace(".", r"\.")):
        PluginRequest(name=name, kinds=kinds)


def test_pants_takes_no_template_for_a_build_file() -> None:
    templates = Path(cascade.scaffold.plugin.__file__).parent / "templates"
    assert not [path for path in templates.rglob("*") if path.name == "BUILD" or path.name.startswith("BUILD.")]
