"""Options that several commands have."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click

from cascade.terminal.documents import only_json
from cascade.terminal.output import Output

R = TypeVar("R")


def json_option(command: Callable[..., R]) -> Callable[..., R]:
    """Gives a command the flag `--json` and, as its first argument, the `Output` to print to."""

    @click.option("--json", "as_json", is_flag=True, help="Print one JSON document, for scripts.")
    @functools.wraps(command)
    def with_output(*args: Any, as_json: bool, **kwargs: Any) -> R:
        out = Output(as_json=as_json)
        if not as_json:
            return command(out, *args, **kwargs)
        with only_json(out):
            return command(out, *args, **kwargs)

    return with_output
