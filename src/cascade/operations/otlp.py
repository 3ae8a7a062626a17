"""Push the numbers of each run as metrics, by OTLP over HTTP.

A process that runs one partition is gone before anybody can ask it for its metrics, so it sends them when it knows
them. They are gauges, since a process that starts anew for each run has nothing to count up from.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from cascade.config.operations import headers_of, with_path
from cascade.operations.sending import Sender, post
from cascade.runs.report import RunReport
from cascade.version import __version__

if TYPE_CHECKING:
    import dagster as dg

    from cascade.config import CascadeConfig

_PATH = "/v1/metrics"
_ENDED = {"PIPELINE_SUCCESS": 1, "PIPELINE_FAILURE": 0}


class Metrics:
    """Pushes metrics.

    Args:
        config: the settings.
    """

    def __init__(self, config: CascadeConfig) -> None:
        assert config.otlp_endpoint is not None
        self._url = with_path(config.otlp_endpoint, _PATH)
        given = config.otlp_headers
        headers = headers_of(given.get_secret_value()) if given is not None else {}
        self._headers = {**headers, "Content-Type": "application/x-protobuf"}
        self._sender = Sender("The server of OTLP", (self._url, *headers.values()))
        self._project = config.project_name

    def receive(self, entry: Any, instance: dg.DagsterInstance) -> None:
        """Push what an event says in numbers.

        Args:
            entry: Dagster's `EventLogEntry`.
            instance: where it was recorded.
        """
        found = list(_numbers(entry, instance))
        if found:
            body = _request(self._project, entry.timestamp, found).SerializeToString()
            self._sender.send(lambda: post(self._url, body=body, headers=self._headers))


Number = tuple[str, str, str, float, dict[str, str]]
"""A metric's name, unit and description, its value and its attributes."""


def _numbers(entry: Any, instance: dg.DagsterInstance) -> Iterator[Number]:
    kind = entry.dagster_event.event_type_value
    if kind == "ASSET_MATERIALIZATION":
        made = entry.dagster_event.step_materialization_data.materialization
        yield from _of_materialization(made, entry.timestamp)
    elif kind in _ENDED and (run := instance.get_run_by_id(entry.run_id)) is not None:
        for key in run.asset_selection or ():
            what = "Whether the last run of the asset succeeded: 1 or 0."
            yield "cascade.run.success", "1", what, _ENDED[kind], {"asset": key.to_user_string()}


def _of_materialization(made: dg.AssetMaterialization, timestamp: float) -> Iterator[Number]:
    asset = {"asset": made.asset_key.to_user_string()}
    what = "When the asset was last materialized, in seconds since 1970."
    yield "cascade.asset.materialized", "s", what, timestamp, asset
    report = RunReport.from_metadata(made.metadata)
    if report is None:
        rows = getattr(made.metadata.get("dagster/row_count"), "value", None)
        if rows is not None:
            yield "cascade.table.rows", "{row}", "Rows of the table.", rows, asset
        return
    about = {**asset, "table": report.table}
    for name, count in report.counts.items():
        kind = {**about, "kind": name.removeprefix("rows_")}
        yield "cascade.run.rows", "{row}", "Rows of the last run, by what became of them.", count, kind
    yield "cascade.run.duration", "s", "How long the last run took.", report.seconds, about
    yield "cascade.table.rows", "{row}", "Rows of the table.", report.table_rows, about
    if report.table_bytes is not None:
        yield "cascade.table.size", "By", "Size of the files of the table.", report.table_bytes, about
    if report.table_snapshots is not None:
        yield "cascade.table.snapshots", "{snapshot}", "Snapshots that the table keeps.", report.table_snapshots, about


def _request(project: str, timestamp: float, numbers: list[Number]) -> ExportMetricsServiceRequest:
    request = ExportMetricsServiceRequest()
    resource = request.resource_metrics.add()
    for name, value in (("service.name", project), ("service.namespace", "cascade")):
        attribute = resource.resource.attributes.add(key=name)
        attribute.value.string_value = value
    scope = resource.scope_metrics.add()
    scope.scope.name, scope.scope.version = "cascade", __version__
    metrics: dict[str, Any] = {}
    for name, unit, description, number, attributes in numbers:
        if name not in metrics:
            metrics[name] = scope.metrics.add(name=name, unit=unit, description=description)
        point = metrics[name].gauge.data_points.add(time_unix_nano=int(timestamp * 1e9))
        point.as_double = float(number)
        for key, text in attributes.items():
            point.attributes.add(key=key).value.string_value = text
    return request
