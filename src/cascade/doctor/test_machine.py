"""The checks of the machine."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfoNotFoundError

import pytest

from cascade.doctor.machine import check_clock, check_disk, check_port, check_time_zones
from cascade.processes.ports import require_free_port

GIBIBYTE = 1024**3


def test_a_clock_before_the_installation_is_a_problem() -> None:
    installed = datetime(2026, 3, 1, tzinfo=UTC)
    assert check_clock(installed + timedelta(days=400), installed).status == "ok"
    wrong = check_clock(datetime(1970, 1, 1, tzinfo=UTC), installed)
    assert wrong.status == "problem"
    assert "1970-01-01 00:00 UTC" in wrong.detail
    assert wrong.hint


def test_missing_time_zone_data_is_a_problem() -> None:
    def missing(name: str) -> object:
        raise ZoneInfoNotFoundError(name)

    assert check_time_zones().status == "ok"
    wrong = check_time_zones(missing)
    assert (wrong.status, wrong.hint) == ("problem", "Type: pip install tzdata")


@pytest.mark.parametrize(("left", "status"), [(80.0, "ok"), (1.0, "warning"), (0.1, "problem")])
def test_little_space_is_a_warning_and_almost_none_a_problem(tmp_path: Path, left: float, status: str) -> None:
    found = check_disk(tmp_path / "not" / "made", lambda path: int(left * GIBIBYTE))
    assert found.status == status
    assert found.detail == f"{left} GiB free at {tmp_path}"


def test_a_taken_port_is_a_warning_and_the_hint_names_another() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        found = check_port("127.0.0.1", port, "cascade", require_free_port)
    assert (found.check, found.status) == (f"port {port}", "warning")
    assert "is taken" in found.detail
    assert found.hint
    assert "cascade dev --port" in found.hint
    assert check_port("127.0.0.1", port, "cascade", require_free_port).status == "ok"
