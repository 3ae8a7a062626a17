"""Why a run failed, from the events that Dagster recorded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cascade.config.secrets import mask_secrets
from cascade.exceptions import CascadeError, SourceLocation
from cascade.framework.frames import user_location

if TYPE_CHECKING:
    import dagster as dg

INTERRUPTED = "DagsterExecutionInterruptedError"


@dataclass(frozen=True)
class RunError:
    """Why a run failed.

    Args:
        message: what is wrong.
        kind: name of the exception's class.
        location: the user's file and line, if the traceback has one.
        deliberate: whether Cascade raised it on purpose. The message is then enough.
        traceback: the whole traceback.
    """

    message: str
    kind: str
    location: SourceLocation | None = None
    deliberate: bool = False
    traceback: str = ""

    def __str__(self) -> str:
        text = self.message if self.deliberate else f"{self.kind}: {self.message}"
        return f"{self.location}: {text}" if self.location and not self.deliberate else text


def run_error(result: dg.ExecuteInProcessResult, packages: Sequence[str], node: str | None = None) -> RunError:
    """Find why a run failed.

    Args:
        result: the failed run.
        packages: the user's top-level packages, to find their lines in the traceback.
        node: the op whose steps count; None for all.

    Returns:
        The error of the first step that failed, or else of the run.
    """
    for event in result.all_events:
        if event.is_step_failure and node in (None, node_of(event)):
            data = event.step_failure_data
            if data.user_failure_data is not None and data.user_failure_data.description:
                return RunError(data.user_failure_data.description, "Failure", deliberate=True)
            if data.error is not None:
                return error_of(data.error, packages)
    for event in reversed(list(result.all_events)):
        if event.is_job_failure and event.job_failure_data.error is not None:
            # A resource raised before the first step, such as a catalog that does not answer.
            return error_of(event.job_failure_data.error, packages)
        if event.is_failure and event.message:
            return RunError(event.message, "Failure", deliberate=True)
    return RunError("The run failed, and Dagster recorded no reason.", "Failure", deliberate=True)


def node_of(event: dg.DagsterEvent) -> str:
    """Return the name of the op, or of the graph, that a step belongs to."""
    return (event.step_key or "").partition(".")[0].partition("[")[0]


_WRAPPERS = ("Dagster", "RetryRequestedFromPolicy")
"""What the names of Dagster's own errors begin with. The second is that of a step that failed in its last retry."""

_FRAME = re.compile(r'^\s*File "(?P<file>[^"]+)", line (?P<line>\d+)', re.MULTILINE)


def error_of(error: Any, packages: Sequence[str] = ()) -> RunError:
    """Return the error of a step or a run that Dagster recorded.

    Args:
        error: Dagster's `SerializableErrorInfo`.
        packages: the user's top-level packages, to find their lines in the traceback.
    """
    innermost = error
    # Dagster wraps what a step raises. The cause of a CascadeError is a detail that its message already has.
    while innermost.cause is not None and str(innermost.cls_name).startswith(_WRAPPERS):
        innermost = innermost.cause
    name = str(innermost.cls_name)
    if name == INTERRUPTED:
        return RunError("it was interrupted, and the runs after it did not start.", name, deliberate=True)
    frames = [(match["file"], int(match["line"])) for text in innermost.stack for match in _FRAME.finditer(text)]
    message = re.sub(r"^[\w.]+: ", "", innermost.message.strip(), count=1)
    return RunError(
        message=mask_secrets(message),
        kind=name,
        location=user_location(frames, packages),
        deliberate=name in _deliberate_names(),
        traceback=mask_secrets(error.to_string()),
    )


def _deliberate_names() -> frozenset[str]:
    names = set()
    waiting: list[type[CascadeError]] = [CascadeError]
    while waiting:
        kind = waiting.pop()
        names.add(kind.__name__)
        waiting.extend(kind.__subclasses__())
    return frozenset(names)
