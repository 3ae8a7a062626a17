"""Why a run failed, from the event that says so."""

from __future__ import annotations

from typing import Any

from cascade.framework.run_errors import RunError, error_of


def failed_step(entry: Any) -> Any:
    """Return the event of the first step that failed; None if none did.

    Args:
        entry: Dagster's `EventLogEntry` of a run that failed.
    """
    # Without data if a process reports a run on which no process works any more.
    data = entry.dagster_event.event_specific_data
    return None if data is None else data.first_step_failure_event


def cause_of(entry: Any) -> RunError | None:
    """Return the error of the first step that failed, or else of the run; None if Dagster recorded none.

    Args:
        entry: Dagster's `EventLogEntry` of a run that failed.
    """
    step = failed_step(entry)
    if step is not None:
        failure = step.step_failure_data.user_failure_data
        if failure is not None and failure.description:
            return RunError(failure.description, "Failure", deliberate=True)
        error = step.step_failure_data.error
    else:
        data = entry.dagster_event.event_specific_data
        error = None if data is None else data.error
    return None if error is None else error_of(error)
