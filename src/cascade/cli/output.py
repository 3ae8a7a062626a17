"""What commands print: tables, progress and JSON.

With `--json` standard output holds exactly one JSON document; whatever else writes there, a workflow's own `print`
included, goes to standard error. Progress and colour are for terminals only.
"""

from __future__ import annotations

import functools
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TextIO, TypeVar

import click

from cascade.config.secrets import mask_secrets
from cascade.exceptions import CascadeError

if TYPE_CHECKING:
    from rich.console import Console

P = ParamSpec("P")
R = TypeVar("R")

_CELL_WIDTH = 40
_STEERS_A_TERMINAL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class Output:
    """Where one command prints.

    Args:
        as_json: whether a script reads it.
    """

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self.document: object = None

    def say(self, text: str = "") -> None:
        """Prints a line for people. Under `--json` it is left out."""
        if not self.as_json:
            click.echo(text)

    def warn(self, text: str) -> None:
        """Prints a warning on standard error."""
        say_on_stderr("warning", text, "yellow")

    def error(self, text: str) -> None:
        """Prints an error on standard error."""
        say_on_stderr("error", text, "red")

    def json(self, document: object) -> None:
        """Gives the document that `--json` prints."""
        self.document = document

    def table(
        self,
        columns: Sequence[str],
        rows: Sequence[Sequence[object]],
        *,
        fit: bool = False,
        whole: bool = False,
    ) -> None:
        """Prints a table: with lines on a terminal, in plain columns elsewhere.

        Args:
            columns: the heads.
            rows: the cells. Numbers are set to the right.
            fit: shorten long cells, and on a narrow terminal leave out the last columns and say so.
            whole: leave out the last columns likewise, and shorten nothing: the cells are names that somebody copies.
        """
        if self.as_json:
            return
        cells = [[_cell(value, _CELL_WIDTH if fit else None) for value in row] for row in rows]
        right = [bool(rows) and all(_is_number(row[i]) or row[i] is None for row in rows) for i in range(len(columns))]
        if is_terminal(sys.stdout):
            _print_rich(columns, cells, right, fit=fit or whole)
        else:
            _print_plain(columns, cells, right)

    @contextmanager
    def progress(self, label: str, total: int) -> Iterator[Callable[[str], None]]:
        """Shows a bar on standard error, on a terminal only.

        Args:
            label: what is being done.
            total: how many steps there are.

        Yields:
            a function to call with the name of the next step as each begins.
        """
        if not is_terminal(sys.stderr):
            yield lambda step: None
            return
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        # Dagster takes over descriptors 1 and 2 during a step, to record what is printed there.
        with (
            os.fdopen(os.dup(sys.stderr.fileno()), "w") as terminal,
            Progress(*columns, console=_console(file=terminal), transient=True) as bar,
        ):
            task = bar.add_task(label, total=total)
            begun = 0

            def begin(step: str) -> None:
                nonlocal begun
                bar.update(task, completed=begun, description=f"{label} {step}".rstrip())
                begun += 1

            yield begin


def say_on_stderr(word: str, text: str, colour: str) -> None:
    """Prints a message on standard error under a word, which has a colour on a terminal."""
    click.echo(f"{styled(f'{word}:', colour, sys.stderr)} {text}", err=True)


def styled(text: str, colour: str, stream: TextIO | None = None) -> str:
    """Gives a word in bold colour where a person reads it on a terminal and has not set `NO_COLOR`.

    Args:
        text: the word.
        colour: the name of the colour.
        stream: where it will be printed; standard output if absent.
    """
    coloured = is_terminal(stream or sys.stdout) and not os.environ.get("NO_COLOR")
    return click.style(text, fg=colour, bold=True) if coloured else text


def json_option(command: Callable[..., R]) -> Callable[..., R]:
    """Gives a command the flag `--json` and, as its first argument, the `Output` to print to."""

    @click.option("--json", "as_json", is_flag=True, help="Print one JSON document, for scripts.")
    @functools.wraps(command)
    def with_output(*args: Any, as_json: bool, **kwargs: Any) -> R:
        out = Output(as_json=as_json)
        if not as_json:
            return command(out, *args, **kwargs)
        with _only_json(out):
            return command(out, *args, **kwargs)

    return with_output


@contextmanager
def _only_json(out: Output) -> Iterator[None]:
    """Keeps standard output for the document: everything else that is written there goes to standard error."""
    stdout = sys.stdout
    kept = _take_descriptor(stdout)
    sys.stdout = sys.stderr
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stdout = stdout
        if kept is not None:
            os.dup2(kept, 1)
            os.close(kept)
        if out.document is not None:
            print_document(out.document)


_PRINTED = "cascade.document_printed"


def print_document(document: object) -> None:
    """Prints the one JSON document of a command, unless it was printed already."""
    context = click.get_current_context(silent=True)
    shared = context.meta if context is not None else {}
    if shared.setdefault(_PRINTED, document) is document:
        click.echo(json.dumps(document, indent=2, default=json_value, ensure_ascii=False))


def _take_descriptor(stdout: Any) -> int | None:
    """Points descriptor 1 at standard error as well: libraries in C and child processes write there."""
    try:
        if stdout.fileno() != 1:
            return None
    except (OSError, ValueError):
        return None
    stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    return kept


def counted(number: int, noun: str) -> str:
    """Writes a number with its noun: `1 module`, `2 modules`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def error_document(error: Exception) -> dict[str, object]:
    """Gives an error as the document that is printed in the place of the one that was asked for."""
    place = error.location if isinstance(error, CascadeError) else None
    message = error.format_message() if isinstance(error, click.ClickException) else mask_secrets(str(error))
    return {
        "error": {
            "type": type(error).__name__,
            "message": error.message if isinstance(error, CascadeError) else message,
            "location": {"file": place.file, "line": place.line} if place else None,
            "hint": error.hint if isinstance(error, CascadeError) else None,
        }
    }


def json_value(value: object) -> object:
    """Turns a value that JSON lacks into text, or into a list."""
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=str)
    if isinstance(value, (Decimal, Path)):
        return str(value)
    return str(value)


def is_terminal(stream: Any) -> bool:
    """Tells whether a person reads a stream as it is written."""
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError):
        return False


def _console(file: TextIO | None = None) -> Console:
    from rich.console import Console

    # Rich itself leaves bold type where `NO_COLOR` is set.
    return Console(file=file, highlight=False, color_system=None if os.environ.get("NO_COLOR") else "auto")


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

    console = _console()
    shown = _columns_that_fit(columns, cells, console.width) if fit else len(columns)
    table = Table(box=box.ROUNDED)
    for head, to_right in list(zip(columns, right, strict=True))[:shown]:
        table.add_column(head, justify="right" if to_right else "left", no_wrap=fit, overflow="fold")
    for row in cells:
        # As text, so that brackets in the data are not taken for markup.
        table.add_row(*(Text(cell) for cell in row[:shown]))
    console.print(table)
    if shown < len(columns):
        left = columns[shown:]
        console.print(f"… and {counted(len(left), 'more column')}: {', '.join(left)}", style="dim")


def _columns_that_fit(columns: Sequence[str], cells: Sequence[Sequence[str]], width: int) -> int:
    used, count = 1, 0
    for i, head in enumerate(columns):
        used += max(len(head), *(len(row[i]) for row in cells), 0) + 3
        if used > width:
            break
        count += 1
    return max(count, 1)
