"""`ci`: runs of affected assets on branches, which leave no trace on main."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from cascade.cli.conftest import Cascade, commit
from cascade.config import CascadeConfig
from cascade.framework.branch_use import branch_in_use
from cascade.framework.ci import owned_branch
from cascade.framework.conftest import SampleProject
from cascade.framework.project import Project
from cascade.iceberg import Lakehouse, open_lakehouse
from cascade.iceberg.heads import overdue_audit_branches
from cascade.iceberg.overview import table_identifiers
from cascade.scaffold.conftest import python
from cascade.table_ref import CI_SECONDS, TableRef

SOURCE = """
    from datetime import date
    from pydantic import BaseModel
    from cascade import cascade_ingestion, cascade_quality
    from cascade.config import CascadeConfig
    from cascade.iceberg import open_lakehouse
    from cascade.quality import NotNull

    class Thing(BaseModel):
        id: int
        name: str | None

    @cascade_ingestion(
        table_name="things", unique_key="id", group="g", validation_schema=Thing,
        partition_start=date(2024, 1, 1), partition_end=date(2024, 1, 6),
    )
    def things(partition_date: str):
        return [{"id": int(partition_date[-2:]) * 100 + i, "name": f"n{i}"} for i in range(3)]

    @cascade_ingestion(
        table_name="counts", unique_key="id", group="g", validation_schema=Thing, partitions=None, deps=[things],
    )
    def counts():
        rows = open_lakehouse(CascadeConfig()).read("raw.things")
        return [{"id": 1, "name": f"{rows.height} rows, {rows['name'].n_unique()} names"}]
"""
CHECK = """
    @cascade_quality(table=things, checks=[NotNull("name")])
    def named():
        ...
