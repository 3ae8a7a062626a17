"""The dbt project of a project: what depends on it, and what the manifest and the files beside it say."""

from __future__ import annotations

import ast

import pytest
from pants.backend.python.target_types import PythonSourceField
from pants.engine.addresses import Address, Addresses, UnparsedAddressInputs
from pants.engine.fs import DigestContents, FileContent
from pants.engine.internals.native_engine import Digest
from pants.engine.internals.scheduler import ExecutionError
from pants.engine.target import (
    Dependencies,
    DependenciesRequest,
    HydratedSources,
    HydrateSourcesRequest,
)
from pants.testutil.rule_runner import QueryRule, RuleRunner

from cascade_pants.target_types import CascadeProjectDbtField, CascadeProjectManifestField
from cascade_pants.testing import RUNTIME, project_rules, rule_runner, set_options, workflow
from cascade_pants.util_rules.dbt_project import content_digest

SHOP = "src/sql/shop"
BASE = "src/sql/base"
FILES = {
    "apps/shop/BUILD": "cascade_project(name='prod', dbt_project='src/sql/shop')",
    "apps/plain/BUILD": "cascade_project(name='plain')",
    "3rdparty/BUILD": "\n".join(
        f"python_requirement(name='{name}', requirements=['{name}{version}'])"
        for name, version in (("dagster-dbt", ">=1"), ("dbt_duckdb", ""), ("dbt-core", "==1"), ("dbtools", ""))
    ),
    f"{SHOP}/BUILD": "cascade_dbt_project(dependencies=['src/sql/base', 'src/sql/shared:macros'])",
    f"{SHOP}/dbt_project.yml": "name: shop\n",
    f"{SHOP}/models/a.sql": "select 1\n",
    f"{SHOP}/models/tiers.py": "def model(dbt, session): ...\n",
    f"{SHOP}/target/run.sql": "",
    f"{BASE}/BUILD": "cascade_dbt_project(dependencies=['src/sql/shared:macros', 'src/sql/shop'])",
    f"{BASE}/dbt_project.yml": "name: base\n",
    "src/sql/shared/BUILD": "cascade_dbt_project(name='macros', sources=['*.sql'])",
    "src/sql/shared/m.sql": "{% macro m() %}{% endmacro %}\n",
    "src/sql/shared/notes.txt": "",
    **RUNTIME,
    **workflow("weather", "weather_observations"),
}
PACKED = {
    f"{SHOP}/dbt_project.yml",
    f"{SHOP}/models/a.sql",
    f"{SHOP}/models/tiers.py",
    f"{BASE}/dbt_project.yml",
    "src/sql/shared/m.sql",
}


@pytest.fixture
def runner() -> RuleRunner:
    runner = rule_runner(
        [
            *project_rules(),
            QueryRule(Addresses, [DependenciesRequest]),
            QueryRule(Addresses, [UnparsedAddressInputs]),
            QueryRule(HydratedSources, [HydrateSourcesRequest]),
            QueryRule(DigestContents, [Digest]),
        ]
    )
    set_options(runner, PYTHON_INFER_USE_RUST_PARSER="true")
    runner.write_files(FILES)
    return runner


def dependencies(runner: RuleRunner, address: Address) -> set[str]:
    found = runner.request(Addresses, [DependenciesRequest(runner.get_target(address)[Dependencies])])
    return {str(one) for one in found}


def generated(runner: RuleRunner, address: Address) -> dict[str, str]:
    field = runner.get_target(address)[CascadeProjectManifestField]
    request = HydrateSourcesRequest(field, for_sources_types=(PythonSourceField,), enable_codegen=True)
    sources = runner.request(HydratedSources, [request])
    return {file.path: file.content.decode() for file in runner.request(DigestContents, [sources.snapshot.digest])}


def manifest(files: dict[str, str]) -> dict[str, object]:
    (source,) = (
        text for path, text in files.items() if path.startswith("src/cascade_project") and path.count("/") == 1
    )
    (assigned,) = (one for one in ast.parse(source).body if isinstance(one, ast.Assign))
    value = ast.literal_eval(assigned.value)
    assert isinstance(value, dict)
    return value


