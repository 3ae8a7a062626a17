"""Asset checks run with their asset, and their failures are reported."""

from __future__ import annotations

import shlex

import pytest

from cascade.cli.conftest import Cascade
from cascade.framework.conftest import THINGS, SampleProject

CHECKS = """
    import dagster as dg
    from cascade.iceberg import Lakehouse
    from {package}.things import things

    @dg.asset_check(asset=things.key)
    def enough(lakehouse: dg.ResourceParam[Lakehouse]) -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=lakehouse.read("raw.things").height > 0)

    @dg.asset_check(asset=things.key, blocking={blocking})
    def named(lakehouse: dg.ResourceParam[Lakehouse]) -> dg.AssetCheckResult:
        rows = lakehouse.read("raw.things", columns=["id"], where="name = 'n3'").height
        return dg.AssetCheckResult(passed=rows == 0, description=f"{{rows}} rows are called n3")
"""


@pytest.fixture(autouse=True)
def things(project: SampleProject) -> None:
    project.write("things.py", THINGS)
    project.write("checks.py", CHECKS.format(package=project.package, blocking=False))


def test_a_failed_check_is_a_warning(cascade: Cascade) -> None:
    result = cascade("materialize", "things", "--partition", "2024-01-01")
    assert result.exit_code == 0, result.output
    assert result.stderr == "warning: things 2024-01-01: the check named failed: 1 rows are called n3\n"
    (run,) = cascade.json("materialize", "things", "--partition", "2024-01-01")["runs"]
    assert sorted(run["checks"], key=lambda check: str(check["name"])) == [
        {"asset": "things", "name": "enough", "passed": True, "severity": "ERROR", "description": None, "sql": None},
        {
            "asset": "things",
            "name": "named",
            "passed": False,
            "severity": "ERROR",
            "description": "1 rows are called n3",
            "sql": None,
        },
        {
            "asset": "things",
            "name": "validation",
            "passed": True,
            "severity": "WARN",
            "description": "7 rows, none refused.",
            "sql": None,
        },
    ]


def test_the_warning_of_a_declared_check_has_the_command_that_shows_the_rows(
    cascade: Cascade, project: SampleProject
) -> None:
    project.write(
        "checks.py",
        """
        from cascade import cascade_quality
        from cascade.quality import OneOf


        @cascade_quality(table="things", checks=[OneOf("name", ["n1", "it's"])], blocking=False)
        def known() -> None:
            pass
        """,
    )
    result = cascade("materialize", "things", "--partition", "2024-01-01")
    assert result.exit_code == 0, result.output
    command = result.stderr.splitlines()[-1].removeprefix("To see what it found: cascade ")
    shown = cascade.json(*shlex.split(command))
    assert len(shown["rows"]) == 6 and "n1" not in str(shown["rows"])


def test_refused_rows_are_reported_once_and_fail_the_check_of_the_ingestion(cascade: Cascade) -> None:
    result = cascade("materialize", "things", "--partition", "2024-01-04")
    assert result.exit_code == 0, result.output
    assert "warning: things 2024-01-04: 1 row refused, now in raw.things__quarantine:\n" in result.stderr
    assert "validation" not in result.stderr
    (run,) = cascade.json("materialize", "things", "--partition", "2024-01-04")["runs"]
    (check,) = (check for check in run["checks"] if check["name"] == "validation")
    assert (check["passed"], check["severity"]) == (False, "WARN")
    assert check["description"] == "1 of 2 rows refused, now in raw.things__quarantine."


def test_the_warning_says_how_many_of_the_refused_rows_it_shows(cascade: Cascade, project: SampleProject) -> None:
    rows = '[{"id": "four", "name": "a"}] * 7 + [{"id": 400, "name": "b"}]'
    project.write("things.py", THINGS.replace('[{"id": "four", "name": "a"}, {"id": 400, "name": "b"}]', rows))
    result = cascade("materialize", "things", "--partition", "2024-01-04")
    assert result.exit_code == 0, result.output
    heading, *lines = result.stderr.split("warning: ")[1].splitlines()
    assert heading == "things 2024-01-04: 7 rows refused, now in raw.things__quarantine. The first 5:"
    assert [line for line in lines if line.startswith("  id: ")] == lines[:5]


def test_a_row_refused_for_several_fields_names_each_once(cascade: Cascade, project: SampleProject) -> None:
    project.write("things.py", THINGS.replace('{"id": "four", "name": "a"}', '{"id": "four", "name": 4}'))
    result = cascade("materialize", "things", "--partition", "2024-01-04")
    (line,) = (line for line in result.stderr.splitlines() if "valid integer" in line)
    assert line.startswith("  id: Input should be a valid integer")
    assert line.count(" id: ") == line.count(" name: Input should be a valid string") == 1


def test_a_failed_blocking_check_fails_the_run(cascade: Cascade, project: SampleProject) -> None:
    project.write("checks.py", CHECKS.format(package=project.package, blocking=True))
    result = cascade("materialize", "things", "--partition", "2024-01-01")
    assert result.exit_code == 1
    assert "1 rows are called n3" in result.stderr
    assert "Traceback" not in result.output


def test_a_check_that_raises_is_reported_with_its_line(cascade: Cascade, project: SampleProject) -> None:
    path = project.write("checks.py", CHECKS.format(package=project.package, blocking=False).replace("n3'", "n3"))
    result = cascade("materialize", "things", "--partition", "2024-01-01")
    assert result.exit_code == 1
    assert 'The filter "name = \'n3" on raw.things is invalid' in result.stderr, path
