"""A Dagster instance that shows its new events to the receivers of the settings.

`dagster.yaml` names this class where the settings have a receiver. Whatever starts a run, the process that records an
event sees it here, and each event is recorded once: so nothing is sent twice, and runs of the command line, of
backfills and of the daemon are alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dagster import DagsterInstance
from dagster._core.instance.ref import InstanceRef

from cascade.operations.observer import observe


class ObservedInstance(DagsterInstance):
    """A Dagster instance that shows its new events to the receivers of the settings."""

    @classmethod
    def config_schema(cls) -> Mapping[str, Any]:
        """Return the keys of `dagster.yaml` that only this class knows: none."""
        return {}

    @classmethod
    def config_defaults(cls, base_dir: str) -> Mapping[str, Any]:
        """Return the storages and launchers that Dagster uses by default."""
        return InstanceRef.config_defaults(base_dir)

    def handle_new_event(self, event: Any, **options: Any) -> None:
        """Record an event, then show it to the receivers.

        Args:
            event: the entry of the log.
            options: what Dagster says of a batch of entries.
        """
        super().handle_new_event(event, **options)
        observe(event, self)
