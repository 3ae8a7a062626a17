"""How `migrate` and `init --from-existing` print what they leave to a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cascade.migration.plan import Plan
    from cascade.terminal.output import Output


def say_decisions(out: Output, plan: Plan, *, after_others: bool = True) -> None:
    """Print what a person must decide, if there is anything.

    Args:
        out: the output of the command.
        plan: the plan.
        after_others: whether lines are above, from which an empty line separates these.
    """
    if not plan.decisions:
        return
    out.say(("\n" if after_others else "") + "You must decide:")
    for decision in plan.decisions:
        out.say("  " + str(decision).replace("\n", "\n      "))