"""
KILLED = """
import os
from cascade.cli.main import main
from cascade.fault_points import arm_from
arm_from(os.environ)
main(["ci"])
"""
CHANGED = SOURCE.replace("    name: str | None", "    name: str | None\n        size: int | None = None").replace(
    """"name": f"n{i}"}""", """"name": f"n{i // 2}", "size": i}"""
)


def state_of_main(lakehouse: Lakehouse) -> dict[str, Any]:
    """Return all that readers and writers of `main` see, and the names of all branches."""
    found = {}
    for identifier in table_identifiers(lakehouse.catalog):
        metadata = lakehouse.catalog.load_table(identifier).metadata
        ledger = {name: text for name, text in metadata.properties.items() if name.startswith("cascade.")}
        log = [entry.snapshot_id for entry in metadata.snapshot_log]
        found[".".join(identifier)] = (metadata.current_snapshot_id, log, metadata.schema(), ledger, set(metadata.refs))
    return found


def branches(root: Path) -> list[str]:
    return sorted(path.name for path in (root / ".cascade" / "branches").glob("*"))


@pytest.fixture
def lakehouse(project: SampleProject, cascade: Cascade) -> Lakehouse:
    """Return a lakehouse with three partitions of one table, and a table that is built from it."""
    project.write("things.py", SOURCE)
    result = cascade("materialize", "things", "--partition-range", "2024-01-01...2024-01-03")
    assert result.exit_code == 0, result.output
    assert cascade("materialize", "counts").exit_code == 0
    return open_lakehouse(CascadeConfig())


def change(project: SampleProject, text: str) -> None:
    """Change the module of the project, which the next command imports again."""
    project.write("things.py", text)
    sys.modules.pop(project.module("things"))


def test_nothing_runs_if_nothing_changed(cascade: Cascade, lakehouse: Lakehouse, project: SampleProject) -> None:
    before = state_of_main(lakehouse)
    assert cascade("ci").stdout == "The change affects nothing that runs.\n"
    assert state_of_main(lakehouse) == before and branches(project.root) == []


def test_a_change_runs_on_branches_with_what_is_built_from_it(
    cascade: Cascade, lakehouse: Lakehouse, project: SampleProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = state_of_main(lakehouse)
    assert cascade("contracts", "things").exit_code == 0
    change(project, CHANGED + CHECK)
    planned = cascade.json("ci", "--dry-run")["runs"]
    assert planned == [
        {"asset": "things", "partition": "2024-01-03", "reason": "other code published its partitions"},
        {"asset": "counts", "partition": None, "reason": "other code published its partitions"},
    ]
    assert state_of_main(lakehouse) == before
    page = project.root / "page.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    result = cascade("ci", "--summary", "summary.md", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    things, counts = found["tables"]
    assert (things["added"], things["removed"], things["changed"]) == (0, 0, 3)
    assert things["schema_changes"] == ["The column size was added: long."]
    assert [(one["table"], one["effect"], one["what"]) for one in found["contracts"]] == [
        ("raw.things", "compatible", "size: new, optional long"),
    ]
    # It was built from the rows on the branch, of which one partition has fewer names.
    assert (counts["table"], counts["changed"]) == ("raw.counts", 0) or counts["changed"] == 1
    assert {check["name"] for run in found["runs"] for check in run["checks"]} >= {"named__not_null_name", "validation"}
    text = (project.root / "summary.md").read_text()
    assert text == page.read_text() and "| raw.things | 0 | 0 | 3 |" in text
    assert state_of_main(lakehouse) == before and branches(project.root) == []
    assert not list(lakehouse.dlt_directory.rglob("*")) and "CASCADE_BRANCH" not in os.environ


def test_what_the_changes_since_a_commit_affect_runs(
    cascade: Cascade, lakehouse: Lakehouse, project: SampleProject
) -> None:
    project.write("others.py", SOURCE.replace("things", "others").replace("counts", "other_counts"))
    commit(project.root)
    assert cascade("ci", "--since", "HEAD").stdout == "The change affects nothing that runs.\n"
    change(project, SOURCE.replace("range(3)", "range(4)"))
    reason = f"{project.package}/things.py has changed"
    assert cascade.json("ci", "--since", "HEAD", "--dry-run")["runs"] == [
        {"asset": "things", "partition": "2024-01-03", "reason": reason},
        {"asset": "counts", "partition": None, "reason": reason},
    ]
    quality = "from cascade import cascade_quality\nfrom cascade.quality import NotNull\n"
    imports = f"{quality}from {project.module('others')} import others\n"
    project.write("checks.py", imports + dedent(CHECK).replace("things", "others"))
    planned = cascade.json("ci", "--since", "HEAD", "--dry-run")["runs"]
    assert {run["asset"]: run["reason"] for run in planned} == {
        "things": reason,
        "counts": reason,
        "others": f"one of its checks is affected: {project.package}/checks.py is new",
        "other_counts": "it is built from others",
    }
    result = cascade("ci", "--since", "HEAD", "--asset", "things")
    assert result.exit_code == 2 and "Use one of --since, --affected and --asset." in result.stderr


def test_pants_knows_more_of_what_a_commit_affects(cascade: Cascade, project: SampleProject) -> None:
    project.write("things.py", SOURCE)
    given = Project("dev", (project.module("things"),), "//:dev", "manifest")
    for command in ("ci", "graph"):
        result = cascade(command, "--since", "HEAD", given=given)
        assert result.exit_code == 2 and "pants cascade-ci --since=HEAD" in result.stderr


def test_a_failed_check_fails_and_leaves_nothing(
    cascade: Cascade, lakehouse: Lakehouse, project: SampleProject
) -> None:
    before = state_of_main(lakehouse)
    change(project, SOURCE.replace("""f"n{i}\"""", "None if i else 'x'") + CHECK)
    result = cascade("ci", "--summary", "summary.md")
    assert result.exit_code == 1, result.output
    text = (project.root / "summary.md").read_text()
    assert "1 failed" in text and "blocking check failed" in text
    assert "it did not run, because things failed" in text
    assert state_of_main(lakehouse) == before and branches(project.root) == []


