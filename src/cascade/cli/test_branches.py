"""`branch`, `table history` and `table diff`."""

from __future__ import annotations

import pyarrow as pa
import pytest

from cascade.cli.conftest import Cascade
from cascade.config import CascadeConfig
from cascade.framework import published_branch
from cascade.framework.conftest import THINGS, SampleProject
from cascade.iceberg import Lakehouse, ensure_table, merge_rows, open_lakehouse
from cascade.iceberg.commit import commit_planned, run_summary
from cascade.iceberg.heads import AuditBranch
from cascade.iceberg.merge import MergePlanner
from cascade.iceberg.test_commit import SCHEMA
from cascade.table_ref import TableRef

COUNTS = TableRef("raw", "counts")


def rows(counts: dict[int, int]) -> pa.Table:
    return pa.table({"id": pa.array(counts, pa.int64()), "n": pa.array(counts.values(), pa.int64())})


@pytest.fixture
def lakehouse(project: SampleProject) -> Lakehouse:
    """Return a lakehouse with three rows on main, and changes of two of them on an audit branch."""
    project.write("things.py", THINGS)
    opened = open_lakehouse(CascadeConfig())
    ensure_table(opened, COUNTS, SCHEMA)
    merge_rows(opened, COUNTS, rows({1: 10, 2: 20, 3: 30}), ["id"], run_id="first", partition="2024-01-01")
    planner = MergePlanner(rows({2: 21, 4: 40}), ("id",))
    summary = run_summary("second", "2024-01-02")
    commit_planned(opened, COUNTS, planner, summary=summary, audit=AuditBranch.of("second", 7200))
    return opened


@pytest.mark.usefixtures("lakehouse")
def test_branches_are_listed(cascade: Cascade) -> None:
    result = cascade("branch", "list")
    assert result.exit_code == 0, result.output
    heading, main, audit = result.stdout.splitlines()
    assert heading.split() == ["table", "branch", "rows", "written", "(UTC)", "partition", "kept", "until", "(UTC)"]
    assert main.split()[:3] == ["raw.counts", "main", "3"]
    assert audit.split()[:3] == ["raw.counts", "audit_second", "4"] and "2024-01-02" in audit
    [_, found] = cascade.json("branch", "list", "counts")["branches"]
    assert (found["run_id"], found["partition"], found["can_publish"]) == ("second", "2024-01-02", True)


