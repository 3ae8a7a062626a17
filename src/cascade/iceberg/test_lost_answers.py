"""Commits whose answer is lost: the snapshot is there, arrives later, or never does (G2)."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import (
    BadRequestError,
    CommitFailedException,
    CommitStateUnknownException,
    ForbiddenError,
    ServiceUnavailableError,
    UnauthorizedError,
)
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.types import NestedField, StringType

from cascade.exceptions import CommitError, CommitRefusedError
from cascade.iceberg import committer, turns
from cascade.iceberg.catalog import Lakehouse, open_lakehouse
from cascade.iceberg.commit import Committed, commit_planned
from cascade.iceberg.conftest import Settings
from cascade.iceberg.merge import MergePlan, MergePlanner, merge_rows
from cascade.iceberg.tables import ensure_table
from cascade.iceberg.test_commit import NAME, SCHEMA, batch, rows_of

Answer: TypeAlias = Callable[[Callable[[], Any]], Any]
"""What a catalog does with a commit, which it can carry out by calling the argument."""


@pytest.fixture
def table(lakehouse: Lakehouse) -> Table:
    return ensure_table(lakehouse, NAME, SCHEMA)


@pytest.fixture(autouse=True)
def no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(committer, "_UNANSWERED_WAIT_SECONDS", 0.01)


def answering(monkeypatch: pytest.MonkeyPatch, *answers: Answer) -> list[int]:
    """Let the catalog answer the next commits in these ways, and return a list that grows with each commit."""
    ordinary, remaining, sent = SqlCatalog.commit_table, iter(answers), list[int]()

    def commit_table(catalog: SqlCatalog, *args: Any) -> Any:
        sent.append(len(sent))
        for answer in remaining:
            return answer(lambda: ordinary(catalog, *args))
        return ordinary(catalog, *args)

    monkeypatch.setattr(SqlCatalog, "commit_table", commit_table)
    return sent


def landed_but(error: Exception) -> Answer:
    def answer(land: Callable[[], Any]) -> Any:
        land()
        raise error

    return answer


def lost(error: Exception) -> Answer:
    def answer(land: Callable[[], Any]) -> Any:
        raise error

    return answer


TIMEOUT = CommitStateUnknownException("504 Gateway Timeout")


def data_files(lakehouse: Lakehouse) -> set[str]:
    return {str(path) for path in Path(lakehouse.warehouse.removeprefix("file://")).rglob("*.parquet")}


def merged(lakehouse: Lakehouse, n: int = 1, ids: range = range(3)) -> Committed[MergePlan]:
    return merge_rows(lakehouse, NAME, batch(ids, n), ["id"], run_id=str(n))


@pytest.mark.parametrize("delay", [0.02, 0.3])
def test_a_commit_that_lands_after_its_lost_answer_is_recognized_and_stays_readable(
    lakehouse: Lakehouse, table: Table, monkeypatch: pytest.MonkeyPatch, delay: float
) -> None:
    timers: list[threading.Timer] = []

    def answer(land: Callable[[], Any]) -> Any:
        timers.append(threading.Timer(delay, land))
        timers[0].start()
        raise TIMEOUT

    answering(monkeypatch, answer)
    monkeypatch.setattr(threading, "excepthook", lambda args: None)  # the late commit may lose to the second attempt
    committed = merged(lakehouse)
    timers[0].join()
    current = lakehouse.require(NAME)
    assert [snapshot.snapshot_id for snapshot in current.snapshots()] == [committed.snapshot_id]
    assert rows_of(lakehouse) == {0: 1, 1: 1, 2: 1}
    assert merged(lakehouse).snapshot_id is None


@pytest.mark.parametrize("loads", [1, 2, 3])
def test_a_snapshot_that_arrives_between_two_looks_is_not_written_twice(
    lakehouse: Lakehouse, table: Table, monkeypatch: pytest.MonkeyPatch, loads: int
) -> None:
    merged(lakehouse, 0)
    arriving: list[Callable[[], Any]] = []
    ordinary = SqlCatalog.load_table

    def load_table(catalog: SqlCatalog, name: Any) -> Table:
        if arriving:
            counted.append(1)
            if len(counted) == loads:
                arriving.pop()()
        return ordinary(catalog, name)

    def answer(land: Callable[[], Any]) -> Any:
        arriving.append(land)
        raise TIMEOUT

    counted: list[int] = []
    answering(monkeypatch, answer)
    monkeypatch.setattr(SqlCatalog, "load_table", load_table)
    committed = merged(lakehouse, 1)
    assert not arriving, "the snapshot never arrived"
    current = lakehouse.require(NAME)
    assert len(current.snapshots()) == 2
    head = current.current_snapshot()
    assert head is not None and head.snapshot_id == committed.snapshot_id
    assert rows_of(lakehouse) == {0: 1, 1: 1, 2: 1}


def test_files_of_a_snapshot_that_may_still_arrive_are_never_deleted(
    lakehouse: Lakehouse, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    late: list[Callable[[], Any]] = []

    def answer(land: Callable[[], Any]) -> Any:
        late.append(land)
        raise TIMEOUT

    refused = ForbiddenError("the token has expired")
    sent = answering(monkeypatch, answer, lost(refused))
    with pytest.raises(CommitRefusedError):
        merged(lakehouse)
    assert sent == [0, 1]
    late[0]()
    assert rows_of(lakehouse) == {0: 1, 1: 1, 2: 1}


def test_another_writer_after_a_lost_answer_is_kept(
    lakehouse: Lakehouse, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    late: list[Callable[[], Any]] = []

    def answer(land: Callable[[], Any]) -> Any:
        late.append(land)
        merge_rows(lakehouse, NAME, batch(range(2, 5), 7), ["id"], run_id="other")
        raise TIMEOUT

    answering(monkeypatch, answer)
    committed = merged(lakehouse)
    assert (committed.plan.inserted, committed.plan.updated) == (2, 1)
    with pytest.raises(CommitFailedException):
        late[0]()
    assert rows_of(lakehouse) == {0: 1, 1: 1, 2: 1, 3: 7, 4: 7}


def test_a_catalog_that_never_answers_is_an_error_and_keeps_the_files(
    lakehouse: Lakehouse, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = answering(monkeypatch, *[lost(TIMEOUT)] * 100)
    with pytest.raises(CommitError, match=r"did not answer 5 times.*\n?.*504 Gateway Timeout") as caught:
        merged(lakehouse)
    assert "not written twice" in str(caught.value)
    assert len(sent) == 5
    assert data_files(lakehouse), "files of snapshots that may still arrive were deleted"


def test_a_table_that_cannot_be_loaded_after_a_lost_answer_is_loaded_again(
    lakehouse: Lakehouse, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    ordinary, errors = SqlCatalog.load_table, list[Exception]()

    def load_table(catalog: SqlCatalog, name: Any) -> Table:
        if errors:
            raise errors.pop()
        return ordinary(catalog, name)

    def answer(land: Callable[[], Any]) -> Any:
        land()
        errors.extend([ServiceUnavailableError("starting"), requests.ConnectionError("refused")])
        raise TIMEOUT

    sent = answering(monkeypatch, answer)
    monkeypatch.setattr(SqlCatalog, "load_table", load_table)
    assert merged(lakehouse).snapshot_id is not None
    assert sent == [0]
    assert rows_of(lakehouse) == {0: 1, 1: 1, 2: 1}


def test_a_commit_that_conflicts_with_itself_landed(
    lakehouse: Lakehouse, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy sends a request again, and the catalog answers the second one: the table is no longer what it was."""
    answering(monkeypatch, landed_but(CommitFailedException("Requirement failed: branch main has changed")))
    committed = merged(lakehouse)
    assert (committed.attempts, committed.plan.inserted) == (1, 3)
    assert rows_of(lakehouse) == {0: 1, 1: 1, 2: 1}


