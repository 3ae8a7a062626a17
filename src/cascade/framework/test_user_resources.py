"""Resources that workflows take by parameter: where they are found, and what a missing one breaks."""

from __future__ import annotations

import sys
from typing import Any

import dagster as dg
import pytest

from cascade.exceptions import DeclarationError
from cascade.framework.conftest import THINGS, SampleProject
from cascade.framework.definitions import build_definitions
from cascade.framework.validate import RestOfProject, find_problems, missing_resources

API = """
    import dagster as dg

    class Api(dg.ConfigurableResource):
        url: str

        def rows(self):
            return [{"id": 1, "name": self.url}]
"""
TAKES = """
    from __future__ import annotations
    import dagster as dg
    from pydantic import BaseModel
    from cascade import cascade_ingestion
    from {package}.api import Api

    class Row(BaseModel):
        id: int
        name: str

    @cascade_ingestion(table_name="rows", unique_key="id", validation_schema=Row, partitions=None)
    def rows(context: dg.AssetExecutionContext, api: Api):
        context.log.info("the run sees its context")
        return api.rows()
"""


def written(project: SampleProject, **more: str) -> list[str]:
    project.write("api.py", API + more.pop("api", ""))
    project.write("rows.py", TAKES.replace("{package}", project.package))
    project.write("things.py", THINGS)
    for name, text in more.items():
        project.write(f"{name}.py", text.replace("{package}", project.package))
    return [project.module(name) for name in ("rows", "things", *more)]


def run(modules: list[str], key: str, **options: Any) -> dg.ExecuteInProcessResult:
    job = build_definitions(modules).resolve_implicit_global_asset_job_def()
    selection = [dg.AssetKey(key)]
    return job.execute_in_process(asset_selection=selection, raise_on_error=False, **options)


def error_of(result: dg.ExecuteInProcessResult) -> str:
    (failure,) = (event for event in result.all_events if event.is_step_failure)
    return str(failure.step_failure_data.error)


VARIABLE = '    api = Api(url="by variable")\n'


@pytest.mark.parametrize(
    "more",
    [
        {"api": VARIABLE},
        {"parts": f"    from {{package}}.api import Api\n{VARIABLE}"},
        {
            "defs": "    import dagster as dg\n    from {package}.api import Api\n"
            "    everything = dg.Definitions(resources={'api': Api(url='by Definitions')})\n"
        },
        {
            "old": "    import dagster as dg\n    from {package}.api import Api\n\n"
            "    @dg.resource\n    def api():\n        return Api(url='by function')\n"
        },
    ],
    ids=["with its class", "in a module", "in Definitions", "by function"],
)
def test_a_resource_is_found_by_the_name_of_the_parameter(project: SampleProject, more: dict[str, str]) -> None:
    modules = written(project, **more)
    assert find_problems(modules, complete=True) == ()
    assert run(modules, "rows").success


def test_a_missing_resource_breaks_one_workflow_alone(project: SampleProject) -> None:
    modules = written(project, parts='    from {package}.api import Api\n    apis = Api(url="x")\n')
    assert run(modules, "things", partition_key="2024-01-01").success
    text = error_of(run(modules, "rows"))
    assert f"{project.package}/rows.py:11: @cascade_ingestion: the parameter api takes the resource api" in text
    assert 'Did you mean "apis"?' in text
    assert f"It has apis (Api in {project.package}.parts), lakehouse." in text


def test_a_missing_resource_breaks_one_workflow_of_a_run_of_several(project: SampleProject) -> None:
    modules = written(project)
    whole = THINGS.replace("partition_start=date(2024, 1, 1), partition_end=date(2024, 1, 6),", "partitions=None,")
    project.write("things.py", whole.replace("partition_date: str", "").replace("partition_date[-2:]", "1"))
    job = build_definitions(modules).resolve_implicit_global_asset_job_def()
    result = job.execute_in_process(raise_on_error=False)
    assert [event.asset_key for event in result.get_asset_materialization_events()] == [dg.AssetKey("things")]


