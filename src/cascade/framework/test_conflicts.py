"""Checks that share a name and workflows in a cycle are refused, with their locations.

`test_definitions.py` is about keys of assets.
"""

from __future__ import annotations

from textwrap import dedent

import pytest

from cascade.exceptions import DeclarationError, DiscoveryError
from cascade.framework.conftest import SampleProject
from cascade.framework.definitions import build_definitions
from cascade.framework.validate import find_problems

NEEDS = """
    from pydantic import BaseModel
    from cascade.ingestion import cascade_ingestion

    class Row(BaseModel):
        id: int

    @cascade_ingestion(
        table_name="{table}", unique_key="id", group="g", validation_schema=Row, partitions=None, deps=["{needed}"]
    )
    def rows(): ...
"""

NATIVE = """
    import dagster as dg

    @dg.asset(deps=["c"])
    def native(): ...
"""


def write(project: SampleProject, **needs: str) -> None:
    for table, needed in needs.items():
        project.write(f"{table}.py", NEEDS.format(table=table, needed=needed))


def problems(project: SampleProject, *names: str) -> list[str]:
    return [problem.render(project.root) for problem in find_problems([project.module(name) for name in names])]


def test_a_cycle_of_workflows_is_reported_at_one_of_them(project: SampleProject) -> None:
    write(project, c="b", a="c", b="a", d="a")
    (problem,) = problems(project, "a", "b", "c", "d")
    assert problem.startswith(f"{project.package}/a.py:7: @cascade_ingestion: deps: a depends on itself: ")
    assert "a needs c, c needs b, b needs a." in problem
    with pytest.raises(DeclarationError, match="a needs c, c needs b, b needs a"):
        build_definitions()


def test_a_cycle_may_go_through_dagsters_own_asset(project: SampleProject) -> None:
    write(project, b="native", c="b")
    project.write("own.py", NATIVE)
    (problem,) = problems(project, "b", "c", "own")
    assert "b needs native, native needs c, c needs b." in problem


def test_an_unknown_or_shared_dependency_is_not_a_cycle(project: SampleProject) -> None:
    write(project, a="elsewhere", b="a", c="a")
    assert problems(project, "a", "b", "c") == []
    build_definitions()


def test_a_workflow_that_depends_on_itself_is_reported_at_its_line(project: SampleProject) -> None:
    write(project, a="a")
    (problem,) = problems(project, "a")
    assert problem.startswith(f"{project.package}/a.py:7: ")
    with pytest.raises(DeclarationError, match="depends on itself") as caught:
        build_definitions()
    assert str(caught.value.location).endswith("a.py:7")


CHECK = """
    import dagster as dg

    @dg.asset_check(asset="{asset}", name="{name}")
    def check() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=True)
"""


def test_two_checks_of_one_name_are_reported_with_their_modules(project: SampleProject) -> None:
    project.write("first.py", CHECK.format(asset="weather", name="is_good"))
    project.write("second.py", CHECK.format(asset="weather", name="is_good"))
    expected = (
        f"Two checks of weather are called is_good, in {project.module('first')} and in {project.module('second')}."
    )
    with pytest.raises(DiscoveryError, match=expected):
        build_definitions()
    (problem,) = find_problems([project.module("first"), project.module("second")])
    assert problem.message.startswith(expected)


def test_a_check_with_the_name_of_cascades_own_is_reported(project: SampleProject) -> None:
    write(project, a="elsewhere")
    project.write("checks.py", CHECK.format(asset="a", name="validation"))
    project.write("others.py", CHECK.format(asset="plain", name="validation"))
    (problem,) = find_problems([project.module(name) for name in ("a", "checks", "others")])
    assert problem.message.startswith(f"A check of a in {project.module('checks')} is called validation")


def test_checks_of_other_assets_or_held_by_definitions_too_do_not_clash(project: SampleProject) -> None:
    project.write("first.py", CHECK.format(asset="weather", name="is_good"))
    project.write("second.py", CHECK.format(asset="traffic", name="is_good"))
    project.write(
        "third.py", CHECK.format(asset="rain", name="is_good") + "\n    defs = dg.Definitions(asset_checks=[check])\n"
    )
    assert not find_problems([project.module(name) for name in ("first", "second", "third")])


REPOSITORY = """
    import dagster as dg

    @dg.asset(required_resource_keys={{"api"}})
    def {name}(): ...

    {name}_repository = dg.create_repository_using_definitions_args(
        "{name}", assets=[{name}], resources={{"api": "{name}"}}
    )
"""


def test_a_resource_that_several_code_locations_define_differently(project: SampleProject) -> None:
    for name in ("one", "two"):
        project.write(
            f"{name}/definitions.py", f"import dagster as dg\n\ndefs = dg.Definitions(resources={{'api': '{name}'}})\n"
        )
    (problem,) = problems(project, "one.definitions", "two.definitions")
    one, two = (project.module(f"{name}.definitions") for name in ("one", "two"))
    assert f"A project has one resource api, and there are different ones in {one} and in {two}." in problem
    assert "cascade_project(workflows=[...])" in problem
    with pytest.raises(DiscoveryError, match="one resource api"):
        build_definitions()


def test_repositories_of_one_module_that_bind_different_resources(project: SampleProject) -> None:
    project.write("both.py", "".join(dedent(REPOSITORY.format(name=name)) for name in ("one", "two")))
    (problem,) = problems(project, "both")
    assert f"A project has one resource api, and there are different ones twice in {project.module('both')}." in problem
    project.write("one.py", REPOSITORY.format(name="single"))
    assert problems(project, "one") == []


def test_two_executors(project: SampleProject) -> None:
    for name, executor in (("one", "in_process"), ("two", "multiprocess")):
        code = f"import dagster as dg\n\ndefs = dg.Definitions(executor=dg.{executor}_executor)\n"
        project.write(f"{name}/definitions.py", code)
    (problem,) = problems(project, "one.definitions", "two.definitions")
    assert "A project has one executor" in problem
