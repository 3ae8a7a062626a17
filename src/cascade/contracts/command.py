"""The command that writes contracts, as the user types it."""

from __future__ import annotations

import os

from cascade.program import VARIABLE as PROGRAM
from cascade.program import typed

VARIABLE = "CASCADE_CONTRACTS_COMMAND"
"""Says which command it is, in the processes that Pants starts."""

GOAL = "cascade-contracts"
"""The goal of Pants."""


def command(arguments: str = "") -> str:
    """Return the command that writes contracts.

    Args:
        arguments: what follows it.

    Returns:
        Text such as `cascade contracts --update`, or `pants cascade-contracts --update` in a project of Pants.
    """
    given = os.environ.get(VARIABLE)
    program = given or (goal() if " run " in os.environ.get(PROGRAM, "") else typed("contracts"))
    return f"{program} {arguments}".rstrip()


def goal() -> str:
    """Return the goal of Pants, as the user types it: `pants cascade-contracts` or `./pants cascade-contracts`."""
    launcher, runs_in_pants, _ = os.environ.get(PROGRAM, "").partition(" run ")
    return f"{launcher if runs_in_pants else 'pants'} {GOAL}"