def test_validate_reports_a_missing_resource_of_a_whole_project(project: SampleProject) -> None:
    modules = written(project)
    (problem,) = find_problems(modules, complete=True)
    assert problem.message.startswith("@cascade_ingestion: the parameter api takes the resource api, which the project")
    assert problem.location is not None and problem.location.file.endswith("rows.py")
    assert find_problems(modules) == ()


@pytest.mark.parametrize(
    ("parts", "missing"),
    [
        (f"    from {{package}}.api import Api\n{VARIABLE}", 0),
        ("    x = 1\n", 1),
        # What does not load may have the resource, and another check reports it.
        ("    import nothing_of_this_name\n", 0),
    ],
)
def test_a_part_of_a_project_may_take_a_resource_of_the_rest(project: SampleProject, parts: str, missing: int) -> None:
    rows, *others = written(project, parts=parts)
    problems = find_problems([rows], rest=RestOfProject(others))
    assert ["takes the resource api, which the project" in each.message for each in problems] == [True] * missing
    # In two steps, as Pants checks: the part alone, and then the resources that it lacks in the project.
    lacking: list[str] = []
    assert find_problems([rows], lacking=lacking.append) == ()
    assert [file.rpartition("/")[2] for file in lacking] == ["rows.py"]
    assert missing_resources([rows], RestOfProject(others)) == problems


def test_the_rest_of_a_project_is_loaded_only_for_a_missing_resource(project: SampleProject) -> None:
    _, things = written(project)
    assert find_problems([things], rest=RestOfProject([project.module("rows")])) == ()
    assert project.module("rows") not in sys.modules


def test_two_resources_of_one_name_break_the_workflows_that_take_it(project: SampleProject) -> None:
    modules = written(
        project,
        parts=f"    from {{package}}.api import Api\n{VARIABLE}",
        again=f"    from {{package}}.api import Api\n{VARIABLE}",
    )
    (problem,) = find_problems(modules, complete=True)
    package = project.package
    assert f"{package}.again and {package}.parts each have a different one" in problem.message or (
        f"{package}.parts and {package}.again each have a different one" in problem.message
    )
    assert run(modules, "things", partition_key="2024-01-01").success


def test_a_resource_of_another_class_is_not_taken(project: SampleProject) -> None:
    other = "    import dagster as dg\n\n    class Other(dg.ConfigurableResource): ...\n\n    api = Other()\n"
    modules = written(project, parts=f"    from {{package}}.api import Api\n{VARIABLE}", other=other)
    assert find_problems(modules, complete=True) == ()
    (problem,) = find_problems([name for name in modules if not name.endswith("parts")], complete=True)
    assert "It has api (Other in " in problem.message
    assert "Did you mean" not in problem.message


def test_a_second_workflow_that_takes_another_class_is_reported(project: SampleProject) -> None:
    text = TAKES.replace("{package}", project.package).replace('"rows"', '"others"').replace("api: Api", "api: Other")
    modules = written(
        project, api=VARIABLE, others=text.replace("class Row(", "class Other(Api): ...\n\n    class Row(")
    )
    (problem,) = find_problems(modules, complete=True)
    assert problem.location is not None and problem.location.file.endswith("others.py")
    assert "the parameter api takes a resource of the class Other, but the resource api is of the class Api" in (
        problem.message
    )


