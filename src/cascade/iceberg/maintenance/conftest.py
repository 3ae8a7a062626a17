from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from cascade.fault_points import FaultPoint, SimulatedCrash, fault_point_armed
from cascade.iceberg.catalog import Lakehouse, open_lakehouse
from cascade.iceberg.conftest import Settings
from cascade.iceberg.maintenance import Maintained, maintain_table, table_locations
from cascade.iceberg.snapshot.retention import Retention
from cascade.iceberg.tables import ensure_table
from cascade.iceberg.test_commit import NAME, SCHEMA

HOUR = 3600.0
DAY = 24 * HOUR
SHORT = Retention(snapshots=2, days=0, least_age=0)


@pytest.fixture
def lakehouse(tmp_path: Path) -> Lakehouse:
    """Return a lakehouse with an empty table."""
    found = short_lived(tmp_path)
    ensure_table(found, NAME, SCHEMA)
    return found


def short_lived(directory: Path) -> Lakehouse:
    """Return a lakehouse whose tables keep two snapshots."""
    return replace(open_lakehouse(Settings(directory / ".cascade")), retention=SHORT)


def maintained(lakehouse: Lakehouse, *, dry_run: bool = False, age: float = DAY) -> Maintained:
    """Maintain the table."""
    return maintain_table(lakehouse, NAME, table_locations(lakehouse), orphan_age=age, dry_run=dry_run)


def files(lakehouse: Lakehouse) -> set[Path]:
    """Return the files of all tables."""
    return {path for path in Path(lakehouse.warehouse).rglob("*") if path.is_file()}


def pass_time(lakehouse: Lakehouse, seconds: float) -> None:
    """Make every file older."""
    for path in files(lakehouse):
        written = path.stat().st_mtime - seconds
        os.utime(path, (written, written))


class MaintainedMachine(RuleBasedStateMachine):
    """A lakehouse that is maintained now and then, and sometimes not to the end."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.lakehouse = short_lived(Path(self.directory.name))

    def teardown(self) -> None:
        self.directory.cleanup()

    @rule()
    def maintain(self) -> None:
        assert maintained(self.lakehouse).problems == ()

    @rule(point=st.sampled_from([FaultPoint.WRITE, FaultPoint.COMMIT, FaultPoint.PUBLISH]))
    def kill_maintenance(self, point: FaultPoint) -> None:
        try:
            with fault_point_armed(point):
                maintained(self.lakehouse)
        except SimulatedCrash:
            return
