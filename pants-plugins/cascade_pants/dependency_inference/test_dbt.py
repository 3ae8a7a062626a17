"""What the files of a dbt project depend on. The process that reads the graph has tests of its own in the runtime."""

from __future__ import annotations

import json

import pytest
from pants.engine.addresses import Address, Addresses
from pants.engine.internals.scheduler import ExecutionError
from pants.engine.rules import rule
from pants.engine.target import AllTargets, Dependencies, DependenciesRequest
from pants.testutil.rule_runner import QueryRule, RuleRunner

from cascade_pants.dependency_inference import dbt as dbt_dependencies
from cascade_pants.testing import RUNTIME, project_rules, rule_runner, set_options, workflow
from cascade_pants.util_rules import table_map
from cascade_pants.util_rules.dbt_graph import DbtGraph, DbtGraphRequest, owners_by_path, read_graph, spec_of

SHOP = "src/sql/shop"
A, B, YAML, SEED = (f"{SHOP}/{name}" for name in ("models/a.sql", "models/b.sql", "models/s.yml", "seeds/c.csv"))
ANSWER = {
    "files": {A: [YAML, f"{SHOP}/dbt_project.yml"], B: [A, SEED, "src/sql/shared/m.sql", "elsewhere.sql"]},
    "tables": {A: ["raw.flights__quarantine", "raw.unknown"]},
    "built_from": {},
    "declared": [],
    "tested": [],
    "computed": [],
    "problems": [],
}
FILES = {
    **RUNTIME,
    **workflow("flights", "flights"),
    f"{SHOP}/BUILD": "cascade_dbt_project(vars={'days': 3}, dependencies=['src/sql/shared'])",
    f"{SHOP}/dbt_project.yml": "name: shop",
    **dict.fromkeys((A, B, YAML, SEED, f"{SHOP}/target/compiled/a.sql", f"{SHOP}/.venv/x.py"), ""),
    "src/sql/shared/BUILD": "cascade_dbt_project()",
    "src/sql/shared/m.sql": "",
}


@rule
def canned_graph(request: DbtGraphRequest, targets: AllTargets) -> DbtGraph:
    # A wrong request would find no targets or fail to parse.
    assert request.variables is None or json.loads(request.variables) == {"days": 3}
    return read_graph(ANSWER, owners_by_path(request, targets))


@pytest.fixture
def runner() -> RuleRunner:
    runner = rule_runner(
        [
            *project_rules(),
            *table_map.rules(),
            *dbt_dependencies.rules(),
            canned_graph,
            QueryRule(Addresses, [DependenciesRequest]),
            QueryRule(AllTargets, []),
        ]
    )
    set_options(runner, PYTHON_INFER_USE_RUST_PARSER="true")
    runner.write_files(FILES)
    return runner


def dependencies(runner: RuleRunner, file: str) -> set[str]:
    target = runner.get_target(Address(SHOP, relative_file_path=file))
    return {str(address) for address in runner.request(Addresses, [DependenciesRequest(target[Dependencies])])}


def test_a_model_depends_on_files_and_on_workflows(runner: RuleRunner) -> None:
    assert dependencies(runner, "models/a.sql") == {
        f"{YAML}:../shop",
        f"{SHOP}/dbt_project.yml",
        "src/workflows/flights/observations.py",
        "src/sql/shared:shared",
    }
    assert dependencies(runner, "models/b.sql") == {
        f"{A}:../shop",
        f"{SEED}:../shop",
        "src/sql/shared/m.sql",
        "src/sql/shared:shared",
    }
    assert dependencies(runner, "seeds/c.csv") == {"src/sql/shared:shared"}


def test_a_target_for_each_file_but_what_dbt_writes(runner: RuleRunner) -> None:
    targets = [target for target in runner.request(AllTargets, []) if target.alias == "cascade_dbt_file"]
    found = {target.address.filename for target in targets if target.address.spec_path == SHOP}
    assert found == {A, B, YAML, SEED, f"{SHOP}/dbt_project.yml"}


def test_variables_that_dbt_cannot_take(runner: RuleRunner) -> None:
    runner.write_files({f"{SHOP}/BUILD": "cascade_dbt_project(vars={'days': parametrize})"})
    with pytest.raises(ExecutionError, match=r"The field `vars` of .* Use a dictionary of texts"):
        dependencies(runner, "models/a.sql")


@pytest.mark.parametrize(
    ("dependency", "spec"),
    [
        (":macros", "src/sql/shop:macros"),
        (":shop", "src/sql/shop:shop"),
        ("src/base", "src/base:base"),
        ("src/base:base", "src/base:base"),
        ("//src/base:x", "src/base:x"),
    ],
)
def test_addresses_of_dependencies(dependency: str, spec: str) -> None:
    assert spec_of(dependency, SHOP) == spec
