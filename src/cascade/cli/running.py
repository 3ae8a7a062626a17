"""Run what a command has planned, and report each run when it ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from cascade.cli.context import Invocation
from cascade.cli.run_output import report_outcome
from cascade.terminal.output import Output

if TYPE_CHECKING:
    import dagster as dg

    from cascade.framework.runs import RunOutcome
    from cascade.framework.selected_runs import PlannedRun


def run_and_report(
    invocation: Invocation,
    out: Output,
    definitions: dg.Definitions,
    runs: Sequence[PlannedRun],
    *,
    instance: dg.DagsterInstance,
    begin: Callable[[str], None],
    alone: bool = False,
    verbose: bool = False,
) -> list[RunOutcome]:
    """Run assets in the given order.

    Args:
        invocation: the command.
        out: its output.
        definitions: the definitions of the project.
        runs: what to run.
        instance: where Dagster records the runs.
        begin: called with the name of each run as it begins, for the progress bar.
        alone: whether there is only one run, whose numbers are printed at the end.
        verbose: whether to show Dagster's log.

    Returns:
        What each run did.
    """
    from cascade.framework.selected_runs import run_planned

    outcomes = []
    for outcome in run_planned(
        definitions,
        runs,
        instance=instance,
        packages=tuple(dict.fromkeys(name.partition(".")[0] for name in invocation.module_names)),
        verbose=verbose,
        starting=lambda run: begin(" ".join(filter(None, (run.name, run.partition)))),
    ):
        outcomes.append(outcome)
        report_outcome(out, outcome, alone=alone, traceback=invocation.debug or verbose)
    return outcomes
