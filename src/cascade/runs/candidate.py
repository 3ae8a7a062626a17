"""Rows of a run that are written and wait for their checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from cascade.iceberg.gate import Gate

if TYPE_CHECKING:
    import pyarrow as pa
    from pyiceberg.table import Table

    from cascade.iceberg import Committed
    from cascade.iceberg.heads import AuditBranch

P = TypeVar("P")


@dataclass(frozen=True)
class Candidate:
    """A table with the rows of a run, as readers will see it if the checks pass.

    Args:
        table: the table.
        branch: name of the branch that has these rows; None if no branch has, because the catalog keeps none or because
            nothing changes.
        changes: whether the run changes the table.
        rows: returns the rows of the run that are in the table, in parts.
    """

    table: Table
    branch: str | None
    changes: bool
    rows: Callable[[], Iterator[pa.Table]]


@dataclass(frozen=True)
class RunGate:
    """The checks of a run.

    Args:
        audit: the branch on which its rows wait.
        judge: raises to keep the rows from being published. It is called again if another writer came first.
    """

    audit: AuditBranch
    judge: Callable[[Candidate], None]

    def on(self, rows: Callable[[P], Iterator[pa.Table]]) -> Gate[P]:
        """Return the gate of a commit.

        Args:
            rows: returns the rows of a plan that are in the table afterwards, in parts.
        """

        def check(committed: Committed[P]) -> None:
            refs = committed.table.metadata.refs
            changes = committed.snapshot_id is not None
            on_branch = changes and self.audit.name in refs
            self.judge(
                Candidate(
                    committed.table, self.audit.name if on_branch else None, changes, lambda: rows(committed.plan)
                )
            )

        return Gate(self.audit, check)
