from __future__ import annotations

import socket
import urllib.request

import pytest

from cascade.cli.conftest import Cascade
from cascade.framework.conftest import THINGS, SampleProject

parser = pytest.importorskip("prometheus_client.parser")


def numbers(text: str) -> dict[str, float]:
    found = {}
    for family in parser.text_string_to_metric_families(text):
        for sample in family.samples:
            labels = {name: value for name, value in sample.labels.items() if name not in ("asset", "table")}
            found[" ".join((sample.name, *labels.values()))] = sample.value
    return found


@pytest.fixture
def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def ran(project: SampleProject, cascade: Cascade) -> None:
    project.write("things.py", THINGS.replace('group="g",', 'group="g", freshness_hours=(24, 48),'))
    cascade("materialize", "things", "--partition-range", "2024-01-03...2024-01-04")


@pytest.mark.usefixtures("ran")
def test_metrics_tell_the_state_of_tables_and_runs(cascade: Cascade) -> None:
    result = cascade("metrics")
    assert result.exit_code == 0, result.output
    assert "# HELP cascade_table_rows Rows of the table.\n" in result.stdout
    assert 'cascade_table_rows{asset="things",table="raw.things"} 1.0\n' in result.stdout
    found = numbers(result.stdout)
    assert found["cascade_table_bytes"] > 0 and found["cascade_table_snapshots"] == 1
    assert (found["cascade_quarantine_rows"], found["cascade_table_readable"]) == (1, 1)
    assert 0 < found["cascade_freshness_seconds"] < 600 and found["cascade_freshness_limit_seconds"] == 48 * 3600
    assert (found["cascade_last_run_success"], found["cascade_last_run_rows in"]) == (1, 2)
    assert found["cascade_last_run_seconds"] > 0
    assert (found["cascade_partitions published"], found["cascade_partitions failed"]) == (1, 1)
    assert found["cascade_partitions missing"] == 4


def test_a_project_that_never_ran_has_metrics(project: SampleProject, cascade: Cascade) -> None:
    project.write("things.py", THINGS)
    found = numbers(cascade("metrics").stdout)
    assert found["cascade_partitions missing"] == 5 and "cascade_table_bytes" not in found


@pytest.mark.usefixtures("ran")
def test_metrics_are_served_on_loopback(cascade: Cascade, monkeypatch: pytest.MonkeyPatch, unused_port: int) -> None:
    asked: list[str] = []

    def ask_and_stop(_: float) -> None:
        with urllib.request.urlopen(f"http://127.0.0.1:{unused_port}/metrics") as answer:
            asked.append(answer.read().decode())
        raise KeyboardInterrupt

    monkeypatch.setattr("cascade.cli.metrics.time.sleep", ask_and_stop)
    result = cascade("metrics", "--port", str(unused_port))
    assert f"at http://127.0.0.1:{unused_port}/metrics" in result.stdout
    assert numbers(asked[0])["cascade_table_rows"] == 1


def test_a_lakehouse_that_cannot_be_read_is_a_metric() -> None:
    from prometheus_client import generate_latest

    from cascade.operations.prometheus import ProjectState, registry_of

    def read() -> ProjectState:
        raise OSError("the catalog is gone")

    told: list[Exception] = []
    assert b"cascade_up 0.0" in generate_latest(registry_of(read, told.append))
    assert len(told) == 1
