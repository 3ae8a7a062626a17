"""What a project holds, and its errors."""

from __future__ import annotations

import os

import pytest
from pants.engine.addresses import Address
from pants.engine.internals.scheduler import ExecutionError
from pants.testutil.rule_runner import QueryRule, RuleRunner

from cascade_pants.testing import RUNTIME, ingestion, project_rules, rule_runner, two_resolves, workflow
from cascade_pants.util_rules.project import CascadeProject, CascadeProjectRequest

DEV = Address("", target_name="dev")
FILES = {
    "BUILD": "cascade_project(name='dev')",
    **RUNTIME,
    **workflow("flights", "flights"),
    **workflow("weather", "weather_observations"),
}


@pytest.fixture
def runner() -> RuleRunner:
    return rule_runner([*project_rules(), QueryRule(CascadeProject, [CascadeProjectRequest])])


def project(runner: RuleRunner, files: dict[str, str], address: Address = DEV) -> CascadeProject:
    runner.write_files({**FILES, **files})
    target = runner.get_target(address)
    return runner.request(CascadeProject, [CascadeProjectRequest.of(target)])


def failure(runner: RuleRunner, files: dict[str, str]) -> str:
    with pytest.raises(ExecutionError) as raised:
        project(runner, files)
    return str(next(iter(raised.value.wrapped_exceptions)))


def test_a_project_holds_every_workflow_by_default(runner: RuleRunner) -> None:
    found = project(runner, {})
    assert found.modules == ("workflows.flights.observations", "workflows.weather.observations")
    assert [str(address) for address in found.addresses] == [
        "src/workflows/flights/observations.py",
        "src/workflows/weather/observations.py",
    ]
    assert found.source_root == "src"


def test_a_project_of_a_resolve_without_workflows_holds_its_dbt_project_alone(runner: RuleRunner) -> None:
    files = {
        "BUILD": "cascade_project(name='dev', dbt_project='src/shop')",
        **RUNTIME,
        "src/shop/BUILD": "cascade_dbt_project()",
        "src/shop/dbt_project.yml": "name: shop\n",
    }
    runner.write_files(files)
    found = runner.request(CascadeProject, [CascadeProjectRequest.of(runner.get_target(DEV))])
    assert found == CascadeProject((), (), "src")


def test_a_dbt_project_does_not_hide_that_no_workflow_is_selected(runner: RuleRunner) -> None:
    build = "cascade_project(name='dev', dbt_project='src/shop', workflows=['src/wether::'])"
    assert "'src/wether::', which matches no" in failure(runner, {"BUILD": build})


def test_a_file_that_declares_nothing_is_not_loaded(runner: RuleRunner) -> None:
    found = project(
        runner,
        {
            "src/workflows/weather/extra.py": "import dagster as dg\n\n@dg.asset\ndef extra(): ...\n",
            "src/workflows/weather/settings.py": "import dagster as dg\nKEY = dg.AssetKey('x')\n",
            "src/workflows/weather/stubs.pyi": "import dagster as dg\n\n@dg.asset\ndef extra(): ...\n",
            "src/workflows/weather/test_more.py": "import dagster as dg\n\n@dg.asset\ndef extra(): ...\n",
            "src/workflows/weather/conftest.py": "import dagster as dg\n\n@dg.asset\ndef extra(): ...\n",
        },
    )
    assert [module for module in found.modules if "weather" in module] == [
        "workflows.weather.extra",
        "workflows.weather.observations",
    ]


def test_a_file_with_the_name_of_a_glob_is_loaded(runner: RuleRunner) -> None:
    files = {"src/workflows/weather/my-flow [x].py": ingestion("x"), "src/workflows/weather/my-flow x.py": ""}
    assert "workflows.weather.my-flow [x]" in project(runner, files).modules


def test_a_package_is_a_module_too(runner: RuleRunner) -> None:
    found = project(
        runner,
        {"src/workflows/planes/BUILD": "cascade_workflow()", "src/workflows/planes/__init__.py": ingestion("planes")},
    )
    assert "workflows.planes" in found.modules


def test_a_decorator_of_the_workflows_own_counts(runner: RuleRunner) -> None:
    common = "from functools import partial\nimport dagster as dg\ndaily = partial(dg.asset, group_name='x')\n"
    assets = "from workflows.weather.common import daily\n\n@daily\ndef extra(): ...\n"
    files = {"src/workflows/weather/common.py": common, "src/workflows/weather/assets.py": assets}
    assert "workflows.weather.assets" in project(runner, files).modules


def test_load_names_a_module_whose_source_declares_nothing(runner: RuleRunner) -> None:
    found = project(
        runner,
        {
            "src/workflows/weather/BUILD": "cascade_workflow(load=['made.py'])",
            "src/workflows/weather/made.py": "from company import make\n\nmade = make('x')\n",
        },
    )
    assert "workflows.weather.made" in found.modules


