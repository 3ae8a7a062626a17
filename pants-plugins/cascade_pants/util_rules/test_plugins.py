"""The plugins that a project names: what it depends on, what the manifest brings along, and what is refused."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from pants.backend.python.target_types import PythonSourceField
from pants.engine.addresses import Address, Addresses
from pants.engine.fs import DigestContents
from pants.engine.internals.native_engine import Digest
from pants.engine.internals.scheduler import ExecutionError
from pants.engine.rules import rule
from pants.engine.target import (
    Dependencies,
    DependenciesRequest,
    HydratedSources,
    HydrateSourcesRequest,
    TransitiveTargets,
    TransitiveTargetsRequest,
)
from pants.testutil.rule_runner import QueryRule, RuleRunner

from cascade_pants.target_types import CascadeProjectManifestField, CascadeProjectPluginsField
from cascade_pants.testing import RUNTIME, project_rules, rule_runner, two_resolves, workflow
from cascade_pants.util_rules.plugins import PluginCode, light_part

DEV = Address("", target_name="dev")
DIST = """
python_sources(name="code")
python_distribution(
    name="dist",
    provides=python_artifact(name="acme.rules", version="1.2"),
    entry_points={
        "cascade.plugins.quality": {"rules": "acme_rules.rules:Rules"},
        "console_scripts": {"acme": "acme_rules.rules:main"},
    },
)
"""
FILES = {
    **RUNTIME,
    **workflow("weather", "weather_observations"),
    "3rdparty/BUILD": "python_requirement(name='kafka', requirements=['Acme_Kafka[fast]>=1'], modules=['acme_kafka'])",
    "src/acme_rules/BUILD": DIST,
    "src/acme_rules/__init__.py": "",
    "src/acme_rules/rules.py": "from acme_rules import limits\n\nclass Rules: ...\n",
    "src/acme_rules/limits.py": "LIMIT = 1\n",
    "src/acme_rules/unused.py": "",
}


@dataclass(frozen=True)
class Light:
    sources: tuple[str, ...]
    requirements: tuple[str, ...]


@rule
async def light(plugins: PluginCode) -> Light:
    sources, requirements = await light_part(plugins, "src/cascade")
    return Light(tuple(str(one.address) for one in sources), tuple(map(str, requirements)))


@pytest.fixture
def runner() -> RuleRunner:
    queries = [
        QueryRule(Addresses, [DependenciesRequest]),
        QueryRule(TransitiveTargets, [TransitiveTargetsRequest]),
        QueryRule(HydratedSources, [HydrateSourcesRequest]),
        QueryRule(DigestContents, [Digest]),
        QueryRule(Light, [PluginCode]),
    ]
    return rule_runner([*project_rules(), light, *queries])


def write(runner: RuleRunner, plugins: list[str], **files: str) -> None:
    runner.write_files({**FILES, "BUILD": f"cascade_project(name='dev', plugins={plugins!r})", **files})


def closure(runner: RuleRunner) -> set[str]:
    found = runner.request(TransitiveTargets, [TransitiveTargetsRequest([DEV])])
    return {str(target.address) for target in found.dependencies}


def failure(runner: RuleRunner, plugins: list[str], **files: str) -> str:
    write(runner, plugins, **files)
    target = runner.get_target(DEV)
    with pytest.raises(ExecutionError) as raised:
        runner.request(Addresses, [DependenciesRequest(target[Dependencies])])
    return str(raised.value)


def test_a_project_depends_on_the_plugins_that_it_names(runner: RuleRunner) -> None:
    write(runner, [])
    assert not {"3rdparty:kafka", "src/acme_rules/rules.py:code"} & closure(runner)
    write(runner, ["acme-kafka", "src/acme_rules:dist"])
    found = closure(runner)
    assert {"3rdparty:kafka", "src/acme_rules/rules.py:code", "src/acme_rules/limits.py:code"} <= found
    # The wheel is not built, and what the entry points do not need stays out.
    assert not {"src/acme_rules:dist", "src/acme_rules/unused.py:code"} & found


def test_the_distribution_is_a_dependency_for_dependents_only(runner: RuleRunner) -> None:
    write(runner, ["acme-kafka", "src/acme_rules:dist"])
    field = runner.get_target(DEV)[CascadeProjectPluginsField]
    assert field.to_unparsed_address_inputs().values == ("src/acme_rules:dist",)


def test_the_metadata_of_a_distribution_is_beside_the_manifest(runner: RuleRunner) -> None:
    write(runner, ["acme-kafka", "src/acme_rules:dist"])
    field = runner.get_target(DEV)[CascadeProjectManifestField]
    request = HydrateSourcesRequest(field, for_sources_types=(PythonSourceField,), enable_codegen=True)
    sources = runner.request(HydratedSources, [request])
    files = {file.path: file.content.decode() for file in runner.request(DigestContents, [sources.snapshot.digest])}
    assert files.pop("src/cascade_project_dev.py")
    assert files == {
        "src/acme_rules-1.2.dist-info/METADATA": "Metadata-Version: 2.1\nName: acme.rules\nVersion: 1.2\n",
        "src/acme_rules-1.2.dist-info/entry_points.txt": "[cascade.plugins.quality]\nrules = acme_rules.rules:Rules\n",
    }


def test_a_process_that_scaffolds_gets_the_plugin_without_the_runtime(runner: RuleRunner) -> None:
    source = "import acme_kafka\nfrom cascade.framework import definitions\nfrom acme_rules import limits\n"
    write(runner, [], **{"src/acme_rules/rules.py": source})
    address = Address("src/acme_rules", target_name="code", relative_file_path="rules.py")
    found = runner.request(Light, [PluginCode((address,))])
    assert found == Light(("src/acme_rules/rules.py:code", "src/acme_rules/limits.py:code"), ("3rdparty:kafka",))


@pytest.mark.parametrize(
    ("plugins", "said"),
    [
        (["acme-kafak"], "which is not among the requirements of the repository. Did you mean 'acme-kafka'?"),
        (["src/acme_rule:dist"], "not a python_distribution of the repository. Did you mean 'src/acme_rules:dist'?"),
        (["src/acme_rules:code"], "names 'src/acme_rules:code', which is not a python_distribution"),
        (["acme-rules"], "which this repository builds itself. Write its address: 'src/acme_rules:dist'"),
    ],
)
def test_a_plugin_that_does_not_exist_is_refused(runner: RuleRunner, plugins: list[str], said: str) -> None:
    assert said in failure(runner, plugins)


def test_a_distribution_without_entry_points_of_cascade_is_refused(runner: RuleRunner) -> None:
    build = DIST.replace("cascade.plugins.quality", "other")
    assert "without entry points of Cascade" in failure(
        runner, ["src/acme_rules:dist"], **{"src/acme_rules/BUILD": build}
    )


def test_a_requirement_of_another_resolve_is_refused(runner: RuleRunner) -> None:
    two_resolves(runner)
    requirement = "python_requirement(name='kafka', requirements=['acme-kafka'], resolve='b')"
    said = failure(runner, ["acme-kafka"], **{"3rdparty/BUILD": requirement})
    assert "which is a requirement of 'b', but not of the resolve 'a' of the project" in said
