"""Tables: with borders on a terminal, in plain columns elsewhere."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import click

from cascade.terminal.words import console, counted, is_terminal

_CELL_WIDTH = 40
_CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, fit: bool, whole: bool) -> None:
    """Print a table.

    Args:
        columns: the headings.
        rows: the cells. Columns of numbers are aligned to the right.
        fit: shorten long cells. On a narrow terminal, drop the last columns and list their names.
        whole: on a narrow terminal, drop the last columns and list their names, but shorten no cell, so that users
            can copy it.
    """
    cells = [[_cell(value, _CELL_WIDTH if fit else None) for value in row] for row in rows]
    right = [bool(rows) and all(_is_number(row[i]) or row[i] is None for row in rows) for i in range(len(columns))]
    if is_terminal(sys.stdout):
        _print_with_borders(columns, cells, right, fit=fit or whole)
    else:
        _print_plain(columns, cells, right)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)


def _cell(value: object, width: int | None) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    text = _CONTROL_CHARACTER.sub("\N{REPLACEMENT CHARACTER}", " ".join(str(value).split()))
    return text if width is None or len(text) <= width else text[: width - 1] + "…"


def _print_plain(columns: Sequence[str], cells: Sequence[Sequence[str]], right: Sequence[bool]) -> None:
    lines = [columns, *cells]
    widths = [max(_width(line[i]) for line in lines) for i in range(len(columns))]
    for line in lines:
        padded = [
            f"{' ' * (width - _width(text))}{text}" if to_right else f"{text}{' ' * (width - _width(text))}"
            for text, width, to_right in zip(line, widths, right, strict=True)
        ]
        click.echo("  ".join(padded).rstrip())


def _width(text: str) -> int:
    """Return the number of columns that a text takes on a terminal."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def _print_with_borders(
    columns: Sequence[str], cells: Sequence[Sequence[str]], right: Sequence[bool], *, fit: bool
) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    terminal = console()
    shown = _columns_that_fit(columns, cells, terminal.width) if fit else len(columns)
    table = Table(box=box.ROUNDED)
    for heading, to_right in list(zip(columns, right, strict=True))[:shown]:
        table.add_column(Text(heading), justify="right" if to_right else "left", no_wrap=fit, overflow="fold")
    for row in cells:
        table.add_row(*map(Text, row[:shown]))
    terminal.print(table)
    if shown < len(columns):
        left_out = columns[shown:]
        terminal.print(f"… and {counted(len(left_out), 'more column')}: {', '.join(left_out)}", style="dim")


def _columns_that_fit(columns: Sequence[str], cells: Sequence[Sequence[str]], width: int) -> int:
    used, count = 1, 0
    for i, heading in enumerate(columns):
        used += max(len(heading), *(len(row[i]) for row in cells), 0) + 3
        if used > width:
            break
        count += 1
    return max(count, 1)
