"""The command that starts Cascade, as the user types it. Hints repeat it."""

from __future__ import annotations

import os

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
    return f"{os.environ.get(VARIABLE) or 'cascade'} {arguments}"
