"""What a copy of a table would do, from what the other lakehouse has."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from cascade.iceberg.copying.fingerprint import fingerprint_of
from cascade.iceberg.ledger import published_partitions
from cascade.iceberg.ledger.state import CLAIM_PREFIX, state_of
from cascade.iceberg.publishing import head_of
from cascade.iceberg.row_count import live_rows
from cascade.table_ref import TableRef

if TYPE_CHECKING:
    from pyiceberg.table import Table

    from cascade.iceberg.catalog import Lakehouse

COPIED_FROM = "cascade.copied-from"
"""The property of a table that says of which table's snapshot it is a copy."""

State = Literal["missing", "same", "behind", "other"]
"""What the target has: no such table or an empty one; the same rows; an earlier copy of the table, which nobody has
written to since; or other rows."""


@dataclass(frozen=True)
class PlannedCopy:
    """The copy of a table.

    Args:
        ref: the table.
        source: the table as it is in the source.
        state: what the target has.
        base: the snapshot of the target's table; None if there is none.
        rows: number of rows of the source; None if its snapshot does not say.
        target_rows: number of rows of the target; None if it has no such table, or its snapshot does not say.
    """

    ref: TableRef
    source: Table
    state: State
    base: int | None
    rows: int | None
    target_rows: int | None

    @property
    def size(self) -> int:
        """The size of the source's files in bytes, 0 if its snapshot does not say."""
        return self._total("total-files-size")

    @property
    def files(self) -> int:
        """The number of data files of the source, 0 if its snapshot does not say."""
        return self._total("total-data-files")

    def _total(self, name: str) -> int:
        head = self.source.current_snapshot()
        return int((head.summary.get(name) if head and head.summary else None) or 0)


def plan_copy(source: Lakehouse, target: Lakehouse, ref: TableRef) -> PlannedCopy:
    """Find out what a copy of a table would do.

    Args:
        source: the lakehouse that has the table.
        target: the lakehouse that gets it.
        ref: the table.

    Raises:
        UsageError: the source has no such table.
        CascadeError: a table cannot be read.
    """
    table, there = source.require(ref), target.load(ref)
    return PlannedCopy(
        ref=ref,
        source=table,
        state=_state(table, there),
        base=head_of(there) if there else None,
        rows=live_rows(table.current_snapshot()),
        target_rows=live_rows(there.current_snapshot()) if there else None,
    )


def copied_from(source: Table, copy: int | None) -> str:
    """Return what a copy says of its origin.

    Args:
        source: the table that was copied.
        copy: the snapshot of the copy; None if it has none.
    """
    return json.dumps(
        {
            "table": str(source.metadata.table_uuid),
            "snapshot": None if (head := head_of(source)) is None else str(head),
            "claims": _claims(source),
            "copy": None if copy is None else str(copy),
        }
    )


def _claims(table: Table) -> list[str]:
    return sorted(name for name in table.metadata.properties if name.startswith(CLAIM_PREFIX))


def _state(source: Table, target: Table | None) -> State:
    if target is None:
        return "missing"
    text = target.metadata.properties.get(COPIED_FROM)
    unchanged = text is not None and not _claims(target) and _origin(text, "copy") == _text(head_of(target))
    if unchanged and text == copied_from(source, head_of(target)):
        return "same"
    if live_rows(target.current_snapshot()) == 0 and not state_of(target).recorded:
        return "missing"
    if unchanged and text is not None and _origin(text, "table") == str(source.metadata.table_uuid):
        return "behind"
    ledgers = [(found.scheme, found.ranges) for found in map(published_partitions, (source, target))]
    return "same" if ledgers[0] == ledgers[1] and fingerprint_of(source) == fingerprint_of(target) else "other"


def _origin(text: str, name: str) -> object:
    try:
        found: object = json.loads(text)[name]
    except (ValueError, KeyError, TypeError):
        return text
    return found


def _text(snapshot: int | None) -> str | None:
    return None if snapshot is None else str(snapshot)
