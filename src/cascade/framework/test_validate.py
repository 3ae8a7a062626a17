"""Problems of a project, with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from cascade.contributor import relative_paths
from cascade.framework.conftest import THINGS, SampleProject
from cascade.framework.validate import find_problems

WRONG = """
    from typing import Any
    from pydantic import BaseModel
    from cascade.ingestion import cascade_ingestion

    class Odd(BaseModel):
        id: int
        anything: Any
        mapping: dict[str, int]

    class Row(BaseModel):
        id: int

    @cascade_ingestion(table_name="a", unique_key="idd", grup="g", validation_schema=Row, cron="never")
    def first(): ...

    @cascade_ingestion(table_name="b", unique_key="id", group="g", validation_schema=Odd)
    def second(): ...

    @cascade_ingestion(table_name="c", unique_key="id", group="g", validation_schema=Row, owners=["nobody"])
    def third(): ...
"""


def lines(project: SampleProject, *names: str, known: tuple[str, ...] = ()) -> list[str]:
    problems = find_problems([project.module(name) for name in names], [project.module(name) for name in known])
    return [problem.render(project.root) for problem in problems]


def test_every_decorator_of_every_module_reports(project: SampleProject) -> None:
    project.write("things.py", THINGS)
    project.write("wrong.py", WRONG)
    project.write("broken.py", "import not_installed_anywhere\n")
    found = "\n".join(lines(project, "things", "wrong", "broken"))
    package = project.package
    assert f'{package}/wrong.py:13: @cascade_ingestion: there is no argument "grup". Did you mean "group"?' in found
    assert f'{package}/wrong.py:13: @cascade_ingestion: unique_key: "idd"' in found
    assert f"{package}/wrong.py:13: @cascade_ingestion: cron" in found
    assert f"{package}/wrong.py:7: Odd.anything: " in found
    assert f"{package}/wrong.py:8: Odd.mapping: " in found
    assert f"{package}/wrong.py:19:" in found
    assert f"{package}/broken.py:1: " in found
    assert "not_installed_anywhere" in found
    assert "things.py" not in found


def test_an_error_that_follows_from_a_wrong_decorator_is_not_another_problem(project: SampleProject) -> None:
    project.write("wrong.py", WRONG)
    project.write("after.py", f"from {project.module('wrong')} import first\nprint(first.key)\n")
    project.write("own.py", f"from {project.module('wrong')} import first\nprint(first.__name__.key)\n")
    places = {line.partition(": ")[0] for line in lines(project, "wrong", "after", "own")}
    expected = ("wrong.py:7", "wrong.py:8", "wrong.py:13", "wrong.py:19", "own.py:2")
    assert places == {f"{project.package}/{place}" for place in expected}


def test_a_correct_module_has_no_problem_and_no_files_are_written(project: SampleProject) -> None:
    project.write("things.py", THINGS)
    before = sorted(project.root.rglob("*"))
    assert lines(project, "things") == []
    assert sorted(project.root.rglob("*")) == before


FACTORY = """
    from pydantic import BaseModel
    from cascade.ingestion import cascade_ingestion

    class Row(BaseModel):
        id: int

    def make(table):
        @cascade_ingestion(table_name=table, unique_key="id", group="g", validation_schema=Row)
        def rows(): ...
        return rows
