"""The state of a project as metrics in the text format of Prometheus.

Runs are too short to be asked for their metrics. These come from what runs leave behind: the tables, and Dagster's
record of the runs.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from cascade.runs.report import RunReport

if TYPE_CHECKING:
    import dagster as dg

    from cascade.framework.partition_states import PartitionStates
    from cascade.iceberg.overview import TableOverview

_KEPT_SECONDS = 10.0


@dataclass(frozen=True)
class ProjectState:
    """What the metrics are made of.

    Args:
        states: the workflows.
        tables: their tables, by full name.
        reports: the reports of the last runs, by the keys of the assets.
    """

    states: Sequence[PartitionStates]
    tables: Mapping[str, TableOverview]
    reports: Mapping[str, RunReport]


def last_reports(instance: dg.DagsterInstance, assets: Iterable[str]) -> dict[str, RunReport]:
    """Return the report of the last run of each asset that has one.

    Args:
        instance: the project's Dagster instance.
        assets: keys of the assets, as text.
    """
    import dagster as dg

    found = {}
    for asset in assets:
        event = instance.get_latest_materialization_event(dg.AssetKey.from_user_string(asset))
        made = None if event is None else event.asset_materialization
        report = None if made is None else RunReport.from_metadata(made.metadata)
        if report is not None:
            found[asset] = report
    return found


class ProjectCollector(Collector):
    """Collects the metrics of a project, at most every ten seconds, however often it is asked.

    Args:
        read: reads the state of the project.
        failed: takes the error if that cannot be read, and the metrics say so; None to raise it.
    """

    def __init__(self, read: Callable[[], ProjectState], failed: Callable[[Exception], None] | None = None) -> None:
        self._read = read
        self._failed = failed
        # Two that ask at the same time read once.
        self._lock = threading.Lock()
        self._families: list[GaugeMetricFamily] = []
        self._until = 0.0

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the metrics."""
        with self._lock:
            if time.monotonic() > self._until:
                self._families = self._collected()
                self._until = time.monotonic() + _KEPT_SECONDS
            yield from self._families

    def _collected(self) -> list[GaugeMetricFamily]:
        up = GaugeMetricFamily("cascade_up", "Whether the state of the project can be read.")
        try:
            found = list(_families(self._read()))
        except Exception as error:
            if self._failed is None:
                raise
            self._failed(error)
            up.add_metric((), 0)
            return [up]
        up.add_metric((), 1)
        return [up, *found]

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Yield nothing: what there is to tell is known when it is read."""
        return iter(())


def registry_of(
    read: Callable[[], ProjectState], failed: Callable[[Exception], None] | None = None
) -> CollectorRegistry:
    """Return a registry with the metrics of a project alone.

    Args:
        read: reads the state of the project.
        failed: takes the error if that cannot be read; None to raise it.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(ProjectCollector(read, failed))
    return registry


def metrics_text(read: Callable[[], ProjectState]) -> str:
    """Return the metrics of a project as text.

    Args:
        read: reads the state of the project.
    """
    return generate_latest(registry_of(read)).decode()


def _families(project: ProjectState) -> Iterator[GaugeMetricFamily]:
    now = datetime.now(UTC)
    for name, text, values in _PER_ASSET:
        family = GaugeMetricFamily(f"cascade_{name}", text, labels=("asset", "table"))
        for state in project.states:
            table = state.declaration.table_ref.full_name
            value = values(state, project.tables.get(table), project.reports.get(state.asset), now)
            if value is not None:
                family.add_metric((state.asset, table), float(value))
        yield family
    partitions = GaugeMetricFamily("cascade_partitions", "Partitions by their state.", labels=("asset", "state"))
    rows = GaugeMetricFamily("cascade_last_run_rows", "Rows of the last run that succeeded.", labels=("asset", "kind"))
    for state in project.states:
        for name in ("published", "missing", "failed", "running", "stale"):
            partitions.add_metric((state.asset, name), len(getattr(state, name)))
        if (report := project.reports.get(state.asset)) is not None:
            for name, count in report.counts.items():
                rows.add_metric((state.asset, name.removeprefix("rows_")), count)
    yield partitions
    yield rows


def _age(state: PartitionStates, now: datetime) -> float | None:
    newest = state.history.materialized_at or state.written_at
    return None if newest is None else (now - newest).total_seconds()


def _limit(state: PartitionStates) -> float | None:
    hours = state.declaration.freshness_hours
    return None if hours is None else hours[1] * 3600


def _success(state: PartitionStates) -> float | None:
    run = state.history.last_run
    return {"SUCCESS": 1.0, "FAILURE": 0.0, "CANCELED": 0.0}.get(run.status) if run is not None else None


_Value = Callable[[Any, Any, Any, datetime], float | int | None]

_PER_ASSET: tuple[tuple[str, str, _Value], ...] = (
    ("table_rows", "Rows of the table.", lambda state, table, report, now: state.rows),
    ("table_bytes", "Size of the files of the table.", lambda state, table, report, now: table and table.size),
    ("table_snapshots", "Snapshots of the table.", lambda state, table, report, now: table and table.snapshots),
    ("quarantine_rows", "Rows in the quarantine of the table.", lambda state, table, report, now: state.refused),
    (
        "freshness_seconds",
        "Time since the last run that succeeded.",
        lambda state, table, report, now: _age(state, now),
    ),
    ("freshness_limit_seconds", "The limit of freshness_hours.", lambda state, table, report, now: _limit(state)),
    ("last_run_success", "Whether the last run succeeded.", lambda state, table, report, now: _success(state)),
    (
        "last_run_seconds",
        "Duration of the last run that succeeded.",
        lambda state, table, report, now: report and report.seconds,
    ),
    ("table_readable", "Whether the table can be read.", lambda state, table, report, now: 0 if state.problem else 1),
)
