"""The output of one command: messages, tables and progress for users, or one document for scripts."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

import click

from cascade.terminal.tables import print_table
from cascade.terminal.waiting import own_stderr, telling
from cascade.terminal.words import console, is_terminal, say_on_stderr


class Output:
    """What one command prints.

    Args:
        as_json: print one JSON document for a script, and nothing else.
    """

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self.document: object = None

    def say(self, text: str = "") -> None:
        """Print a line for the user. Print nothing under `--json`."""
        if not self.as_json:
            click.echo(text)

    def warn(self, text: str) -> None:
        """Print a warning on standard error."""
        say_on_stderr("warning", text, "yellow")

    def error(self, text: str) -> None:
        """Print an error on standard error."""
        say_on_stderr("error", text, "red")

    def json(self, document: object) -> None:
        """Set the document that `--json` prints when the command ends."""
        self.document = document

    def table(
        self,
        columns: Sequence[str],
        rows: Sequence[Sequence[object]],
        *,
        fit: bool = False,
        whole: bool = False,
    ) -> None:
        """Print a table for the user. Print nothing under `--json`.

        Args:
            columns: the headings.
            rows: the cells. Columns of numbers are aligned to the right.
            fit: shorten long cells. On a narrow terminal, drop the last columns and list their names.
            whole: on a narrow terminal, drop the last columns and list their names, but shorten no cell, so that users
                can copy it.
        """
        if not self.as_json:
            print_table(columns, rows, fit=fit, whole=whole)

    def waiting(self, label: str) -> AbstractContextManager[object]:
        """Print a line on standard error if what the command is doing takes long.

        Args:
            label: what the command is doing, such as `loading the project`.
        """
        return telling(label)

    @contextmanager
    def progress(self, label: str, total: int) -> Iterator[Callable[[str], None]]:
        """Show a progress bar on standard error. If that is not a terminal, print a line about a step that takes long.

        Args:
            label: what the command is doing.
            total: the number of steps.

        Yields:
            A function to call with the name of each step as it begins.
        """
        if not is_terminal(sys.stderr):
            with telling(label) as begin:
                yield begin
            return
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with (
            own_stderr() as terminal,
            Progress(*columns, console=console(file=terminal), transient=True) as bar,
        ):
            task = bar.add_task(label, total=total)
            begun = 0

            def advance(step: str) -> None:
                nonlocal begun
                bar.update(task, completed=begun, description=f"{label} {step}".rstrip())
                begun += 1

            yield advance
