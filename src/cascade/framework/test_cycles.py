"""Assets that need each other in a circle are refused, with the place of one of them."""

from __future__ import annotations

import pytest

from cascade.exceptions import DeclarationError
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


def test_a_circle_of_workflows_alone_is_told_with_the_place_of_one(project: SampleProject) -> None:
    write(project, c="b", a="c", b="a", d="a")
    (problem,) = problems(project, "a", "b", "c", "d")
    assert problem.startswith(f"{project.package}/a.py:7: @cascade_ingestion: deps: a comes before itself: ")
    assert "a needs c, c needs b, b needs a." in problem
    with pytest.raises(DeclarationError, match="a needs c, c needs b, b needs a"):
        build_definitions()


def test_a_circle_through_an_asset_of_dagsters_is_one_too(project: SampleProject) -> None:
    write(project, b="native", c="b")
    project.write("own.py", NATIVE)
    (problem,) = problems(project, "b", "c", "own")
    assert "b needs native, native needs c, c needs b." in problem


def test_what_needs_something_unknown_or_twice_the_same_is_no_circle(project: SampleProject) -> None:
    write(project, a="elsewhere", b="a", c="a")
    assert problems(project, "a", "b", "c") == []
    build_definitions()


def test_a_workflow_that_needs_itself_is_told_with_its_place(project: SampleProject) -> None:
    write(project, a="a")
    (problem,) = problems(project, "a")
    assert problem.startswith(f"{project.package}/a.py:7: ")
    with pytest.raises(DeclarationError, match="depends on itself") as caught:
        build_definitions()
    assert str(caught.value.location).endswith("a.py:7")
