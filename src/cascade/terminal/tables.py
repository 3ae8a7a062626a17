"""Tables: with lines on a terminal, in plain columns elsewhere."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import click

from cascade.terminal.words import console, counted, is_terminal

_CELL_WIDTH = 40
_STEERS_A_TERMINAL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, fit: bool, whole: bool) -> None:
    """Prints a table.

    Args:
        columns: the heads.
        rows: the cells. Numbers are set to the right.
        fit: shorten long cells, and on a narrow terminal leave out the last columns and say so.
        whole: leave out the last columns likewise, and shorten nothing: the cells are names that somebody copies.
    """
    cells = [[_cell(value, _CELL_WIDTH if fit else None) for value in row] for row in rows]
    right = [bool(rows) and all(_is_number(row[i]) or row[i] is None for row in rows) for i in range(len(columns))]
    if is_terminal(sys.stdout):
        _print_rich(columns, cells, right, fit=fit or whole)
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
    text = _STEERS_A_TERMINAL.sub("\N{REPLACEMENT CHARACTER}", " ".join(str(value).split()))
    return text if width is None or len(text) <= width else text[: width - 1] + "…"


def _print_plain(columns: Sequence[str], cells: Sequence[Sequence[str]], right: Sequence[bool]) -> None:
    widths = [max(len(head), *(len(row[i]) for row in cells), 0) for i, head in enumerate(columns)]
    for row in (columns, *cells):
        line = "  ".join(
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(row, widths, right, strict=True)
        )
        click.echo(line.rstrip())


def _print_rich(columns: Sequence[str], cells: Sequence[Sequence[str]], right: Sequence[bool], *, fit: bool) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    terminal = console()
    shown = _columns_that_fit(columns, cells, terminal.width) if fit else len(columns)
    table = Table(box=box.ROUNDED)
    for head, to_right in list(zip(columns, right, strict=True))[:shown]:
        table.add_column(head, justify="right" if to_right else "left", no_wrap=fit, overflow="fold")
    for row in cells:
        # As text, so that brackets in the data are not taken for markup.
        table.add_row(*(Text(cell) for cell in row[:shown]))
    terminal.print(table)
    if shown < len(columns):
        left = columns[shown:]
        terminal.print(f"… and {counted(len(left), 'more column')}: {', '.join(left)}", style="dim")


def _columns_that_fit(columns: Sequence[str], cells: Sequence[Sequence[str]], width: int) -> int:
    used, count = 1, 0
    for i, head in enumerate(columns):
        used += max(len(head), *(len(row[i]) for row in cells), 0) + 3
        if used > width:
            break
        count += 1
    return max(count, 1)
