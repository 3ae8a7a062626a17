"""`status` and `plan`, over a few days of a project."""

from __future__ import annotations

from typing import Any

import pytest

from cascade.cli.conftest import Cascade, program
from cascade.framework.conftest import THINGS, SampleProject

__all__ = ["program"]

pytestmark = pytest.mark.usefixtures("program")

COPIES = """
    from {package}.things import Thing, things
    from cascade.ingestion import cascade_ingestion

    @cascade_ingestion(
        table_name="copies", unique_key="id", group="g", validation_schema=Thing, deps=[things], freshness_hours=24,
        partition_start="2024-01-01", partition_end="2024-01-06",
    )
    def copies(partition_date):
        return [{{"id": int(partition_date[-2:]), "name": "copy"}}]
"""


@pytest.fixture
def worked(cascade: Cascade, project: SampleProject) -> SampleProject:
    """Make a project in which the third partition of `things` failed, and two of `copies` are published."""
    project.write("__init__.py", "")
    project.write("things.py", THINGS)
    project.write("copies.py", COPIES.format(package=project.package))
    cascade("backfill", "things", "--to", "2024-01-04")
    assert cascade("backfill", "copies", "--to", "2024-01-02").exit_code == 0
    return project


def test_status_of_a_project(cascade: Cascade, worked: SampleProject) -> None:
    lines = [line.split() for line in cascade("status").stdout.splitlines()]
    assert lines[0] == ["asset", "published", "missing", "failed", "stale", "rows", "refused", "fresh", "last", "run"]
    assert lines[1][:9] == ["copies", "2/5", "3", "0", "0", "2", "0", "fresh", "success"]
    assert lines[2][:8] == ["things", "3/5", "2", "1", "0", "15", "1", "success"]


def test_status_of_an_asset_names_its_partitions(cascade: Cascade, worked: SampleProject) -> None:
    lines = cascade("status", "things").stdout.splitlines()
    assert lines[:6] == [
        "things: table raw.things, daily partitions",
        "  published  3 of 5: 2024-01-01...2024-01-02, 2024-01-04",
        "  missing    2: 2024-01-03, 2024-01-05",
        "  failed     1: 2024-01-03",
        "  stale      0",
        "  rows       15, and 1 refused",
    ]
    assert lines[6].startswith("  last run   success ")
    assert ", partition 2024-01-04, run " in lines[6]
    assert lines[7:] == ["See what a backfill would run: cascade plan things"]
    (document,) = cascade.json("status", "things")["workflows"]
    assert document["missing"] == {
        "count": 2,
        "ranges": [
            {"first": "2024-01-03", "last": "2024-01-03", "count": 1},
            {"first": "2024-01-05", "last": "2024-01-05", "count": 1},
        ],
    }
    assert document["last_run"]["status"] == "SUCCESS"


def plan_of(cascade: Cascade, asset: str) -> dict[str, Any]:
    (found,) = cascade.json("plan", asset)["plans"]
    return {name: found[name] for name in ("due", "stale", "then_stale")}


def test_plan_says_what_an_edit_costs_before_it_does(cascade: Cascade, worked: SampleProject) -> None:
    assert plan_of(cascade, "things") == {
        "due": {"missing": ["2024-01-03", "2024-01-05"], "failed": ["2024-01-03"]},
        "stale": {},
        "then_stale": {},
    }
    worked.write("things.py", THINGS + "\n    EDITED = True\n")
    assert plan_of(cascade, "things") == {
        "due": {"missing": ["2024-01-03", "2024-01-05"], "failed": ["2024-01-03"]},
        "stale": {"code changed": ["2024-01-01", "2024-01-02", "2024-01-04"]},
        "then_stale": {"copies": ["2024-01-01", "2024-01-02"]},
    }
    assert cascade("plan", "things").stdout.splitlines() == [
        "cascade backfill things would run 2 of 5 partitions:",
        "  missing: 2, 2024-01-03, 2024-01-05",
        "  failed: 1, 2024-01-03",
        "cascade backfill things --stale would run 3 of 5 partitions:",
        "  code changed: 3, 2024-01-01...2024-01-02, 2024-01-04",
        "  then stale: 2 partitions of copies, 2024-01-01...2024-01-02",
    ]

    done = cascade.json("backfill", "things", "--stale")
    assert [run["partition"] for run in done["runs"]] == ["2024-01-01", "2024-01-02", "2024-01-04"]
    assert plan_of(cascade, "things")["stale"] == {}
    # It imports the schema of `things`.
    both = ["2024-01-01", "2024-01-02"]
    assert plan_of(cascade, "copies")["stale"] == {"code changed": both, "things changed": both}


def test_nothing_to_plan(cascade: Cascade, project: SampleProject) -> None:
    assert cascade("status").stdout == "There are no workflows yet.\n"
    assert cascade("plan").stdout == "Nothing to do: no partition is missing, failed or stale.\n"


def test_a_module_that_does_not_load_is_reported(cascade: Cascade, project: SampleProject) -> None:
    project.write("things.py", THINGS)
    project.write("wrong.py", "import nonsense_module")
    for command in ("status", "plan"):
        result = cascade(command)
        assert result.exit_code == 1
        assert "things" in result.stdout
        assert "not loaded: " in result.stderr
    assert cascade("status", "thing").exit_code == 2