def test_a_workflow_that_would_get_another_class_is_reported_at_load_and_fails_alone(
    project: SampleProject, capsys: pytest.CaptureFixture[str]
) -> None:
    text = TAKES.replace("{package}", project.package).replace('"rows"', '"others"').replace("api: Api", "api: Other")
    modules = written(
        project, api=VARIABLE, others=text.replace("class Row(", "class Other(Api): ...\n\n    class Row(")
    )
    others = error_of(run(modules, "others"))
    said = "@cascade_ingestion: the parameter api takes a resource of the class Other, but the resource api is of"
    assert said in others
    assert f"warning: cannot run: {project.root}/{project.package}/others.py" in capsys.readouterr().err
    assert run(modules, "rows").success


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        (
            "api=None",
            "the parameter api has the name of the resource api, but no annotation, so it would get its default",
        ),
        ('api: "Missing" = None', 'the parameter api is annotated with "Missing", which is not defined at run time.'),
        ("api: Missing | None = None", 'annotated with "Missing | None", which is not defined at run time.'),
    ],
)
def test_a_parameter_that_would_silently_get_its_default_is_reported(
    project: SampleProject, capsys: pytest.CaptureFixture[str], parameter: str, expected: str
) -> None:
    modules = written(project, parts=f"    from {{package}}.api import Api\n{VARIABLE}")
    project.write("rows.py", TAKES.replace("{package}", project.package).replace("api: Api", parameter))
    (problem,) = find_problems(modules, complete=True)
    assert expected in problem.message
    assert expected in error_of(run(modules, "rows"))
    assert expected in capsys.readouterr().err
    assert run(modules, "things", partition_key="2024-01-01").success


def test_a_parameter_with_a_default_and_no_resource_of_its_name_keeps_it(project: SampleProject) -> None:
    modules = written(project)
    text = TAKES.replace("{package}", project.package).replace("api: Api", "limit=1, unit: str = 'm'")
    project.write("rows.py", text.replace("api.rows()", "[{'id': limit, 'name': unit}]"))
    assert find_problems(modules, complete=True) == ()
    assert run(modules, "rows").success


@pytest.mark.parametrize(
    ("parameter", "what"), [("lakehouse", "Cascade's own Lakehouse"), ("api", "of the class Other")]
)
def test_a_resource_that_is_given_but_of_another_class_is_reported(
    project: SampleProject, parameter: str, what: str
) -> None:
    definitions = (
        "    import dagster as dg\n\n    class Other(dg.ConfigurableResource): ...\n\n"
        "    everything = dg.Definitions(resources={'api': Other()})\n"
    )
    modules = written(project, parts=definitions)
    text = TAKES.replace("{package}", project.package)
    project.write("rows.py", text.replace("api: Api", f"{parameter}: Api").replace("api.rows()", "[]"))
    (problem,) = find_problems(modules, complete=True)
    assert f"{parameter} takes a resource of the class Api, but the resource {parameter} is {what}." in problem.message


def test_the_lakehouse_is_a_resource_like_others(project: SampleProject) -> None:
    text = TAKES.replace("{package}", project.package).replace("api: Api", "lakehouse: dg.ResourceParam[object]")
    project.write("api.py", API)
    project.write("rows.py", text.replace("api.rows()", "[{'id': 1, 'name': type(lakehouse).__name__}]"))
    assert run([project.module("rows")], "rows").success


def test_a_parameter_of_a_type_that_exists_only_for_type_checkers_is_reported(project: SampleProject) -> None:
    modules = written(project, api=VARIABLE)
    text = TAKES.replace("{package}", project.package)
    line = f"    from {project.package}.api import Api\n"
    project.write("rows.py", text.replace(line, f"    TYPE_CHECKING = False\n    if TYPE_CHECKING:\n    {line}"))
    (problem,) = find_problems(modules)
    assert 'the parameter api is annotated with "Api", which is not defined at run time' in problem.message
    assert "the parameter api is annotated" in error_of(run(modules, "rows"))
    assert run(modules, "things", partition_key="2024-01-01").success


def test_a_required_parameter_that_is_not_a_resource_is_refused_by_the_decorator(project: SampleProject) -> None:
    project.write("api.py", API)
    project.write("rows.py", TAKES.replace("{package}", project.package).replace("api: Api", "api: str"))
    with pytest.raises(
        DeclarationError, match="the function requires api, but it can take only context, and resources"
    ):
        build_definitions([project.module("rows")])