def test_two_workflows_that_declare_one_table(runner: RuleRunner) -> None:
    message = failure(runner, workflow("copy", "weather_observations"))
    assert "In the cascade_project //:dev, a table is declared more than once" in message
    assert (
        "raw.weather_observations by load in src/workflows/copy/observations.py:4 (src/workflows/copy:copy) and load "
        "in src/workflows/weather/observations.py:4 (src/workflows/weather:weather)"
    ) in message
    assert "`namespace`" in message


def test_a_workflow_inside_of_another(runner: RuleRunner) -> None:
    files = workflow("weather/inner", "inner")
    message = failure(runner, files)
    assert "src/workflows/weather:weather and src/workflows/weather/inner:inner both own the file" in message
    assert "src/workflows/weather/inner/observations.py" in message
    assert "declared more than once" not in message
    apart = {"src/workflows/weather/BUILD": "cascade_workflow(sources=['**/*.py', '!inner/**'])"}
    assert "workflows.weather.inner.observations" in project(runner, {**files, **apart}).modules


def test_a_workflow_behind_a_symbolic_link(runner: RuleRunner) -> None:
    runner.write_files(FILES)
    os.symlink("weather", os.path.join(runner.build_root, "src/workflows/linked"))
    message = failure(runner, {})
    assert "src/workflows/linked:linked and src/workflows/weather:weather both own the file" in message
    assert "src/workflows/linked/observations.py is the same file" in message


def test_another_namespace_is_another_table(runner: RuleRunner) -> None:
    files = workflow("copy", "weather_observations")
    files["src/workflows/copy/observations.py"] = ingestion("weather_observations", namespace="'staging'")
    assert "workflows.copy.observations" in project(runner, files).modules


def test_a_table_that_cannot_be_read(runner: RuleRunner, caplog: pytest.LogCaptureFixture) -> None:
    files = workflow("odd", "x")
    files["src/workflows/odd/observations.py"] = (
        "from cascade.ingestion import cascade_ingestion\n\n@cascade_ingestion(table_name=name())\ndef load(): ...\n"
    )
    found = project(runner, files)
    assert "workflows.odd.observations" in found.modules
    assert "src/workflows/odd/observations.py:3 (src/workflows/odd:odd): `table_name` is `name()`" in caplog.text
    assert "still run, test, check and package" in caplog.text


def test_workflows_that_declare_nothing(runner: RuleRunner) -> None:
    message = failure(
        runner,
        {
            "BUILD": "cascade_project(name='dev', workflows=['src/workflows/empty'])",
            "src/workflows/empty/BUILD": "cascade_workflow()",
            "src/workflows/empty/helpers.py": "X = 1\n",
        },
    )
    assert "//:dev would load no module, because nothing is declared in src/workflows/empty:empty" in message
    assert "`load`" in message


def test_a_spec_that_matches_nothing(runner: RuleRunner) -> None:
    message = failure(runner, {"BUILD": "cascade_project(name='dev', workflows=['src/workflows/wether'])"})
    assert "has the entry 'src/workflows/wether'" in message
    assert "Did you mean 'src/workflows/weather'?" in message


def test_resolves(runner: RuleRunner) -> None:
    two_resolves(runner)
    other = workflow("spark", "jobs", build="cascade_workflow(resolve='b')")
    assert not any("spark" in module for module in project(runner, other).modules)
    files = {**other, "BUILD": "cascade_project(name='dev', resolve='b')"}
    assert project(runner, files).modules == ("workflows.spark.observations",)
    message = failure(runner, {**other, "BUILD": "cascade_project(name='dev', workflows=['src/workflows::'])"})
    assert "src/workflows/spark:spark (resolve 'b')" in message


def test_a_workflow_in_both_resolves(runner: RuleRunner) -> None:
    two_resolves(runner)
    files = workflow("both", "both", build="cascade_workflow(resolve=parametrize('a', 'b'))")
    files["BUILD"] = "cascade_project(name='dev', resolve='b', workflows=['src/workflows/both'])"
    (address,) = project(runner, files).addresses
    assert address.parameters == {"resolve": "b"}


def test_a_workflow_parametrized_within_its_resolve_is_loaded_once(runner: RuleRunner) -> None:
    files = workflow(
        "many",
        "many",
        build="cascade_workflow(interpreter_constraints=parametrize(old=['==3.11.*'], new=['==3.12.*']))",
    )
    files["BUILD"] = "cascade_project(name='dev', workflows=['src/workflows/many'])"
    assert project(runner, files).modules == ("workflows.many.observations",)


def test_the_tag_of_the_command_line_does_not_change_a_project(runner: RuleRunner) -> None:
    runner.set_options(["--tag=nightly"], env={"PANTS_SOURCE_ROOT_PATTERNS": "['src']"}, env_inherit={"PATH"})
    assert len(project(runner, {"BUILD": "cascade_project(name='dev', workflows=['src/workflows::'])"}).modules) == 2
