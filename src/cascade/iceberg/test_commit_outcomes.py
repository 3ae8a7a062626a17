"""What an error says about a commit, and changes of a table's schema whose answer is lost."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
import requests
import sqlalchemy.exc
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import CommitFailedException, ForbiddenError, NoSuchTableError, ServiceUnavailableError
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.types import NestedField, StringType

from cascade.exceptions import CommitError, CommitRefusedError
from cascade.iceberg import tables
from cascade.iceberg.catalog import Lakehouse
from cascade.iceberg.commit_outcomes import Outcome, outcome_of
from cascade.iceberg.tables import ensure_table
from cascade.iceberg.test_commit import NAME, SCHEMA
from cascade.iceberg.test_lost_answers import TIMEOUT, answering, landed_but, lost


@pytest.fixture
def table(lakehouse: Lakehouse) -> Table:
    return ensure_table(lakehouse, NAME, SCHEMA)


def test_a_table_whose_creation_and_evolution_are_not_answered_is_used(
    lakehouse: Lakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "_UNANSWERED_WAIT_SECONDS", 0.01)
    ordinary, errors = SqlCatalog.create_table, [TIMEOUT]

    def create_table(catalog: SqlCatalog, *args: Any, **options: Any) -> Table:
        created = ordinary(catalog, *args, **options)
        if errors:
            raise errors.pop()
        return created

    monkeypatch.setattr(SqlCatalog, "create_table", create_table)
    assert [field.name for field in ensure_table(lakehouse, NAME, SCHEMA).schema().fields] == ["id", "n"]
    fields = [*SCHEMA.fields]
    for answers in ([landed_but(TIMEOUT)], [lost(TIMEOUT)] * 2):
        fields.append(NestedField(9, f"note_{len(answers)}", StringType()))
        answering(monkeypatch, *answers)
        found = ensure_table(lakehouse, NAME, Schema(*renumbered(fields), identifier_field_ids=[1])).schema()
        assert found.fields[-1].name == fields[-1].name


def test_an_evolution_that_the_catalog_refuses_or_never_answers_is_an_error(
    lakehouse: Lakehouse, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "_UNANSWERED_WAIT_SECONDS", 0.001)
    wider = Schema(*SCHEMA.fields, NestedField(3, "note", StringType()), identifier_field_ids=[1])
    sent = answering(monkeypatch, lost(ForbiddenError("read-only")), *[lost(TIMEOUT)] * 5)
    with pytest.raises(CommitRefusedError, match=r"refused to create raw.counts or to change its schema: Forbidden"):
        ensure_table(lakehouse, NAME, wider)
    assert len(sent) == 1
    with pytest.raises(CommitError, match=r"in 5 attempts. The last one: .*504 Gateway Timeout"):
        ensure_table(lakehouse, NAME, wider)


def renumbered(fields: list[NestedField]) -> list[NestedField]:
    return [field.model_copy(update={"field_id": n}) for n, field in enumerate(fields, 1)]


def database_error(kind: type[sqlalchemy.exc.DBAPIError], text: str) -> Exception:
    return kind("UPDATE iceberg_tables", {}, sqlite3.OperationalError(text) if "sqlite" in text else OSError(text))


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (CommitFailedException("no"), Outcome.CONFLICT),
        (ValueError("Cannot add snapshot with sequence number 1 older than last sequence number 1"), Outcome.CONFLICT),
        (ValueError("Snapshot with snapshot id 4711 does not exist: []"), Outcome.CONFLICT),
        (TIMEOUT, Outcome.UNKNOWN),
        (ServiceUnavailableError("503"), Outcome.UNKNOWN),
        (requests.exceptions.ReadTimeout("slow"), Outcome.UNKNOWN),
        (requests.ConnectionError("reset"), Outcome.UNKNOWN),
        (ConnectionResetError("reset"), Outcome.UNKNOWN),
        (NoSuchTableError("gone"), Outcome.REFUSED),
        (NotImplementedError("501"), Outcome.REFUSED),
        (database_error(sqlalchemy.exc.OperationalError, "sqlite: database is locked"), Outcome.CONFLICT),
        (database_error(sqlalchemy.exc.OperationalError, "sqlite: attempt to write a readonly db"), Outcome.REFUSED),
        (database_error(sqlalchemy.exc.OperationalError, "sqlite: disk I/O error"), Outcome.UNEXPECTED),
        (database_error(sqlalchemy.exc.OperationalError, "server closed the connection"), Outcome.UNKNOWN),
        (database_error(sqlalchemy.exc.ProgrammingError, "permission denied"), Outcome.REFUSED),
        (ValueError("another"), Outcome.UNEXPECTED),
    ],
    ids=repr,
)
def test_what_an_error_says_about_a_commit(error: Exception, outcome: Outcome) -> None:
    assert outcome_of(error) is outcome
