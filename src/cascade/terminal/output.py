"""What commands print: tables, progress and JSON.

Progress and colour are for terminals only.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import click

from cascade.terminal.tables import print_table
from cascade.terminal.words import console, is_terminal, say_on_stderr


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
        if not self.as_json:
            print_table(columns, rows, fit=fit, whole=whole)

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
            Progress(*columns, console=console(file=terminal), transient=True) as bar,
        ):
            task = bar.add_task(label, total=total)
            begun = 0

            def begin(step: str) -> None:
                nonlocal begun
                bar.update(task, completed=begun, description=f"{label} {step}".rstrip())
                begun += 1

            yield begin