@pytest.mark.usefixtures("lakehouse")
def test_a_module_that_does_not_load_fails_and_is_told(cascade: Cascade, project: SampleProject) -> None:
    project.write("broken.py", "raise RuntimeError('broken')\n")
    planned = cascade("ci", "--dry-run", "--json")
    assert planned.exit_code == 1 and "broken" in json.loads(planned.stdout)["not_loaded"][0]
    result = cascade("ci", "--summary", "summary.md")
    assert result.exit_code == 1 and result.stdout == "The change affects nothing that runs, as far as is known.\n"
    text = (project.root / "summary.md").read_text()
    assert "❌" in text and "Not loaded: " in text and str(project.root) not in text


def test_a_new_workflow_runs_and_its_table_goes(cascade: Cascade, lakehouse: Lakehouse, project: SampleProject) -> None:
    before = state_of_main(lakehouse)
    new = SOURCE.replace('"things"', '"fresh"').replace("raw.things", "raw.fresh").replace('"counts"', '"totals"')
    project.write("new.py", new)
    found = cascade.json("ci")
    assert [(one["table"], one["added"]) for one in found["tables"]] == [("raw.fresh", 3), ("raw.totals", 1)]
    assert state_of_main(lakehouse) == before
    assert lakehouse.load(TableRef("raw", "fresh")) is None


def test_the_document_of_pants_says_what_runs(cascade: Cascade, lakehouse: Lakehouse, project: SampleProject) -> None:
    affected = {"version": 1, "assets": [{"table": "raw.counts"}, {"table": "other.one"}], "models": [], "checks": []}
    (project.root / "affected.json").write_text(json.dumps(affected))
    found = cascade.json("ci", "--affected", "affected.json", "--dry-run")
    assert [run["asset"] for run in found["runs"]] == ["counts"]
    affected["checks"] = [{"table": "raw.things", "name": "named"}]
    (project.root / "affected.json").write_text(json.dumps(affected))
    found = cascade.json("ci", "--affected", "affected.json", "--dry-run", "--partitions", "2")
    assert [(run["asset"], run["partition"]) for run in found["runs"]] == [
        ("things", "2024-01-02"),
        ("things", "2024-01-03"),
        ("counts", None),
    ]


@pytest.mark.usefixtures("lakehouse")
def test_what_is_wrong_is_explained(cascade: Cascade) -> None:
    for arguments, message in (
        (("--affected", "none.json"), "none.json cannot be read"),
        (("--affected", "pyproject.toml"), "pyproject.toml is not JSON"),
        (("--summary", "none/summary.md"), "there is no directory"),
        (("--affected", "a", "--asset", "b"), "Use one of --since, --affected and --asset."),
        (("--asset", "thngs"), 'Did you mean "things"?'),
        (("--asset", "things", "--partition", "2024-13-01"), "2024-13-01 is not a partition of things"),
        (("--asset", "counts", "--partition", "2024-01-01"), "No affected asset has partitions"),
    ):
        result = cascade("ci", *arguments)
        assert result.exit_code == 2, result.output
        assert message in result.stderr


