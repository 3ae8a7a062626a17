"""Rows wait on an audit branch until their checks have passed (G6)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import CommitFailedException, CommitStateUnknownException, ForbiddenError
from pyiceberg.table import Table

from cascade.exceptions import CommitError, CommitRefusedError
from cascade.fault_points import FaultPoint, SimulatedCrash, fault_point_armed
from cascade.iceberg import committer, merge_rows, publishing
from cascade.iceberg.catalog import Lakehouse
from cascade.iceberg.commit import Committed, commit_planned
from cascade.iceberg.heads import AuditBranch, overdue_audit_branches
from cascade.iceberg.ledger import UNPARTITIONED, LedgerEntry, published_partitions
from cascade.iceberg.merge import MergePlan, MergePlanner
from cascade.iceberg.publishing import Audited, commit_audited, head_of, publish_audited
from cascade.iceberg.snapshot.retention import Retention
from cascade.iceberg.table_branches import drop_branch
from cascade.iceberg.tables import ensure_table
from cascade.iceberg.test_commit import NAME, SCHEMA, batch, rows_of

HOUR = 3600.0


class CheckFailedError(Exception):
    pass


@pytest.fixture(autouse=True)
def no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(committer, "_UNANSWERED_WAIT_SECONDS", 0.01)


@pytest.fixture(params=["empty", "with rows"])
def table(lakehouse: Lakehouse, request: pytest.FixtureRequest) -> Lakehouse:
    """Return a lakehouse whose table is empty or has three rows."""
    ensure_table(lakehouse, NAME, SCHEMA)
    if request.param == "with rows":
        other_writer(lakehouse, range(3), 0)
    return lakehouse


def other_writer(lakehouse: Lakehouse, ids: range, n: int) -> None:
    merge_rows(lakehouse, NAME, batch(ids, n), ["id"], run_id="other")


def passes(committed: Committed[MergePlan]) -> None:
    pass


def fails(committed: Committed[MergePlan]) -> None:
    raise CheckFailedError


def audited(
    lakehouse: Lakehouse,
    check: Callable[[Committed[MergePlan]], None] = passes,
    *,
    ids: range = range(2, 5),
    n: int = 1,
    run_id: str = "run",
    **options: Any,
) -> Committed[MergePlan]:
    planner = MergePlanner(batch(ids, n), ("id",))
    audit = AuditBranch.of(run_id, HOUR)
    return commit_audited(lakehouse, NAME, planner, check, audit=audit, summary={"run": run_id}, **options)


def branches(lakehouse: Lakehouse) -> set[str]:
    return set(lakehouse.require(NAME).metadata.refs)


def test_rows_are_visible_on_main_only_after_the_check(table: Lakehouse) -> None:
    before, old = head_of(table.require(NAME)), rows_of(table)
    seen = []

    def check(committed: Committed[MergePlan]) -> None:
        assert head_of(table.require(NAME)) == before
        assert head_of(table.require(NAME.on("audit_run"))) == head_of(committed.table) == committed.snapshot_id
        seen.append(dict(committed.table.scan().to_arrow().select(["id", "n"]).to_pandas().itertuples(index=False)))

    committed = audited(table, check)
    new = {**old, 2: 1, 3: 1, 4: 1}
    assert seen == [new]
    assert rows_of(table) == new
    assert branches(table) == {"main"}
    assert head_of(table.require(NAME)) == head_of(committed.table) == committed.snapshot_id
    assert len(table.require(NAME).snapshots()) == (2 if before else 1), "publishing made a snapshot of its own"
    assert committed.table.metadata.snapshot_log[-1].snapshot_id == committed.snapshot_id


def test_a_failed_check_leaves_main_alone_and_keeps_the_branch(table: Lakehouse) -> None:
    before, old = head_of(table.require(NAME)), rows_of(table)
    with pytest.raises(CheckFailedError):
        audited(table, fails)
    loaded = table.require(NAME)
    assert (head_of(loaded), rows_of(table)) == (before, old)
    assert loaded.metadata.refs["audit_run"].max_ref_age_ms == HOUR * 1000
    assert len(table.read("raw.counts", branch="audit_run")) == len({*old, 2, 3, 4})


def test_another_attempt_of_the_run_reuses_its_branch(table: Lakehouse) -> None:
    old = rows_of(table)
    with pytest.raises(CheckFailedError):
        audited(table, fails)
    assert audited(table, n=2).snapshot_id is not None
    assert rows_of(table) == {**old, 2: 2, 3: 2, 4: 2}
    assert branches(table) == {"main"}


def test_a_writer_that_comes_first_is_kept_and_the_rows_are_checked_again(table: Lakehouse) -> None:
    old, checked = rows_of(table), list[int]()

    def check(committed: Committed[MergePlan]) -> None:
        checked.append(committed.table.scan().to_arrow().num_rows)
        if len(checked) == 1:
            other_writer(table, range(4, 8), 7)

    committed = audited(table, check)
    assert checked == [len({*old, 2, 3, 4}), len({*old, *range(2, 8)})]
    assert rows_of(table) == {**old, **dict.fromkeys(range(4, 8), 7), 2: 1, 3: 1, 4: 1}
    assert committed.plan.updated == (2 if old else 1)
    assert branches(table) == {"main"}


def test_rows_that_are_there_already_are_checked_on_main(table: Lakehouse) -> None:
    other_writer(table, range(2, 5), 1)
    before, seen = head_of(table.require(NAME)), list[int | None]()
    committed = audited(table, lambda committed: seen.append(head_of(committed.table)))
    assert committed.snapshot_id is None
    assert seen == [before] == [head_of(table.require(NAME))]
    assert branches(table) == {"main"}


def test_main_that_moved_is_not_published_to(table: Lakehouse) -> None:
    waiting = waiting_rows(table)
    other_writer(table, range(9, 10), 9)
    head = head_of(table.require(NAME))
    assert publish_audited(table, NAME, waiting) is None
    assert head_of(table.require(NAME)) == head
    assert waiting.branch in branches(table)


def test_a_branch_that_was_dropped_is_an_error(table: Lakehouse) -> None:
    waiting, before = waiting_rows(table), head_of(table.require(NAME))
    with pytest.raises(CommitError, match=r"branch audit_run of raw.counts got other rows"):
        publish_audited(table, NAME, replace(waiting, snapshot_id=1))
    drop_branch(table, NAME, "audit_run")
    with pytest.raises(CommitError, match=r"branch audit_run of raw.counts was dropped.*\n?.*Run the workflow again"):
        publish_audited(table, NAME, waiting)
    assert head_of(table.require(NAME)) == before


@pytest.mark.parametrize("supported", [True, False])
def test_the_ledger_says_published_only_after_the_publish(
    table: Lakehouse, monkeypatch: pytest.MonkeyPatch, supported: bool
) -> None:
    monkeypatch.setattr(publishing, "keeps_branches", lambda lakehouse, ref: supported)
    entry, known = LedgerEntry("run", UNPARTITIONED, None, "v1"), list[bool]()

    def look(committed: Committed[MergePlan] | None = None) -> None:
        known.append(None in published_partitions(table.require(NAME)))

    look()
    audited(table, look, properties=entry)
    look()
    assert known == [False, False, True]
    assert published_partitions(table.require(NAME)).code_version(None) == "v1"


def test_the_ledger_says_that_rows_which_were_there_already_are_published(table: Lakehouse) -> None:
    other_writer(table, range(2, 5), 1)
    entry = LedgerEntry("run", UNPARTITIONED, None, "v1")
    with pytest.raises(CheckFailedError):
        audited(table, fails, properties=entry)
    assert None not in published_partitions(table.require(NAME))
    audited(table, properties=entry)
    assert None in published_partitions(table.require(NAME))


@pytest.fixture
def branchless(table: Lakehouse, monkeypatch: pytest.MonkeyPatch) -> Lakehouse:
    """Return a lakehouse whose catalog keeps no branches."""
    monkeypatch.setattr(publishing, "keeps_branches", lambda lakehouse, ref: False)
    return table


def files(lakehouse: Lakehouse) -> set[str]:
    return {path.name for path in Path(lakehouse.warehouse).rglob("*") if path.suffix in (".parquet", ".avro")}


def test_without_branches_the_rows_are_checked_before_they_are_committed(branchless: Lakehouse) -> None:
    old, seen = rows_of(branchless), list[int]()

    def check(committed: Committed[MergePlan]) -> None:
        assert rows_of(branchless) == old
        seen.append(committed.table.scan().to_arrow().num_rows)

    committed = audited(branchless, check)
    assert seen == [len({*old, 2, 3, 4})]
    assert rows_of(branchless) == {**old, 2: 1, 3: 1, 4: 1}
    assert head_of(branchless.require(NAME)) == committed.snapshot_id
    assert branches(branchless) == {"main"}


def test_without_branches_a_failed_check_leaves_nothing(branchless: Lakehouse) -> None:
    before, had, old = head_of(branchless.require(NAME)), files(branchless), rows_of(branchless)
    with pytest.raises(CheckFailedError):
        audited(branchless, fails)
    assert (head_of(branchless.require(NAME)), files(branchless), rows_of(branchless)) == (before, had, old)


def test_without_branches_a_writer_that_comes_first_is_kept(branchless: Lakehouse) -> None:
    old, checked = rows_of(branchless), list[int]()

    def check(committed: Committed[MergePlan]) -> None:
        checked.append(committed.table.scan().to_arrow().num_rows)
        if len(checked) == 1:
            other_writer(branchless, range(4, 8), 7)

    audited(branchless, check)
    assert checked == [len({*old, 2, 3, 4}), len({*old, *range(2, 8)})]
    assert rows_of(branchless) == {**old, **dict.fromkeys(range(4, 8), 7), 2: 1, 3: 1, 4: 1}


def waiting_rows(lakehouse: Lakehouse) -> Audited:
    planner = MergePlanner(batch(range(2, 5), 1), ("id",))
    committed = commit_planned(lakehouse, NAME, planner, summary={}, audit=AuditBranch.of("run", HOUR))
    snapshot = committed.table.current_snapshot()
    assert snapshot is not None
    return Audited("audit_run", snapshot.snapshot_id, snapshot.parent_snapshot_id)


TIMEOUT = CommitStateUnknownException("504 Gateway Timeout")


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Callable[[Callable[[], Any]], Any]]]:
    """Return a list of what the catalog does with the next commits. Each gets a function that carries it out."""
    ordinary, planned = SqlCatalog.commit_table, list[Callable[[Callable[[], Any]], Any]]()

    def commit_table(catalog: SqlCatalog, *args: Any) -> Any:
        return planned.pop(0)(lambda: ordinary(catalog, *args)) if planned else ordinary(catalog, *args)

    monkeypatch.setattr(SqlCatalog, "commit_table", commit_table)
    yield planned
    assert not planned


def raising(error: Exception, *, lands: bool) -> Callable[[Callable[[], Any]], Any]:
    def answer(land: Callable[[], Any]) -> Any:
        if lands:
            land()
        raise error

    return answer


@pytest.mark.parametrize("lands", [True, False])
@pytest.mark.parametrize("error", [TIMEOUT, CommitFailedException("Requirement failed")])
def test_a_lost_answer_does_not_matter(table: Lakehouse, answers: list[Any], error: Exception, lands: bool) -> None:
    waiting = waiting_rows(table)
    answers.append(raising(error, lands=lands))
    published = publish_audited(table, NAME, waiting)
    assert published is not None
    assert head_of(table.require(NAME)) == waiting.snapshot_id
    assert branches(table) == {"main"}


def test_a_lost_answer_with_another_writer_on_top_is_a_success(table: Lakehouse, answers: list[Any]) -> None:
    waiting = waiting_rows(table)

    def answer(land: Callable[[], Any]) -> Any:
        land()
        other_writer(table, range(9, 10), 9)
        raise TIMEOUT

    answers.append(answer)
    assert publish_audited(table, NAME, waiting) is not None
    assert rows_of(table)[9] == 9 and rows_of(table)[2] == 1


def test_a_refusal_publishes_nothing_and_says_so(table: Lakehouse, answers: list[Any]) -> None:
    waiting, before = waiting_rows(table), head_of(table.require(NAME))
    answers.append(raising(ForbiddenError("no"), lands=False))
    with pytest.raises(CommitRefusedError, match=r"refused to commit to raw.counts: ForbiddenError: no"):
        publish_audited(table, NAME, waiting)
    assert head_of(table.require(NAME)) == before
    assert table.read("raw.counts", branch="audit_run").height, "the files of the audited rows are gone"


def test_a_killed_audit_publishes_nothing_and_the_next_run_converges(table: Lakehouse) -> None:
    old = rows_of(table)
    with fault_point_armed(FaultPoint.AUDIT), pytest.raises(SimulatedCrash):
        audited(table)
    assert rows_of(table) == old
    audited(table, run_id="again")
    assert rows_of(table) == {**old, 2: 1, 3: 1, 4: 1}
    assert branches(table) == {"main", "audit_run"}


def test_old_audit_branches_go_with_the_next_publish(table: Lakehouse) -> None:
    planner = MergePlanner(batch(range(2, 5), 1), ("id",))
    for run, retention in (("old", 0.0), ("new", HOUR)):
        commit_planned(table, NAME, planner, summary={}, audit=AuditBranch.of(run, retention))
    later = table.require(NAME).metadata.last_updated_ms / 1000 + 1
    assert overdue_audit_branches(table.require(NAME), later) == ["audit_old"]
    assert overdue_audit_branches(table.require(NAME), later + HOUR) == ["audit_old", "audit_new"]
    audited(table)
    assert branches(table) == {"main", "audit_new"}


def test_snapshots_expire_when_one_is_published(table: Lakehouse) -> None:
    eager = replace(table, retention=Retention(snapshots=2, days=0, least_age=0))
    for n in range(1, 6):
        audited(eager, n=n, run_id=str(n))
    assert len(eager.require(NAME).snapshots()) == 2
    assert rows_of(table)[2] == 5


def test_many_runs_with_slow_checks_all_land(table: Lakehouse) -> None:
    """Each checks longer than another one needs to publish, so that all but one lose their first race."""
    old, together = rows_of(table), threading.Barrier(6)

    def run(number: int) -> int:
        checks = 0

        def check(committed: Committed[MergePlan]) -> None:
            nonlocal checks
            checks += 1
            if checks == 1:
                together.wait(60)

        audited(table, check, ids=range(10 * number, 10 * number + 3), n=number, run_id=str(number))
        return checks

    with ThreadPoolExecutor(6) as pool:
        counts = sorted(pool.map(run, range(1, 7)))
    assert counts == [1, 2, 2, 2, 2, 2], "a run that waits in the queue is checked once more, and no more often"
    expected = {10 * number + one: number for number in range(1, 7) for one in range(3)}
    assert rows_of(table) == {**old, **expected}
    assert branches(table) == {"main"}


def test_a_table_loaded_before_is_not_changed_by_a_publish(table: Lakehouse) -> None:
    loaded: Table = table.require(NAME)
    before = loaded.scan().to_arrow().num_rows
    audited(table)
    assert loaded.scan().to_arrow().num_rows == before