PROD = Address("apps/shop", target_name="prod")
PLAIN = Address("apps/plain", target_name="plain")


def test_a_project_depends_on_its_dbt_project_and_on_dbt(runner: RuleRunner) -> None:
    # The files come with the manifest, and the workflows that its sources read do not come at all.
    assert dependencies(runner, PROD) - dependencies(runner, PLAIN) == {
        "3rdparty:dagster-dbt",
        "3rdparty:dbt_duckdb",
        "3rdparty:dbt-core",
    }
    # Pants counts it among the dependencies for `dependents` and `--changed-since`.
    special = runner.get_target(PROD)[CascadeProjectDbtField].to_unparsed_address_inputs()
    assert [str(one) for one in runner.request(Addresses, [special])] == ["src/sql/shop:shop"]


def test_the_files_are_beside_the_manifest_with_what_they_need_from_elsewhere(runner: RuleRunner) -> None:
    files = generated(runner, PROD)
    dbt = manifest(files)["dbt"]
    assert isinstance(dbt, dict)
    packed = dbt["packed"]
    assert packed.startswith("cascade_project_apps__shop__prod_dbt/")
    assert dbt == {"directory": "../../src/sql/shop", "packed": packed, "inside": SHOP}
    assert set(files) == {"src/cascade_project_apps__shop__prod.py", *(f"src/{packed}/{path}" for path in PACKED)}
    assert files[f"src/{packed}/{SHOP}/models/a.sql"] == "select 1\n"

    runner.write_files({f"{SHOP}/models/a.sql": "select 2\n"})
    assert manifest(generated(runner, PROD))["dbt"] != dbt


def test_a_project_without_dbt_says_nothing_of_it(runner: RuleRunner) -> None:
    files = generated(runner, PLAIN)
    assert list(files) == ["src/cascade_project_apps__plain__plain.py"]
    assert "dbt" not in manifest(files)


def test_a_dbt_project_at_the_root_and_a_relative_address(runner: RuleRunner) -> None:
    runner.write_files(
        {
            "BUILD": "cascade_project(name='dev', dbt_project=':sql')\n"
            "cascade_dbt_project(name='sql', sources=['dbt_project.yml'])",
            "dbt_project.yml": "name: root",
        }
    )
    dbt = manifest(generated(runner, Address("", target_name="dev")))["dbt"]
    assert isinstance(dbt, dict)
    assert (dbt["directory"], dbt["inside"]) == (".", ".")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("'src/sql/shpo'", "is 'src/sql/shpo', which is not a cascade_dbt_project with files. Did you mean "),
        ("'src/workflows/weather'", "Those of the repository: src/sql/base, src/sql/shared:macros, src/sql/shop"),
        ("['src/sql/shop']", "must be a string, such as 'src/sql'"),
    ],
)
def test_what_is_no_dbt_project(runner: RuleRunner, given: str, said: str) -> None:
    runner.write_files({"apps/shop/BUILD": f"cascade_project(name='prod', dbt_project={given})"})
    with pytest.raises(ExecutionError) as raised:
        dependencies(runner, PROD)
    assert said in str(raised.value)


def test_a_repository_without_dbt_projects_says_how_to_add_one(runner: RuleRunner) -> None:
    runner.write_files({f"{SHOP}/BUILD": "", f"{BASE}/BUILD": "", "src/sql/shared/BUILD": ""})
    with pytest.raises(ExecutionError, match=r"has none\. To add one .* type: pants tailor ::"):
        generated(runner, PROD)


def test_the_digest_tells_names_and_contents_apart() -> None:
    files = [("a", b"bc"), ("ab", b"c"), ("a", b"bd")]
    assert len({content_digest([FileContent(path, content)]) for path, content in files}) == len(files)
    two = [FileContent("a", b"1"), FileContent("b", b"2")]
    assert content_digest(two) == content_digest(reversed(two))