def test_a_kept_branch_stays_for_a_day(
    cascade: Cascade, lakehouse: Lakehouse, project: SampleProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = state_of_main(lakehouse)
    change(project, CHANGED)
    result = cascade("ci", "--asset", "things", "--keep")
    [branch] = branches(project.root)
    assert f"CASCADE_BRANCH={branch}" in result.stdout
    refused = cascade("branch", "publish", "things", branch)
    assert refused.exit_code == 2 and "is the branch of a run of CI" in refused.stderr
    assert cascade("ci", "--asset", "things").exit_code == 0
    assert branches(project.root) == [branch]
    monkeypatch.setattr(owned_branch, "CI_SECONDS", 0)
    assert f"its branch {branch} is dropped from 1 table" in cascade("ci", "--asset", "counts").stderr
    assert state_of_main(lakehouse) == before and branches(project.root) == []


@pytest.mark.parametrize("point", ["commit:raw.things", "publish:raw.fresh"])
def test_the_next_run_drops_what_a_killed_one_left(
    cascade: Cascade, lakehouse: Lakehouse, project: SampleProject, point: str
) -> None:
    """The first point is before the table has the branch, and the last one in a table that is new."""
    before = state_of_main(lakehouse)
    new = SOURCE.replace('"things"', '"fresh"').replace("raw.things", "raw.fresh").replace('"counts"', '"totals"')
    change(project, CHANGED)
    project.write("new.py", new)
    killed = python(project.root, "-c", KILLED, CASCADE_FAULT_POINT=point)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    [branch] = branches(project.root)
    seen = {
        name: (head, log, schema, ledger) for name, (head, log, schema, ledger, _) in state_of_main(lakehouse).items()
    }
    assert all(seen[name] == found[:4] for name, found in before.items())
    result = cascade("ci", "--asset", "counts")
    assert f"an earlier run was interrupted: its branch {branch} is dropped" in result.stderr
    assert state_of_main(lakehouse) == before and branches(project.root) == []


def test_a_branch_of_another_machine_is_dropped_after_a_day(
    cascade: Cascade, lakehouse: Lakehouse, project: SampleProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = state_of_main(lakehouse)
    change(project, CHANGED)
    assert cascade("ci", "--asset", "things", "--keep").exit_code == 0
    [branch] = branches(project.root)
    shutil.rmtree(project.root / ".cascade" / "branches" / branch)
    assert cascade("ci", "--asset", "counts").exit_code == 0
    assert state_of_main(lakehouse)["raw.things"][4] == {"main", branch}
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + CI_SECONDS + 60)
    assert overdue_audit_branches(lakehouse.require(TableRef("raw", "things")), time.time()) == [branch]
    assert branch in cascade("ci", "--asset", "counts").stderr
    monkeypatch.undo()
    assert state_of_main(lakehouse) == before


def test_a_person_works_on_a_branch_until_it_is_discarded(
    cascade: Cascade, lakehouse: Lakehouse, project: SampleProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = state_of_main(lakehouse)
    runs = len(cascade.json("status")["workflows"])
    change(project, CHANGED)
    for arguments in (("things", "--partition", "2024-01-02"), ("counts",)):
        result = cascade("materialize", *arguments, "--branch", "me")
        assert result.exit_code == 0, result.output
    # What a hint says would work on main without the branch.
    unknown = cascade("materialize", "things", "--branch", "me")
    assert "CASCADE_BRANCH=me cascade materialize things --partition" in unknown.stderr
    assert "CASCADE_BRANCH" not in os.environ
    assert "size" not in cascade("table", "show", "things").stdout
    seen = {name: found[:4] for name, found in state_of_main(lakehouse).items()}
    assert seen == {name: found[:4] for name, found in before.items()}
    assert "The column size was added" in cascade("branch", "diff", "things", "me").stdout
    monkeypatch.setenv("CASCADE_BRANCH", "me")
    assert "size" in cascade("table", "show", "things").stdout
    # The partition that ran on the branch is not stale there.
    assert "2024-01-02" not in str(cascade.json("plan", "things")["plans"][0]["stale"])
    for command in (("maintain",), ("ci",), ("table", "rollback", "things", "main", "--yes")):
        refused = cascade(*command)
        assert refused.exit_code == 2 and "Unset CASCADE_BRANCH." in refused.stderr, refused.output
    monkeypatch.delenv("CASCADE_BRANCH")
    assert len(cascade.json("status")["workflows"]) == runs
    with branch_in_use(CascadeConfig.from_user_config().model_copy(update={"branch": "me"})):
        refused = cascade("branch", "discard", "me")
        assert refused.exit_code == 1 and '`dev` works on the branch "me".' in refused.stderr, refused.output
    assert cascade("branch", "discard", "me").stdout == "Dropped me of raw.counts, raw.things.\n"
    assert state_of_main(lakehouse) == before and branches(project.root) == []
    assert cascade("branch", "discard", "me").exit_code == 2


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("name", ["ci_1", "audit_1", "../x", ""])
def test_the_name_of_a_branch_is_checked(cascade: Cascade, name: str) -> None:
    result = cascade("materialize", "things", "--branch", name)
    assert result.exit_code == 2 and "--branch" in result.stderr, result.output
