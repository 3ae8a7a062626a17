from __future__ import annotations

import pytest

from cascade.operations.conftest import Cascade, LoopbackServer

pytest.importorskip("opentelemetry.proto")


def test_a_run_pushes_its_numbers(
    cascade: Cascade, receiver: LoopbackServer, things: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

    monkeypatch.setenv("CASCADE_OTLP_ENDPOINT", receiver.url)
    monkeypatch.setenv("CASCADE_OTLP_HEADERS", "Authorization=Bearer hush, Tenant=data")
    cascade("materialize", "things", "--partition-range", "2024-01-03...2024-01-04")
    found: dict[str, list[float]] = {}
    labels: dict[str, str] = {}
    for path, body in receiver.bodies:
        assert path == "/v1/metrics"
        for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
            labels.update({each.key: each.value.string_value for each in resource.resource.attributes})
            for metric in resource.scope_metrics[0].metrics:
                for point in metric.gauge.data_points:
                    attributes = {each.key: each.value.string_value for each in point.attributes}
                    assert attributes["asset"] == "things"
                    name = " ".join(filter(None, (metric.name, attributes.get("kind"))))
                    found.setdefault(name, []).append(point.as_double)
    assert labels == {"service.name": "project", "service.namespace": "cascade"}
    assert found["cascade.run.success"] == [0, 1]
    assert (found["cascade.run.rows in"], found["cascade.run.rows refused"]) == ([2], [1])
    assert found["cascade.table.rows"] == [1] and found["cascade.table.snapshots"] == [1]
    assert found["cascade.table.size"][0] > 0 and found["cascade.run.duration"][0] > 0
    assert found["cascade.asset.materialized"][0] > 1.7e9
    assert (receiver.headers[0]["Authorization"], receiver.headers[0]["Tenant"]) == ("Bearer hush", "data")
