"""What the runtime reads from the manifest that Pants generates."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import dagster as dg
import pytest

from cascade.config import CascadeConfig
from cascade.config.dbt_directory import DIRECTORY_VARIABLE, PACKED_VARIABLE
from cascade.exceptions import ConfigError, UsageError
from cascade.framework.conftest import THINGS, SampleProject
from cascade.framework.definitions import build_definitions
from cascade.framework.manifest import VERSION, Manifest
from cascade.framework.renewed_manifest import DIRECTORY_VARIABLE as RENEWED_VARIABLE
from cascade.reader.fingerprint import combined

# The plugin's tests compare it with what the plugin writes.
GOLDEN = Path(__file__).parents[3] / "pants-plugins/cascade_pants/util_rules/golden_manifest.txt"

FIELDS: dict[str, Any] = {
    "version": 1,
    "name": "dev",
    "address": "//:dev",
    "module": "cascade_project_dev",
    "modules": ["workflows.a", "workflows.b"],
    "settings": None,
}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    # Set first, so that what a test announces is removed again.
    for name in ("CASCADE_PROJECT_NAME", "CASCADE_SETTINGS_DIRECTORY", DIRECTORY_VARIABLE, PACKED_VARIABLE):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setattr("cascade.declarations.code_version._packed", None)


def test_a_manifest_becomes_the_project_of_the_command_line() -> None:
    project = Manifest.from_dict(FIELDS).project
    assert (project.name, project.address, project.module) == ("dev", "//:dev", "cascade_project_dev")
    assert project.modules == ("workflows.a", "workflows.b")
    assert project.generated


def test_an_unknown_field_of_the_same_version_is_ignored() -> None:
    assert Manifest.from_dict({**FIELDS, "next": {"target": "prod"}}) == Manifest.from_dict(FIELDS)


def test_a_newer_version_is_refused_with_a_hint_to_upgrade() -> None:
    with pytest.raises(ConfigError) as caught:
        # A newer manifest may lack what this runtime requires.
        Manifest.from_dict({"version": VERSION + 1, "address": "//:dev"})
    assert str(caught.value) == (
        f"The manifest of //:dev has version {VERSION + 1}, but this runtime reads version {VERSION}.\n"
        "Upgrade cascade-workflows in the project's resolve, then: pants generate-lockfiles"
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("version", "1"),
        ("version", 0),
        ("version", True),
        ("version", None),
        ("name", None),
        ("modules", "a"),
        ("modules", [1]),
        ("settings", 3),
        ("dbt", "sql"),
        ("dbt", {}),
        ("dbt", {"directory": "sql", "packed": "p"}),
    ],
)
def test_a_field_of_the_wrong_type_is_reported(field: str, value: object) -> None:
    with pytest.raises(ConfigError, match=rf"The manifest of //:dev cannot be read: {field} is "):
        Manifest.from_dict({**FIELDS, field: value})


@pytest.mark.parametrize("given", [None, "workflows.a", ["workflows.a"], 1])
def test_a_manifest_that_is_not_a_mapping_is_an_error(given: Any) -> None:
    with pytest.raises(ConfigError, match=f"must be a mapping of its fields, but it is a {type(given).__name__}"):
        Manifest.from_dict(given)


@pytest.mark.parametrize("given", ["workflows.a", ["workflows.a", 3], 5])
def test_definitions_are_built_from_a_list_of_names_or_a_manifest(project: SampleProject, given: Any) -> None:
    with pytest.raises(UsageError, match="takes the names of modules, or a manifest, not"):
        build_definitions(given)


@pytest.fixture
def generated(project: SampleProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Write the module that the plugin generates for the module `things` of a project."""
    project.write("things.py", THINGS)
    text = GOLDEN.read_text(encoding="utf-8").replace("workflows.golden", project.module("things"))
    directory = tmp_path / "generated"
    directory.mkdir()
    (directory / "cascade_project_dev.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(str(directory))
    yield directory
    sys.modules.pop("cascade_project_dev", None)


def test_the_module_that_the_plugin_writes_builds_the_definitions(generated: Path) -> None:
    settings = generated / "cascade_project_dev_settings"
    settings.mkdir()
    module = importlib.import_module("cascade_project_dev")
    assert isinstance(module.defs, dg.Definitions)
    assert {key.to_user_string() for key in module.defs.resolve_asset_graph().get_all_asset_keys()} == {"things"}
    assert os.environ["CASCADE_PROJECT_NAME"] == "dev"
    assert os.environ["CASCADE_SETTINGS_DIRECTORY"] == str(settings)
    # The version of the code is that of the manifest, not of the files that are there.
    (spec,) = (spec for spec in module.defs.resolve_all_asset_specs() if spec.code_version)
    assert spec.code_version == combined({"workflows/golden.py": "0123456789ab"}, ["pandas==2.2.3"])


def test_dev_takes_the_code_as_it_is_now(monkeypatch: pytest.MonkeyPatch) -> None:
    code = {"rules": 1, "files": {"a.py": "0"}, "closures": {"a": [0]}, "requirements": {}}
    assert not Manifest.from_dict({**FIELDS, "code": code}).code.live  # type: ignore[union-attr]
    monkeypatch.setenv(RENEWED_VARIABLE, "/somewhere")
    assert Manifest.from_dict({**FIELDS, "code": code}).code.live  # type: ignore[union-attr]


@pytest.fixture
def with_dbt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Manifest:
    """Import a generated module with a packed dbt project next to it, and start in an empty directory."""
    place = tmp_path / "pex"
    packed = place / "m_dbt/1a2b/src/sql"
    packed.mkdir(parents=True)
    (packed / "dbt_project.yml").write_text("name: shop", encoding="utf-8")
    module = ModuleType("cascade_project_dev")
    module.__file__ = str(place / "cascade_project_dev.py")
    monkeypatch.setitem(sys.modules, "cascade_project_dev", module)
    (tmp_path / "server").mkdir()
    monkeypatch.chdir(tmp_path / "server")
    dbt = {"directory": "src/sql", "packed": "m_dbt/1a2b", "inside": "src/sql"}
    return Manifest.from_dict({**FIELDS, "dbt": dbt})


def test_the_dbt_project_is_that_of_the_working_directory_or_the_one_that_came_along(
    with_dbt: Manifest, tmp_path: Path
) -> None:
    with_dbt.announce()
    server = tmp_path / "server"
    assert CascadeConfig().dbt_project_directory == server / ".cascade/dbt/packed/1a2b/src/sql"
    (server / "src/sql").mkdir(parents=True)
    (server / "src/sql/dbt_project.yml").write_text("name: own", encoding="utf-8")
    assert CascadeConfig().dbt_project_directory == server / "src/sql"


def test_who_sets_the_directory_of_the_dbt_project_means_that_one(
    with_dbt: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As `pants run` does. A mistake in it must not lead to other models.
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(tmp_path / "repository/src/sql"))
    with_dbt.announce()
    assert CascadeConfig().dbt_project_directory == tmp_path / "repository/src/sql"


def test_the_module_that_the_plugin_writes_starts_the_command_line(project: SampleProject, generated: Path) -> None:
    settings = generated / "cascade_project_dev_settings"
    settings.mkdir()
    (settings / "cascade_config.py").write_text("EXECUTOR = 'multiprocess'\n", encoding="utf-8")
    (project.root / "pyproject.toml").unlink()
    path = os.pathsep.join([str(generated), str(project.root), *filter(None, sys.path)])
    for words in (["config", "show"], ["list"]):
        done = subprocess.run(
            [sys.executable, "-m", "cascade_project_dev", *words],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )
        assert (done.returncode, done.stderr) == (0, "")
        if words == ["list"]:
            assert "raw.things" in done.stdout
        else:
            assert "multiprocess" in done.stdout


def test_definitions_of_a_newer_manifest_are_refused() -> None:
    with pytest.raises(ConfigError, match=f"has version {VERSION + 1}"):
        build_definitions({**FIELDS, "version": VERSION + 1})
