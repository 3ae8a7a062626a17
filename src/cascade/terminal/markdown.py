"""Tables in Markdown, for comments on a change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    """Yield the lines of a table.

    Args:
        columns: the headings.
        rows: the cells. None is an empty cell.
    """
    yield f"| {' | '.join(map(escaped, columns))} |"
    yield f"|{'---|' * len(columns)}"
    for row in rows:
        yield f"| {' | '.join(escaped('' if cell is None else str(cell)) for cell in row)} |"


def escaped(text: str) -> str:
    """Keep a value from ending its cell or from being read as Markdown or HTML.

    Args:
        text: the value.
    """
    for special in "\\`*_|<>[]":
        text = text.replace(special, f"\\{special}")
    return " ".join(text.split())
