"""The command that starts Cascade, as the user types it. Hints repeat it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

VARIABLE = "CASCADE_PROGRAM"
"""Hands the command on to the processes that Cascade starts, such as those that `dev` starts for runs."""


def remember(program: str) -> None:
    """Remember how the user started this process, unless another one of Cascade's started it.

    Args:
        program: the command, such as `pants run //:dev --`.
    """
    os.environ.setdefault(VARIABLE, program)


def typed(arguments: str) -> str:
    """Return a command that the user can type.

    Args:
        arguments: what follows the name of the program, such as `table history raw.flights`.

    Returns:
        Text such as `cascade table history raw.flights`, or `pants run //:dev -- table history raw.flights`.
    """
    return f"{typed_program()} {arguments}"


def typed_program() -> str:
    """Return how the user starts Cascade, such as `cascade` or `pants run //:dev --`."""
    return os.environ.get(VARIABLE) or "cascade"


@contextmanager
def typed_with(setting: str) -> Iterator[None]:
    """Let the commands that hints repeat begin with a setting, here and in child processes.

    Args:
        setting: what a shell takes before a command, such as `CASCADE_BRANCH=me`.
    """
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = f"{setting} {typed_program()}"
    try:
        yield
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before
