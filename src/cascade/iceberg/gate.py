"""What stands between the rows that a run has written and their readers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from cascade.iceberg.commit import commit_planned

if TYPE_CHECKING:
    from cascade.iceberg.catalog import Lakehouse
    from cascade.iceberg.changes import Planner, Properties
    from cascade.iceberg.committer import Committed
    from cascade.iceberg.heads import AuditBranch
    from cascade.table_ref import TableRef

P = TypeVar("P")


@dataclass(frozen=True)
class Gate(Generic[P]):
    """Checks of a change that run before it is visible.

    Args:
        audit: the branch on which the change waits.
        check: raises to keep the change from being published; see `commit_audited`.
    """

    audit: AuditBranch
    check: Callable[[Committed[P]], None]


def commit_gated(
    lakehouse: Lakehouse,
    ref: TableRef,
    planner: Planner[P],
    *,
    summary: Mapping[str, str],
    properties: Properties | None = None,
    gate: Gate[P] | None = None,
) -> Committed[P]:
    """Commit a change, at once or after its checks.

    Args:
        lakehouse: the lakehouse that holds the table.
        ref: the table and the branch.
        planner: decides what changes.
        summary: properties of the snapshot's summary.
        properties: decides which properties of the table change.
        gate: the checks; None to publish at once.

    Raises:
        Exception: what a check raised. Nothing is visible then. For the others, see `commit_planned`.
    """
    if gate is None:
        return commit_planned(lakehouse, ref, planner, summary=summary, properties=properties)
    from cascade.iceberg.publishing import commit_audited

    return commit_audited(lakehouse, ref, planner, gate.check, audit=gate.audit, summary=summary, properties=properties)
