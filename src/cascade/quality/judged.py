"""The rows that checks judge, in SQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from cascade.declarations import Scope
from cascade.exceptions import UsageError
from cascade.iceberg.branches import table_with
from cascade.iceberg.hidden import visible
from cascade.iceberg.overview import table_identifiers
from cascade.iceberg.query import add_named_tables, only_query
from cascade.iceberg.query_session import QuerySession, query_session
from cascade.iceberg.sql_text import sql_name
from cascade.quality.result import SHOWN_ROWS
from cascade.quality.subject import Subject
from cascade.runs.report import Preview
from cascade.spelling import did_you_mean
from cascade.table_ref import DEFAULT_NAMESPACE, TableRef

if TYPE_CHECKING:
    from pyiceberg.table import Table

_WHOLE = "cascade_whole_table"
_BEFORE = "cascade_table_before"


class Judged:
    """The rows that checks of one scope judge. Queries call them by the name of the table.

    Args:
        subject: the table and the rows of the run.
        scope: whether the rows of the run are judged, or the whole table.
        session: reads them.
    """

    def __init__(self, subject: Subject, scope: Scope, session: QuerySession) -> None:
        self.subject = subject
        self.session = session
        # Where nobody knows the rows of a run, the whole table stands for them.
        self.scope: Scope = "table" if subject.landed is None else scope
        self._others: set[tuple[str, str]] = set()
        self.source = _named(subject.ref.identifier)
        if self.scope == "table":
            session.add_table(self.table, subject.ref.identifier)
        else:
            session.add_rows(self._landed, subject.ref.identifier)

    @cached_property
    def table(self) -> Table:
        """The table, on its branch."""
        return self.subject.table or self.subject.lakehouse.require(self.subject.ref)

    @property
    def _landed(self) -> pa.Table:
        landed = self.subject.landed
        assert landed is not None
        return landed.select(visible(landed.column_names))

    @cached_property
    def types(self) -> dict[str, str]:
        """DuckDB's type of each column."""
        relation = self.session.connection.sql(f"SELECT * FROM {self.source} LIMIT 0")
        return dict(zip(relation.columns, map(str, relation.types), strict=True))

    @cached_property
    def shown(self) -> frozenset[str] | None:
        """The columns that a sample may show; None for any."""
        sensitive = self.subject.sensitive
        return frozenset(self.types) - sensitive if sensitive else None

    def missing(self, columns: tuple[str, ...]) -> list[str]:
        """Return a sentence for each of some columns that the table lacks."""
        return [
            f'{self.subject.ref.full_name} has no column "{name}".{did_you_mean(name, self.types)}'
            for name in columns
            if name not in self.types
        ]

    def one(self, sql: str) -> tuple[Any, ...]:
        """Return the one row of a query."""
        (row,) = self.session.rows(sql).to_pylist()
        return tuple(row.values())

    def sample(self, failing: str, count: int) -> Preview:
        """Return some of the rows of a query, with the columns that may be shown.

        Args:
            failing: the query, which selects failing rows.
            count: how many rows it selects. With 0, it does not run.
        """
        if not count:
            return Preview()
        return self.preview(self.session.rows(f"SELECT * FROM ({failing}) LIMIT {SHOWN_ROWS}"))

    def preview(self, rows: pa.Table) -> Preview:
        """Return rows to show, with the columns that may be shown."""
        if self.shown is not None:
            rows = rows.select([name for name in rows.column_names if name in self.shown])
        return Preview.of(rows)

    def frame(self) -> pa.Table:
        """Return all judged rows."""
        if self.scope == "partition":
            return self._landed
        return self.table.scan(selected_fields=tuple(visible(self.table.schema().column_names))).to_arrow()

    def before(self) -> str | None:
        """Return the name of the table as it was before the run; None if it had no rows, or they have expired."""
        if not self.subject.changes:
            return None
        snapshot = self.table.current_snapshot()
        parent = None if snapshot is None else snapshot.parent_snapshot_id
        if parent is None or self.table.snapshot_by_id(parent) is None:
            return None
        identifier = (_BEFORE, self.subject.ref.full_name)
        self._add(table_with(self.table, current_snapshot_id=parent), identifier)
        return _named(identifier)

    def whole(self) -> str:
        """Return the name of the whole table, also where only the rows of the run are judged."""
        if self.scope == "table":
            return self.source
        identifier = (_WHOLE, self.subject.ref.full_name)
        self._add(self.table, identifier)
        return _named(identifier)

    def other(self, name: str) -> str:
        """Return the name of another table, which is read on `main`.

        Args:
            name: the table, with or without its namespace.

        Raises:
            UsageError: it does not exist.
        """
        ref = TableRef.parse(name if "." in name else f"{DEFAULT_NAMESPACE}.{name}")
        if ref.identifier == self.subject.ref.identifier:
            return self.whole()
        table = self.subject.lakehouse.load(ref)
        if table is None:
            known = [".".join(identifier) for identifier in self._identifiers]
            raise UsageError(f'There is no table "{ref}".{did_you_mean(ref, known)}')
        self._add(table, ref.identifier)
        return _named(ref.identifier)

    def query(self, sql: str) -> str:
        """Return the one SELECT statement of a text, of which the session can read the tables that it names.

        Raises:
            UsageError: it is anything else.
        """
        query = only_query(self.session.connection, sql)
        mine = [self.subject.ref.identifier, *self._others]
        others = [each for each in self._identifiers if each not in mine and each[-1].lower() in query.lower()]
        add_named_tables(self.session, self.subject.lakehouse, query, others)
        self._others.update((".".join(each[:-1]), each[-1]) for each in others)
        return query

    @cached_property
    def _identifiers(self) -> list[tuple[str, ...]]:
        return table_identifiers(self.subject.lakehouse.catalog)

    def _add(self, table: Table, identifier: tuple[str, str]) -> None:
        if identifier not in self._others:
            self._others.add(identifier)
            self.session.add_table(table, identifier)


@contextmanager
def opened(subject: Subject) -> Iterator[dict[Scope, Judged]]:
    """Open the rows of a run and the whole table on first use.

    Args:
        subject: what is judged.

    Yields:
        What to judge, by scope.
    """
    with ExitStack() as stack:
        yield _Scopes(subject, stack)


class _Scopes(dict[Scope, Judged]):
    def __init__(self, subject: Subject, stack: ExitStack) -> None:
        super().__init__()
        self._subject = subject
        self._stack = stack

    def __missing__(self, scope: Scope) -> Judged:
        if scope == "partition" and self._subject.landed is None:
            return self["table"]
        self[scope] = Judged(self._subject, scope, self._stack.enter_context(query_session()))
        return self[scope]


def _named(identifier: tuple[str, ...]) -> str:
    return f"{sql_name('.'.join(identifier[:-1]))}.{sql_name(identifier[-1])}"