@pytest.mark.usefixtures("lakehouse")
def test_a_branch_is_compared_published_and_gone(
    project: SampleProject, cascade: Cascade, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("counts.py", THINGS.replace("things", "counts"))
    result = cascade("branch", "diff", "counts", "audit")
    assert result.exit_code == 0, result.output
    assert "raw.counts, from main to audit_second: 1 row added, 0 removed, 1 changed." in result.stdout
    assert "20 -> 21" in result.stdout
    found = cascade.json("branch", "diff", "counts", "audit")
    assert found["changed_columns"] == {"n": 1}
    assert found["examples"]["changed"] == [{"key": {"id": 2}, "before": {"n": 20}, "after": {"n": 21}}]
    told = []
    monkeypatch.setattr(published_branch, "record_published_branch", lambda _, key, branch: told.append((key, branch)))
    published = cascade("branch", "publish", "counts", "audit_second")
    [(key, branch)] = told
    assert (key.to_user_string(), branch.partition, branch.rows) == ("counts", "2024-01-02", 4)
    assert published.stdout.startswith("Published audit_second of raw.counts: main is at snapshot ")
    assert cascade("branch", "list").stdout == "No table has a branch besides main.\n"
    assert cascade.json("table", "show", "counts")["total_rows"] == 4


def test_an_empty_name_is_not_the_beginning_of_a_branch(cascade: Cascade, lakehouse: Lakehouse) -> None:
    """A script passes one if its variable is not set. On an empty table, the branch is the only one."""
    empty = TableRef("raw", "empty")
    ensure_table(lakehouse, empty, SCHEMA)
    planner = MergePlanner(rows({1: 10}), ("id",))
    commit_planned(lakehouse, empty, planner, summary={}, audit=AuditBranch.of("third", 7200))
    for command in ("diff", "publish", "drop"):
        for name in ("empty", "counts"):
            result = cascade("branch", command, name, "")
            assert result.exit_code == 2 and 'has no branch ""' in result.stderr, result.output
    assert {each["branch"] for each in cascade.json("branch", "list")["branches"]} == {
        "audit_third",
        "audit_second",
        "main",
    }


def test_a_branch_that_main_has_left_behind_is_not_published(cascade: Cascade, lakehouse: Lakehouse) -> None:
    merge_rows(lakehouse, COUNTS, rows({9: 90}), ["id"], run_id="third")
    result = cascade("branch", "publish", "counts", "audit_second")
    assert result.exit_code == 1
    assert "main of raw.counts has moved since audit_second began" in result.stderr
    assert "branch drop raw.counts audit_second" in result.stderr
    assert cascade.json("table", "show", "counts")["total_rows"] == 4
    assert cascade("branch", "drop", "counts", "audit_second").stdout == "Dropped audit_second of raw.counts.\n"
    assert [each["branch"] for each in cascade.json("branch", "list", "counts")["branches"]] == ["main"]
    for what in ("diff", "publish", "drop"):
        told = cascade("branch", what, "counts", "audit_second").stderr
        assert told.endswith('has no branch "audit_second".\nIt has no branch besides main.\n')


def test_a_branch_does_not_bring_back_what_was_rolled_back(cascade: Cascade, lakehouse: Lakehouse) -> None:
    merge_rows(lakehouse, COUNTS, rows({9: 90}), ["id"], run_id="third")
    planner = MergePlanner(rows({5: 50}), ("id",))
    commit_planned(lakehouse, COUNTS, planner, summary={}, audit=AuditBranch.of("fourth", 7200))
    snapshots = {
        each["run_id"]: each["snapshot_id"] for each in cascade.json("table", "history", "counts")["snapshots"]
    }
    assert cascade("table", "rollback", "counts", snapshots["first"], "--yes").exit_code == 0
    result = cascade("branch", "publish", "counts", "audit_fourth")
    assert result.exit_code == 1
    assert "has moved since audit_fourth began. Publishing the branch would undo that." in result.stderr
    # Where it starts is where main is again.
    cascade("table", "rollback", "counts", snapshots["third"], "--yes")
    assert cascade("branch", "publish", "counts", "audit_fourth").exit_code == 0
    assert cascade.json("table", "show", "counts")["total_rows"] == 5


@pytest.mark.usefixtures("lakehouse")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("branch", "publish", "counts", "main"), "main is what readers see already."),
        (("branch", "drop", "counts", "main"), "main cannot be dropped"),
        (("branch", "drop", "counts", "adit_second"), 'no branch "adit_second". Did you mean "audit_second"?'),
        (("branch", "diff", "count", "audit"), 'Did you mean "counts"?'),
        (("table", "diff", "counts", "mian"), 'no branch or tag "mian". Did you mean "main"?'),
        (("table", "diff", "counts", "main", "--markdown", "--json"), "Use either --markdown or --json."),
    ],
)
def test_what_cannot_be_done_is_explained(cascade: Cascade, arguments: tuple[str, ...], message: str) -> None:
    result = cascade(*arguments)
    assert result.exit_code == 2
    assert message in result.output


@pytest.mark.usefixtures("lakehouse")
@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("table", "diff", "counts", "1234567890123456789"), "table history raw.counts"),
        (("table", "rollback", "counts", "main"), "table history raw.counts"),
        (("table", "rollback", "counts", "audit_second"), "branch publish raw.counts BRANCH"),
    ],
)
def test_a_hint_repeats_the_command_that_the_user_typed(
    cascade: Cascade, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], hint: str
) -> None:
    assert f": cascade {hint}" in cascade(*arguments).stderr
    monkeypatch.setenv("CASCADE_PROGRAM", "./pants run //:dev --")
    assert f": ./pants run //:dev -- {hint}" in cascade(*arguments).stderr


