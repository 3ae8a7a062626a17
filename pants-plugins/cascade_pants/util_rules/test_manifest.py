"""The generated manifest module."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pants.backend.python.target_types import PythonSourceField
from pants.engine.addresses import Address
from pants.engine.fs import DigestContents
from pants.engine.internals.native_engine import Digest
from pants.engine.target import HydratedSources, HydrateSourcesRequest, TransitiveTargets, TransitiveTargetsRequest
from pants.testutil.rule_runner import QueryRule, RuleRunner
from pants.util.frozendict import FrozenDict

from cascade_pants.reader.fingerprint import fingerprint
from cascade_pants.target_types import CascadeProjectManifestField
from cascade_pants.testing import RUNTIME, project_rules, rule_runner, set_options, two_resolves, workflow
from cascade_pants.util_rules.manifest import has_cascade_table, manifest_module, manifest_source
from cascade_pants.util_rules.project_code import ProjectCode

DEV = Address("", target_name="dev")
FILES = {"BUILD": "cascade_project(name='dev')", **RUNTIME, **workflow("weather", "weather_observations")}


@pytest.fixture
def runner() -> RuleRunner:
    return rule_runner(
        [
            *project_rules(),
            QueryRule(HydratedSources, [HydrateSourcesRequest]),
            QueryRule(DigestContents, [Digest]),
            QueryRule(TransitiveTargets, [TransitiveTargetsRequest]),
        ]
    )


def generated(runner: RuleRunner, files: dict[str, str], address: Address = DEV) -> dict[str, str]:
    runner.write_files({**FILES, **files})
    field = runner.get_target(address)[CascadeProjectManifestField]
    request = HydrateSourcesRequest(field, for_sources_types=(PythonSourceField,), enable_codegen=True)
    sources = runner.request(HydratedSources, [request])
    return {file.path: file.content.decode() for file in runner.request(DigestContents, [sources.snapshot.digest])}


@pytest.mark.parametrize(
    ("address", "module"),
    [
        (DEV, "cascade_project_dev"),
        (Address("", target_name="nyc_taxi"), "cascade_project_nyc_taxi"),
        (Address("apps/billing", target_name="prod"), "cascade_project_apps__billing__prod"),
        (Address("apps/credit-risk"), "cascade_project_apps__credit_risk__credit_risk_"),
        (Address("", target_name="dev", parameters={"resolve": "b"}), "cascade_project_dev_"),
    ],
)
def test_the_name_of_the_module(address: Address, module: str) -> None:
    name = manifest_module(address)
    assert name.isidentifier()
    assert name == module or (module.endswith("_") and re.fullmatch(rf"{module}[0-9a-f]{{8}}", name))


def test_no_two_projects_have_one_module() -> None:
    names = ["a_b", "a-b", "a.b", "A_b", "a__b", "_a_b", "a_b_"]
    addresses = [
        *(Address("", target_name=name) for name in names),
        *(Address("a", target_name=name) for name in ("b", "a_b", "b-c")),
        *(Address(path, target_name="c") for path in ("a/b", "a_b", "a-b", "a")),
        *(Address("", target_name="a", parameters={key: "b"}) for key in ("x", "y")),
    ]
    assert len({manifest_module(address).lower() for address in addresses}) == len(addresses)


def test_the_manifest_is_under_the_source_root_of_the_workflows(runner: RuleRunner) -> None:
    ((path, source),) = generated(runner, {}).items()
    assert path == "src/cascade_project_dev.py"
    code = ProjectCode(
        FrozenDict(
            {
                "workflows/weather/observations.py": of(FILES["src/workflows/weather/observations.py"]),
                "workflows/weather/schema.py": of(FILES["src/workflows/weather/schema.py"]),
            }
        ),
        FrozenDict({"workflows.weather.observations": (0, 1)}),
        FrozenDict(),
    )
    assert source == manifest_source(DEV, ("workflows.weather.observations",), "cascade.cli.main", code=code)


@pytest.mark.parametrize("resolves", [("a", "a"), ("a", "b")], ids=["one resolve", "two resolves"])
def test_a_project_contains_nothing_of_another(runner: RuleRunner, resolves: tuple[str, str]) -> None:
    two_resolves(runner)
    names = ("weather", "rivers")
    files = {"src/cascade/BUILD": "python_sources(sources=['**/*.py'], resolve=parametrize('a', 'b'))", "BUILD": ""}
    for name, resolve in zip(names, resolves):
        files |= workflow(name, name, build=f"cascade_workflow(resolve={resolve!r})")
        files[f"src/workflows/{name}/schema.py"] = f"import {name}_client\n\nclass Row: ...\n"
        # Both may have settings, and only those of its own directory are a project's.
        files[f"teams/{name}/cascade_config.py"] = f"NAME = {name!r}\n"
        files[f"teams/{name}/BUILD"] = (
            f"cascade_project(name='dev', resolve={resolve!r}, workflows=['src/workflows/{name}'])\n"
            f"python_requirement(name='client', requirements=['{name}_client==1'], resolve={resolve!r})\n"
        )
    for name, other in zip(names, reversed(names)):
        address = Address(f"teams/{name}", target_name="dev")
        packed = generated(runner, files, address)
        assert len(packed) == 2
        assert name in str(packed) and other not in str(packed)
        found = runner.request(TransitiveTargets, [TransitiveTargetsRequest([address])])
        contents = [str(target.address) for target in found.closure]
        assert {f"src/workflows/{name}/schema.py", f"teams/{name}:client"} <= {
            one.partition("@")[0] for one in contents
        }
        assert not [one for one in contents if other in one]


def of(source: str) -> str:
    return fingerprint(source.encode(), is_python=True)


def test_an_option_moves_the_manifest(runner: RuleRunner) -> None:
    set_options(runner, CASCADE_MANIFEST_SOURCE_ROOT="src/generated", SOURCE_ROOT_PATTERNS="['src', 'src/generated']")
    assert list(generated(runner, {})) == ["src/generated/cascade_project_dev.py"]


def test_settings_travel_and_secrets_do_not(runner: RuleRunner) -> None:
    files = {
        "cascade_config.py": "TRINO_HOST = 'trino'\n",
        "pyproject.toml": "[tool.cascade]\nworkflows_path = 'w'\n",
        ".env": "CASCADE_POSTGRES_PASSWORD=secret\n",
    }
    found = generated(runner, files)
    assert found["src/cascade_project_dev_settings/cascade_config.py"] == files["cascade_config.py"]
    assert found["src/cascade_project_dev_settings/pyproject.toml"] == files["pyproject.toml"]
    assert len(found) == 3


def test_settings_are_those_of_the_projects_directory(runner: RuleRunner) -> None:
    found = generated(
        runner,
        {
            "apps/x/BUILD": "cascade_project(name='x')",
            "apps/x/pyproject.toml": "[tool.ruff]\nknown-first-party = ['cascade']\n",
            "cascade_config.py": "X = 1\n",
        },
        Address("apps/x", target_name="x"),
    )
    assert list(found) == ["src/cascade_project_apps__x__x.py"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[tool.cascade]\nx = 1", True),
        ("[ tool . 'cascade' ]", True),
        ("[tool]\ncascade = { x = 1 }", True),
        ("tool.cascade.x = 1", True),
        ("[tool.ruff]\nsrc = ['cascade']", False),
        ("", False),
    ],
)
def test_has_cascade_table(text: str, found: bool) -> None:
    assert has_cascade_table(text.encode()) is found


@pytest.fixture
def imported(tmp_path: Path) -> Path:
    for path, content in RUNTIME.items():
        file = tmp_path / Path(path).relative_to("src")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    (tmp_path / "cascade_project_dev.py").write_text(
        manifest_source(DEV, ("workflows.a", "workflows.b"), "cascade.cli.main")
    )
    return tmp_path


def python(directory: Path, *arguments: str) -> str:
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": str(directory)},
        check=True,
        capture_output=True,
        text=True,
        cwd=directory,
    ).stdout


def test_main_passes_the_manifest_to_the_command_line(imported: Path) -> None:
    assert ast.literal_eval(python(imported, "-m", "cascade_project_dev")) == {
        "version": 1,
        "name": "dev",
        "address": "//:dev",
        "module": "cascade_project_dev",
        "modules": ["workflows.a", "workflows.b"],
        "settings": None,
    }


def test_definitions_are_built_once_and_on_first_use(imported: Path) -> None:
    code = (
        "import sys, cascade_project_dev as m; assert 'defs' in dir(m); assert 'cascade.framework' not in sys.modules; "
        "assert m.defs is m.defs; print(m.defs == m.MANIFEST); print(hasattr(m, 'other'))"
    )
    assert python(imported, "-c", code).split("\n")[:2] == ["True", "False"]


def test_the_settings_directory_is_in_the_manifest_only_if_it_exists(runner: RuleRunner) -> None:
    without = generated(runner, {})["src/cascade_project_dev.py"]
    assert '"settings": None' in without
    found = generated(runner, {"cascade_config.py": "X = 1\n"})["src/cascade_project_dev.py"]
    assert '"settings": "cascade_project_dev_settings"' in found


def test_the_runtime_is_tested_with_the_text_that_this_plugin_writes() -> None:
    # src/cascade/framework/test_manifest.py reads the same file.
    golden = Path(__file__).parent / "golden_manifest.txt"
    code = ProjectCode(
        FrozenDict({"workflows/golden.py": "0123456789ab"}),
        FrozenDict({"workflows.golden": (0,)}),
        FrozenDict({"workflows.golden": ("pandas==2.2.3",)}),
    )
    source = manifest_source(DEV, ("workflows.golden",), "cascade.cli.main", has_settings=True, code=code)
    assert golden.read_text(encoding="utf-8") == source
