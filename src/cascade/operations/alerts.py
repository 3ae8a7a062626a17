"""What an alert says, and which events of runs are worth one.

failed       a run failed
blocked      blocking checks kept the rows of a run from being published (G6)
check        a check that does not block failed
drift        a change of the schema was refused (G4)
late         an asset is older than its `freshness_hours`
quarantined  rows of a run were refused (G5)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cascade.config.secrets import mask_secrets
from cascade.exceptions import ChecksFailedError, SchemaDriftError
from cascade.framework.run_errors import INTERRUPTED
from cascade.ingestion.validation_check import VALIDATION
from cascade.operations.failures import cause_of, failed_step
from cascade.program import typed
from cascade.runs.report import RunReport

if TYPE_CHECKING:
    import dagster as dg

_PARTITION_TAG = "dagster/partition"
_WILL_RETRY_TAG = "dagster/will_retry"
_LONGEST = 500
_SHOWN_ASSETS = 3


@dataclass(frozen=True)
class Alert:
    """Something that somebody should look at. It never has rows of a table.

    Args:
        kind: what it is about: see the list above.
        project: the project.
        asset: key of the asset, as text; of a run of several assets, their keys.
        message: what happened, in a sentence or two.
        command: the next command to type.
        partition: key of the partition, if there is one.
        run_id: Dagster's id of the run, if there was one.
        at: when it happened, in UTC, in the form of ISO 8601.
    """

    kind: str
    project: str
    asset: str
    message: str
    command: str
    partition: str | None = None
    run_id: str | None = None
    at: str = ""

    @property
    def title(self) -> str:
        """A line such as `dev: weather_observations 2024-01-15 failed`."""
        words = {"blocked": "was not published", "check": "failed a check", "drift": "has another schema"}
        words |= {"late": "is late", "quarantined": "has refused rows"}
        return " ".join(filter(None, (f"{self.project}:", self.asset, self.partition, words.get(self.kind, self.kind))))

    @property
    def text(self) -> str:
        """The alert for a reader."""
        run = [f"Run: {self.run_id}"] if self.run_id else []
        return "\n".join([self.title, self.message, *run, f"Next: {self.command}"])

    @property
    def document(self) -> dict[str, str | None]:
        """The alert for a program, with its title and text."""
        return {**asdict(self), "title": self.title, "text": self.text}


def alert_of(entry: Any, run_of: Callable[[str], dg.DagsterRun | None], project: str) -> Alert | None:
    """Return the alert that an event is worth; None for most events.

    Args:
        entry: Dagster's `EventLogEntry`.
        run_of: returns a run by its id.
        project: the project.
    """
    made = _MAKERS.get(entry.dagster_event.event_type_value)
    found = None if made is None else made(entry, run_of)
    if found is None:
        return None
    at = datetime.fromtimestamp(entry.timestamp, UTC).isoformat(timespec="seconds")
    return Alert(**{**found, "message": _cut(found["message"]), "project": project, "at": at})


def _of_failure(entry: Any, run_of: Callable[[str], dg.DagsterRun | None]) -> dict[str, Any] | None:
    run = run_of(entry.run_id)
    if run is None or run.tags.get(_WILL_RETRY_TAG) == "true":
        # The last attempt of a run that Dagster tries again is worth an alert.
        return None
    kind, message = "failed", entry.dagster_event.message or "Dagster recorded no reason."
    error = cause_of(entry)
    if error is not None:
        if error.kind == INTERRUPTED:
            # Somebody stopped it.
            return None
        kind = {ChecksFailedError.__name__: "blocked", SchemaDriftError.__name__: "drift"}.get(error.kind, kind)
        message = _message(kind, str(error))
    step = failed_step(entry)
    asset, partition = _asset_of(run, step), run.tags.get(_PARTITION_TAG)
    again = f"materialize {asset}{f' --partition {partition}' if partition else ''}"
    command = "branch list" if kind == "blocked" else again if "," not in asset else "status"
    return {
        "kind": kind,
        "asset": asset,
        "partition": partition,
        "run_id": run.run_id,
        "message": message,
        "command": typed(command),
    }


def _message(kind: str, text: str) -> str:
    """Return what an error says without its hint, and without lines that may show values of rows."""
    first, *lines = text.splitlines() or [""]
    indented = [line.strip() for line in lines if line.startswith("  ")]
    if kind == "drift":
        return " ".join([first, *(line.removeprefix("- ") + "." for line in indented)])
    if kind == "blocked":
        names = [
            line.partition(":")[0] for line in indented if not line.startswith(("Look", "Publish", "Give", "and "))
        ]
        return f"{first} Failed: {', '.join(names)}."
    return first


def _asset_of(run: dg.DagsterRun, step: Any) -> str:
    keys = sorted(key.to_user_string() for key in run.asset_selection or ())
    if not keys:
        return str(run.job_name)
    if step is not None and len(keys) > 1:
        # The op of a workflow is named after its table.
        name = str(step.step_key).removeprefix("dlt_").replace("__", "/")
        keys = [key for key in keys if key == name] or keys
    more = len(keys) - _SHOWN_ASSETS
    return ", ".join([*keys[:_SHOWN_ASSETS], *([f"and {more} more"] if more > 0 else [])])


def _of_materialization(entry: Any, _: object) -> dict[str, Any] | None:
    made = entry.dagster_event.step_materialization_data.materialization
    report = RunReport.from_metadata(made.metadata)
    if report is None or not report.rows_refused:
        return None
    rules = Counter(row.rule for row in report.refused)
    named = f", by {', '.join(sorted(rules))}" if rules else ""
    where = f" --partition {report.partition}" if report.partition else ""
    return {
        "kind": "quarantined",
        "asset": made.asset_key.to_user_string(),
        "partition": report.partition,
        "run_id": entry.run_id,
        "message": f"{report.rows_refused} of {report.rows_in} rows were refused{named}. The others are in the table.",
        "command": typed(f"quarantine show {report.table}{where}"),
    }


def _of_check(entry: Any, _: object) -> dict[str, Any] | None:
    found = entry.dagster_event.asset_check_evaluation_data
    if found.passed or found.blocking or found.severity.value != "ERROR" or found.check_name == VALIDATION:
        # A run with a blocking check that fails, fails. Refused rows have their own alert.
        return None
    says = f": {mask_secrets(found.description).splitlines()[0]}" if found.description else "."
    return {
        "kind": "check",
        "asset": found.asset_key.to_user_string(),
        "partition": found.partition,
        "run_id": entry.run_id,
        "message": f"The check {found.check_name} failed{says}",
        "command": typed(f"status {found.asset_key.to_user_string()}"),
    }


def _of_freshness(entry: Any, _: object) -> dict[str, Any] | None:
    change = entry.dagster_event.event_specific_data
    state = change.new_state.value
    if state not in ("FAIL", "WARN"):
        return None
    asset = change.key.to_user_string()
    limit = "limit" if state == "FAIL" else "first limit"
    return {
        "kind": "late",
        "asset": asset,
        "message": f"It was last materialized longer ago than the {limit} of its freshness_hours.",
        "command": typed(f"status {asset}"),
    }


_MAKERS: Mapping[str, Callable[[Any, Callable[[str], dg.DagsterRun | None]], dict[str, Any] | None]] = {
    "PIPELINE_FAILURE": _of_failure,
    "ASSET_MATERIALIZATION": _of_materialization,
    "ASSET_CHECK_EVALUATION": _of_check,
    "FRESHNESS_STATE_CHANGE": _of_freshness,
}


def _cut(text: str) -> str:
    line = mask_secrets(" ".join(text.split()))
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
