from __future__ import annotations

import signal
import tempfile
from pathlib import Path

import pytest

from cascade.fault_points import FaultPoint, SimulatedCrash, fault_point_armed
from cascade.iceberg import open_lakehouse
from cascade.iceberg.conftest import Settings
from cascade.ingestion.conftest import HOT, A, B, ran, table_rows
from cascade.scaffold.conftest import python

RUN = """
import os, sys
from pathlib import Path
from cascade.fault_points import arm_from
from cascade.iceberg import open_lakehouse
from cascade.iceberg.conftest import Settings
from cascade.ingestion.conftest import A, B, HOT, ran

arm_from(os.environ)
ran(open_lakehouse(Settings(Path(sys.argv[1]))), {**A, "celsius": 2.0}, B, HOT)
"""
TABLE, QUARANTINE = "raw.readings", "raw.readings__quarantine"
KILLED_AT = [
    (FaultPoint.EXTRACT, TABLE),
    (FaultPoint.NORMALISE, TABLE),
    *((point, QUARANTINE) for point in (FaultPoint.WRITE, FaultPoint.COMMIT, FaultPoint.PUBLISH)),
    *((point, TABLE) for point in (FaultPoint.WRITE, FaultPoint.COMMIT, FaultPoint.PUBLISH, FaultPoint.STATE)),
]
LANDED = [(FaultPoint.PUBLISH, TABLE), (FaultPoint.STATE, TABLE)]


def test_every_point_is_armed() -> None:
    assert {point for point, _ in KILLED_AT} == {point for point in FaultPoint if point.is_of_every_run}


@pytest.mark.parametrize(("point", "table"), KILLED_AT, ids=lambda value: getattr(value, "value", value))
def test_g2_a_killed_run_leaves_readers_on_a_whole_snapshot_and_converges(
    tmp_path: Path, point: FaultPoint, table: str
) -> None:
    lakehouse = open_lakehouse(Settings(tmp_path))
    ran(lakehouse, A)
    (tmp_path / "staged").mkdir()
    staged = str(tmp_path / "staged")
    killed = python(tmp_path, "-c", RUN, str(tmp_path), TMPDIR=staged, **point.environment(table))
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert list((tmp_path / "staged").iterdir()) == [], "staged rows are left on the disk"
    found = [(row["station"], row["celsius"]) for row in table_rows(lakehouse)]
    assert found == ([("a", 2.0), ("b", None)] if (point, table) in LANDED else [("a", 1.0)])
    for _ in range(2):
        result = ran(lakehouse, {**A, "celsius": 2.0}, B, HOT)
        assert [(row["station"], row["celsius"]) for row in table_rows(lakehouse)] == [("a", 2.0), ("b", None)]
        assert len(table_rows(lakehouse, "readings__quarantine")) == 1
    # G1: the second of two identical runs commits nothing.
    assert not result.committed


def test_a_crash_in_this_process_leaves_no_staged_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lakehouse = open_lakehouse(Settings(tmp_path / "lakehouse"))
    (tmp_path / "staged").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "staged"))
    with pytest.raises(SimulatedCrash), fault_point_armed(FaultPoint.COMMIT, TABLE):
        ran(lakehouse, A, HOT)
    assert table_rows(lakehouse) == []
    assert list((tmp_path / "staged").iterdir()) == []
    assert ran(lakehouse, A, HOT).rows_inserted == 1
