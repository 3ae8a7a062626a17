"""The log of runs as one JSON object a line, with the run and its partition.

It is what the processes of runs print on standard error: the lines of workflows, of Cascade and of dlt, and the events
that tell how a run went. What Dagster records for its UI stays as it is.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cascade.config.secrets import mask_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

    import dagster as dg

_DLT = "dlt"
# What Dagster logs at the level DEBUG and somebody who reads logs still wants to see.
_SHOWN_EVENTS = frozenset(
    {
        "RUN_START",
        "RUN_SUCCESS",
        "RUN_FAILURE",
        "RUN_CANCELED",
        "ASSET_MATERIALIZATION",
        "ASSET_CHECK_EVALUATION",
        "STEP_UP_FOR_RETRY",
    }
)
_ENDS = frozenset({"RUN_SUCCESS", "RUN_FAILURE", "RUN_CANCELED"})


def write_json_logs() -> None:
    """Let Dagster's logger of the console and the logger of dlt write JSON. The second call does nothing."""
    # A run without a configured logger gets this one, and a run of the command line configures it.
    from dagster._loggers import colored_console_logger

    colored_console_logger._logger_fn = _console
    logger = logging.getLogger(_DLT)
    if not any(isinstance(handler, JsonHandler) for handler in logger.handlers):
        # dlt takes the first handler that its logger has, and sets only its format.
        logger.handlers.insert(0, JsonHandler())
        del logger.handlers[1:]


def _console(_: dg.InitLoggerContext) -> logging.Logger:
    logger = logging.getLoggerClass()("dagster", level=logging.DEBUG)
    logger.addHandler(JsonHandler())
    return logger


class JsonHandler(logging.Handler):
    """Prints each record as a line of JSON on standard error."""

    def setFormatter(self, fmt: logging.Formatter | None) -> None:
        """Keep the format, whatever a library sets."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record, unless it is a detail of Dagster."""
        try:
            fields = _fields(record)
            if fields is not None:
                sys.stderr.write(json.dumps(fields, ensure_ascii=False, default=str) + "\n")
                sys.stderr.flush()
        except Exception:
            self.handleError(record)


_run: dict[str, Any] = {}
"""The run of this process, for the lines of libraries that know of none. A process has one run at a time."""


def _fields(record: logging.LogRecord) -> dict[str, Any] | None:
    found: dict[str, Any] = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        # What is shown at all is worth a level that collectors of logs keep.
        "level": logging.getLevelName(max(record.levelno, logging.INFO)),
        "logger": record.name,
    }
    meta = getattr(record, "dagster_meta", None)
    if meta is None:
        found |= {"message": mask_secrets(record.getMessage()), **_run}
        if record.exc_info:
            found["error"] = mask_secrets(logging.Formatter().formatException(record.exc_info))
        return found
    return None if (told := _of_dagster(record, meta)) is None else found | told


def _of_dagster(record: logging.LogRecord, meta: Mapping[str, Any]) -> dict[str, Any] | None:
    event, step, tags = meta.get("dagster_event"), meta.get("step_key"), meta.get("job_tags") or {}
    partition = tags.get("dagster/partition") or tags.get("dagster/asset_partition_range_start")
    run = {"run_id": meta.get("run_id"), "job": meta.get("job_name"), "partition": partition}
    run = {name: value for name, value in run.items() if value is not None}
    _run.clear()
    name = None
    if event is not None:
        name = str(event.event_type_value).replace("PIPELINE_", "RUN_")
        if name not in _ENDS:
            _run.update(run)
        if record.levelno < logging.INFO and name not in _SHOWN_EVENTS:
            return None
    else:
        _run.update(run)
        if record.levelno < logging.INFO:
            return None
    told: dict[str, Any] = {"message": mask_secrets(str(meta.get("orig_message"))), **run}
    key = getattr(event, "asset_key", None)
    if key is not None:
        told["asset"] = key.to_user_string()
    elif step is not None and str(step).startswith("dlt_"):
        # The op of a workflow is named after its table.
        told["asset"] = str(step).removeprefix("dlt_").replace("__", "/")
    told |= {name: value for name, value in (("step", step), ("event", name)) if value is not None}
    error = getattr(getattr(event, "event_specific_data", None), "error", None)
    if error is not None:
        told["error"] = mask_secrets(error.to_string())
    return told