"""


def test_an_unlisted_product_of_a_factory_is_reported(project: SampleProject) -> None:
    project.write("things.py", THINGS)
    project.write("factory.py", FACTORY)
    project.write("made.py", f"from {project.package}.factory import make\nmade = make('made')\n")
    (problem,) = lines(project, "things")
    assert problem.startswith(f"{project.package}/made.py:1: ")
    assert 'load=["made.py"]' in problem
    assert "raw.made" in problem
    assert lines(project, "things", "made") == []
    assert lines(project, "things", known=("made",)) == []


def test_what_only_an_import_shows_is_said_once_for_a_directory_with_the_field_to_set(project: SampleProject) -> None:
    project.write("things.py", THINGS)
    project.write(
        "factory.py",
        """
        import dagster as dg

        def make(name):
            @dg.asset(name=name)
            def made(): ...
            return made
        """,
    )
    for name in ("one", "two", "parts/three"):
        last = name.rpartition("/")[2]
        project.write(f"{name}.py", f"from {project.package}.factory import make\n{last} = make('{last}')\n")
    (problem,) = lines(project, "things")
    assert 'load=["one.py", "parts/three.py", "two.py"]' in problem
    assert f"{project.package}.one declares the asset one" in problem
    assert lines(project, "things", "one", "two", "parts.three") == []


def test_what_a_function_of_dagster_returns_is_looked_at(project: SampleProject) -> None:
    project.write("things.py", THINGS)
    # No reader knows all functions of all integrations.
    project.write(
        "made.py", "import dagster as dg\nlog = dg.get_dagster_logger()\nmade = [getattr(dg, 'AssetSpec')('x')]\n"
    )
    (problem,) = lines(project, "things")
    assert f"{project.package}.made declares the asset x" in problem


def test_what_the_definitions_of_a_package_list_needs_no_field(project: SampleProject) -> None:
    project.write(
        "factory.py", "import dagster as dg\n\ndef make(name):\n    return dg.asset(name=name)(lambda: None)\n"
    )
    project.write("assets.py", f"from {project.package}.factory import make\none = make('one')\ntwo = make('two')\n")
    project.write(
        "definitions.py",
        f"import dagster as dg\nfrom {project.package} import assets\n\ndefs = dg.Definitions(assets=[assets.one])\n",
    )
    assert lines(project, "definitions") == []


def test_looking_for_unlisted_modules_runs_no_script(project: SampleProject, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    project.write("things.py", THINGS)
    project.write("backfill.py", f"from {project.package}.things import things\nopen({str(mark)!r}, 'w')\n")
    assert lines(project, "things") == []
    assert not mark.exists()


def test_an_error_of_dagster_about_all_definitions_is_reported(project: SampleProject) -> None:
    project.write("native.py", "import dagster as dg\njob = dg.define_asset_job('nightly', selection=['missing'])\n")
    (problem,) = lines(project, "native")
    assert "missing" in problem


def test_the_paths_that_a_message_quotes_are_relative_too(project: SampleProject) -> None:
    project.write("a.py", THINGS)
    project.write("b.py", THINGS)
    (problem,) = lines(project, "a", "b")
    assert problem.startswith(f"{project.package}/b.py:9: ")
    assert f"already declared at {project.package}/a.py:9." in problem
    assert str(project.root) not in problem


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("at /p/x.py and (/p/y.py)", "at x.py and (y.py)"),
        ("at /p/", "at /p/"),
        ("at /other/p/x.py and /pp/x.py", "at /other/p/x.py and /pp/x.py"),
    ],
)
def test_only_paths_in_the_directory_become_relative(text: str, expected: str) -> None:
    assert relative_paths(text, Path("/p")) == expected
    assert relative_paths(text, None) == text


CHECKS = """
    from cascade import cascade_quality
    from cascade.quality import NotNull

    @cascade_quality(table="{table}", checks=[NotNull("nam")], group="g")
    def plausible(): ...
"""


def test_the_columns_of_a_checked_table_are_known_from_its_workflow(project: SampleProject) -> None:
    project.write("things.py", THINGS)
    project.write("checks.py", CHECKS.format(table="things"))
    place = f"{project.package}/checks.py:4: @cascade_quality: "
    (unknown,) = lines(project, "things", "checks")
    assert unknown == f'{place}checks: "nam" is not a field of Thing. Did you mean "name"?'
    # Only modules that are known to belong to the project are searched for the workflow.
    assert lines(project, "checks", known=("things",)) == [unknown]
    assert lines(project, "checks") == []


def test_a_table_that_nobody_fills_is_a_problem_of_a_whole_project_only(project: SampleProject) -> None:
    project.write("things.py", THINGS)
    project.write("checks.py", CHECKS.format(table="thinsg"))
    assert lines(project, "things", "checks") == []
    modules = [project.module("things"), project.module("checks")]
    (problem,) = find_problems(modules, complete=True)
    assert problem.message == (
        '@cascade_quality: table: no workflow of the project fills "thinsg". Did you mean "things"?'
    )