@pytest.mark.parametrize("error", [ForbiddenError("no"), UnauthorizedError("no"), BadRequestError("no")])
def test_a_refusal_ends_at_once_and_leaves_no_file(
    lakehouse: Lakehouse, table: Table, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    sent = answering(monkeypatch, *[lost(error)] * 100)
    with pytest.raises(CommitRefusedError, match=rf"refused to commit to raw.counts: {type(error).__name__}: no"):
        merged(lakehouse)
    assert sent == [0]
    assert data_files(lakehouse) == set()


def test_a_refusal_that_landed_after_all_is_a_success(
    lakehouse: Lakehouse, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, landed_but(UnauthorizedError("the token expired while the answer was written")))
    assert merged(lakehouse).snapshot_id is not None
    assert rows_of(lakehouse) == {0: 1, 1: 1, 2: 1}


def test_files_survive_an_error_that_says_nothing(
    lakehouse: Lakehouse, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    late: list[Callable[[], Any]] = []

    def answer(land: Callable[[], Any]) -> Any:
        late.append(land)
        raise KeyError("metadata-location")

    sent = answering(monkeypatch, answer)
    with pytest.raises(KeyError):
        merged(lakehouse)
    assert sent == [0]
    late[0]()
    assert rows_of(lakehouse) == {0: 1, 1: 1, 2: 1}


LANDS_LATE, LANDS, NEVER, CONFLICT, OTHER_WRITER, FINE = "late", "lands", "never", "conflict", "other", "fine"


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_whatever_a_catalog_answers_each_batch_lands_once_and_the_table_stays_readable(data: st.DataObject) -> None:
    """Late commits arrive whenever the catalog is used, or after the run."""
    with tempfile.TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(committer, "_UNANSWERED_WAIT_SECONDS", 0.0)
        monkeypatch.setattr(turns, "_LONGEST_WAIT_SECONDS", 0.0)
        lakehouse = open_lakehouse(Settings(Path(directory)))
        ensure_table(lakehouse, NAME, SCHEMA)
        model = dict.fromkeys(range(4), 0)
        merge_rows(lakehouse, NAME, batch(range(4), 0), ["id"], run_id="0")
        late: list[Callable[[], Any]] = []
        ordinary, busy = SqlCatalog.commit_table, list[bool]()

        def arrive(every: bool) -> None:
            while late and (every or data.draw(st.booleans(), "arrives now")):
                with suppress(CommitFailedException):  # another snapshot was first
                    late.pop(0)()

        def commit_table(catalog: SqlCatalog, *args: Any) -> Any:
            if busy:
                return ordinary(catalog, *args)
            busy.append(True)
            try:
                arrive(every=False)
                choice = data.draw(st.sampled_from([FINE, LANDS_LATE, LANDS, NEVER, CONFLICT, OTHER_WRITER]))
                if choice == LANDS_LATE:
                    late.append(lambda: ordinary(catalog, *args))
                if choice in (LANDS_LATE, NEVER):
                    raise TIMEOUT
                if choice == CONFLICT:
                    raise CommitFailedException("the catalog says so")
                if choice == OTHER_WRITER:
                    model.update(dict.fromkeys([9], model.get(9, 0) + 1))
                    merge_rows(lakehouse, NAME, batch([9], model[9]), ["id"], run_id="other")
                answer = ordinary(catalog, *args)
                if choice == LANDS:
                    raise TIMEOUT
                return answer
            finally:
                busy.clear()

        monkeypatch.setattr(SqlCatalog, "commit_table", commit_table)
        for n in (1, 2):
            ids = data.draw(st.lists(st.integers(0, 6), min_size=1, unique=True).map(sorted), "batch")
            planner = MergePlanner(batch(ids, n), ("id",))
            try:
                commit_planned(lakehouse, NAME, planner, summary={}, patience=1000)
                model.update(dict.fromkeys(ids, n))
            except CommitError:
                busy.append(True)
                arrive(every=True)
                # The next run of the same batch converges, whether the snapshot arrived or not.
                commit_planned(lakehouse, NAME, planner, summary={}, patience=1000)
                model.update(dict.fromkeys(ids, n))
                busy.clear()
        busy.append(True)
        arrive(every=True)
        assert rows_of(lakehouse) == model
        assert merge_rows(lakehouse, NAME, batch(ids, 2), ["id"], run_id="again").snapshot_id is None


@pytest.mark.usefixtures("table")
def test_a_catalog_that_does_not_understand_a_change_of_the_schema_is_named(
    lakehouse: Lakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cascade.iceberg.tables._UNANSWERED_WAIT_SECONDS", 0.0)
    # Nessie answers like this, and pyiceberg takes it for a lost answer.
    refused = CommitStateUnknownException("WebApplicationException: HTTP 400 Bad Request")
    sent = answering(monkeypatch, *[lost(refused)] * 5)
    wider = Schema(*SCHEMA.fields, NestedField(3, "note", StringType(), required=False), identifier_field_ids=[1])
    with pytest.raises(CommitError, match="Could not change the schema") as caught:
        ensure_table(lakehouse, NAME, wider)
    assert len(sent) == 5
    assert "Use another catalog" in str(caught.value.hint)
