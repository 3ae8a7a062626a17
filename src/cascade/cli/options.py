"""Options that several commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click

from cascade.terminal.documents import only_json
from cascade.terminal.output import Output

R = TypeVar("R")


def json_option(command: Callable[..., R]) -> Callable[..., R]:
    """Add the flag `--json` to a command, and pass it an `Output` as its first argument."""

    @click.option("--json", "as_json", is_flag=True, help="Print one JSON document, for scripts.")
    @functools.wraps(command)
    def with_output(*args: Any, as_json: bool, **kwargs: Any) -> R:
        out = Output(as_json=as_json)
        if not as_json:
            return command(out, *args, **kwargs)
        with only_json(out):
            return command(out, *args, **kwargs)

    return with_output


def diff_options(command: Callable[..., R]) -> Callable[..., R]:
    """Add the options of a command that compares two states of a table."""
    examples = click.option(
        "--examples",
        metavar="N",
        type=click.IntRange(min=0),
        default=5,
        show_default=True,
        help="How many rows of each kind to print.",
    )
    markdown = click.option("--markdown", is_flag=True, help="Print Markdown, for a comment on a change.")
    return examples(markdown(command))
