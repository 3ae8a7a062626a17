"""What the commands share that list something of tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from cascade.terminal.output import Output


def print_listing(
    out: Output,
    name: str,
    documents: Iterable[Mapping[str, object]],
    columns: Mapping[str, Sequence[object]],
    *,
    nothing: str,
) -> None:
    """Print a list as a table, or as JSON.

    Args:
        out: where to print.
        name: what the list is called in JSON.
        documents: the entries in JSON.
        columns: the cells of each column, by its heading.
        nothing: what to print in place of a table without rows.
    """
    out.json({name: list(documents)})
    rows = list(zip(*columns.values(), strict=True))
    if rows:
        out.table(tuple(columns), rows, whole=True)
    else:
        out.say(nothing)


def in_seconds(moment: datetime | None) -> datetime | None:
    """Return a time in UTC as a table shows it."""
    return None if moment is None else moment.replace(microsecond=0, tzinfo=None)