@pytest.mark.usefixtures("lakehouse")
def test_history_and_the_difference_between_snapshots(cascade: Cascade) -> None:
    second, first = cascade.json("table", "history", "counts")["snapshots"]
    assert (first["run_id"], first["partition"], first["rows"], first["change"]) == ("first", "2024-01-01", 3, 3)
    assert (second["branches"], second["change"]) == (["audit_second"], 1)
    lines = cascade("table", "history", "counts", "--limit", "1").stdout.splitlines()
    assert second["snapshot_id"] in lines[1] and lines[-1] == "1 more. For all: --limit 2"
    markdown = cascade("table", "diff", "counts", first["snapshot_id"], "audit_second", "--markdown").stdout
    assert "| column | changed rows |\n|---|---|\n| n | 1 |" in markdown
    assert r"| changed | 2 | 20 -\> 21 |" in markdown
    same = cascade("table", "diff", "counts", "main").stdout
    assert same == "raw.counts, from main to main: no difference.\n"


def test_history_hides_what_only_a_dropped_branch_had(cascade: Cascade, lakehouse: Lakehouse) -> None:
    merge_rows(lakehouse, COUNTS, rows({9: 90}), ["id"], run_id="third")
    shown = cascade.json("table", "history", "counts")["snapshots"]
    ids = {each["run_id"]: each["snapshot_id"] for each in shown}
    assert cascade("branch", "drop", "counts", "audit_second").exit_code == 0
    assert cascade("table", "rollback", "counts", ids["first"], "--yes").exit_code == 0
    assert [each["run_id"] for each in cascade.json("table", "history", "counts")["snapshots"]] == ["third", "first"]
    told = cascade("table", "history", "counts").stdout
    assert ids["second"] not in told and told.endswith("1 snapshot of dropped branches is not listed: --all\n")
    everything = cascade.json("table", "history", "counts", "--all")["snapshots"]
    assert [each["run_id"] for each in everything if each["of_dropped_branch"]] == ["second"]
    lines = cascade("table", "history", "counts", "--all").stdout.splitlines()
    [line] = [line for line in lines if ids["second"] in line]
    assert line.rstrip().endswith("(dropped)")


def test_the_first_snapshot_of_each_branch_shows_its_rows(cascade: Cascade, project: SampleProject) -> None:
    opened = open_lakehouse(CascadeConfig())
    ensure_table(opened, COUNTS, SCHEMA)
    planner = MergePlanner(rows({1: 10, 2: 20}), ("id",))
    commit_planned(opened, COUNTS, planner, summary=run_summary("audited", None), audit=AuditBranch.of("audited", 7200))
    merge_rows(opened, COUNTS, rows({1: 10, 2: 20, 3: 30}), ["id"], run_id="first")
    found = {each["run_id"]: each["change"] for each in cascade.json("table", "history", "counts")["snapshots"]}
    assert found == {"audited": 2, "first": 3}


def test_a_change_from_an_expired_snapshot_is_unknown(cascade: Cascade, project: SampleProject) -> None:
    opened = open_lakehouse(CascadeConfig())
    ensure_table(opened, COUNTS, SCHEMA)
    for run, given in (("first", {1: 10, 2: 20}), ("second", {3: 30}), ("third", {3: 31})):
        merge_rows(opened, COUNTS, rows(given), ["id"], run_id=run)
    table = opened.require(COUNTS)
    oldest = min(table.snapshots(), key=lambda each: each.sequence_number or 0)
    table.maintenance.expire_snapshots().by_ids([oldest.snapshot_id]).commit()
    found = {each["run_id"]: each["change"] for each in cascade.json("table", "history", "counts")["snapshots"]}
    assert found == {"second": None, "third": 0}


def test_sensitive_columns_are_compared_and_not_shown(cascade: Cascade, project: SampleProject) -> None:
    project.write(
        "things.py",
        THINGS.replace("name: str", "name: Annotated[str, Sensitive]").replace(
            "from pydantic import BaseModel",
            "from typing import Annotated\n    from pydantic import BaseModel\n    from cascade import Sensitive",
        ),
    )
    cascade("materialize", "things", "--partition", "2024-01-01")
    result = cascade("table", "diff", "things", "2000-01-01")
    assert "7 rows added" in result.stdout, result.output
    assert "100" in result.stdout and "n0" not in result.stdout
    project.write("broken.py", "import nothing_of_this_name")
    result = cascade("table", "diff", "things", "2000-01-01")
    assert "n0" not in result.stdout
