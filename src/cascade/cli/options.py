"""Options that several commands share."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from cascade.program import typed_with
from cascade.table_ref import CI_PREFIX, branch_problem
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


BRANCH_VARIABLE = "CASCADE_BRANCH"


@contextmanager
def branch_set(name: str) -> Iterator[None]:
    """Let this process and its children, such as dbt and code servers, work on a branch of the tables.

    Args:
        name: name of the branch.
    """
    # Commands that open Dagster's instance set its home, which is another one on the branch.
    variables = (BRANCH_VARIABLE, "DAGSTER_HOME")
    before = {variable: os.environ.get(variable) for variable in variables}
    os.environ[BRANCH_VARIABLE] = name
    try:
        yield
    finally:
        for variable, value in before.items():
            if value is None:
                os.environ.pop(variable, None)
            else:
                os.environ[variable] = value


def _work_on(ctx: click.Context, parameter: click.Parameter, name: str | None) -> None:
    if name is None or ctx.resilient_parsing:
        return
    problem = branch_problem(name)
    if name.startswith(CI_PREFIX):
        problem = f"{name!r} begins like the branches of `cascade ci`. Choose another name."
    if problem:
        raise click.BadParameter(problem)
    ctx.with_resource(branch_set(name))
    # A hint that is typed without the branch would work on main.
    ctx.with_resource(typed_with(f"{BRANCH_VARIABLE}={name}"))


def branch_option(command: Callable[..., R]) -> Callable[..., R]:
    """Add the option `--branch`, which lets a command work on a branch of the tables that stands for `main`."""
    option = click.option(
        "--branch",
        metavar="NAME",
        expose_value=False,
        is_eager=True,
        callback=_work_on,
        help="Read and write this Iceberg branch where a table has it. What is written creates it; main stays.",
    )
    return option(command)


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
