"""Show the events of runs to the receivers that the settings name."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from cascade.config.root import ROOT_VARIABLE
from cascade.terminal.words import say_on_stderr

if TYPE_CHECKING:
    import dagster as dg

    from cascade.config import CascadeConfig

_EVENTS = frozenset(
    {
        "PIPELINE_START",
        "PIPELINE_SUCCESS",
        "PIPELINE_FAILURE",
        "PIPELINE_CANCELED",
        "STEP_START",
        "STEP_FAILURE",
        "ASSET_MATERIALIZATION",
        "ASSET_CHECK_EVALUATION",
        "FRESHNESS_STATE_CHANGE",
    }
)
"""The types of the events that receivers see. The log of a run has many more."""


class Receiver(Protocol):
    """Takes the events of runs, and tells somebody."""

    def receive(self, entry: Any, instance: dg.DagsterInstance) -> None:
        """Take an event.

        Args:
            entry: Dagster's `EventLogEntry`, with an event of one of `_EVENTS`.
            instance: where the event was recorded.
        """
        ...


def observe(entry: Any, instance: dg.DagsterInstance) -> None:
    """Show an event to every receiver. Whatever goes wrong with them is a warning and does not stop the run.

    Args:
        entry: Dagster's `EventLogEntry`.
        instance: where it was recorded.
    """
    event = entry.dagster_event
    if event is None or event.event_type_value not in _EVENTS:
        return
    try:
        for receiver in _receivers():
            receiver.receive(entry, instance)
    except Exception as error:
        _warn_once(type(error).__name__)


@functools.lru_cache(8)
def _warn_once(reason: str) -> None:
    # The message of an unexpected error may contain anything.
    say_on_stderr(
        "warning", f"alerts, lineage or metrics are incomplete ({reason}). Runs go on without them.", "yellow"
    )


_lock = threading.Lock()


def _receivers() -> Sequence[Receiver]:
    # Two events of a process may come at the same time, and its settings do not change.
    with _lock:
        # What the project root depends on. Finding it reads files, and a run has many events.
        return _receivers_of(os.environ.get(ROOT_VARIABLE) or os.getcwd())


def forget_receivers() -> None:
    """Read the settings again at the next event. For tests, whose settings change within a process."""
    _receivers_of.cache_clear()
    _warn_once.cache_clear()


@functools.lru_cache(8)
def _receivers_of(place: str) -> Sequence[Receiver]:
    from cascade.config import CascadeConfig

    return receivers(CascadeConfig.from_user_config())


def receivers(config: CascadeConfig) -> Sequence[Receiver]:
    """Return the receivers that the settings name.

    Args:
        config: the settings.
    """
    found: list[Receiver] = []
    if not config.is_observed:
        return found
    if config.alert_webhook or config.alert_slack or config.alert_email:
        from cascade.operations.alerting import Alerting

        found.append(Alerting(config))
    if config.openlineage_url:
        found.extend(_of_extra("openlineage_url", _lineage, config))
    if config.otlp_endpoint:
        found.extend(_of_extra("otlp_endpoint", _metrics, config))
    return tuple(found)


def _lineage(config: CascadeConfig) -> Receiver:
    from cascade.operations.lineage import Lineage

    return Lineage(config)


def _metrics(config: CascadeConfig) -> Receiver:
    from cascade.operations.otlp import Metrics

    return Metrics(config)


def _of_extra(setting: str, build: Callable[[CascadeConfig], Receiver], config: CascadeConfig) -> Iterator[Receiver]:
    """Yield a receiver that needs a package, or warn if that is not installed."""
    try:
        yield build(config)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "cascade":
            raise
        hint = "pip install 'cascade-workflows[telemetry]'"
        say_on_stderr("warning", f"{setting} needs a package that is not installed. Type: {hint}", "yellow")
