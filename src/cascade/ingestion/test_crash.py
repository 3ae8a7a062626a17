from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cascade.iceberg import open_lakehouse
from cascade.iceberg.conftest import Settings
from cascade.ingestion.conftest import HOT, A, B, ran, table_rows

KILLED = """
import os, signal, sys
from pathlib import Path
from cascade.iceberg import commit, merge, open_lakehouse
from cascade.iceberg.conftest import Settings
from cascade.ingestion import dlt_helpers
from cascade.ingestion.conftest import A, B, HOT, ran

def kill(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

def after(function, table=None):
    def call(*args, **kwargs):
        result = function(*args, **kwargs)
        if table is None or args[0].name()[-1] == table:
            kill()
        return result
    return call

point = sys.argv[2]
if point == "plan":
    merge.MergePlanner.plan = kill
elif point == "write":
    merge.MergePlanner.write = after(merge.MergePlanner.write)
elif point == "commit":
    commit._without_retries = after(commit._without_retries, "readings")
elif point == "quarantined":
    commit.try_commit = after(commit.try_commit, "readings__quarantine")
elif point == "committed":
    commit.try_commit = after(commit.try_commit, "readings")
elif point == "state":
    dlt_helpers.DltSession.keep = kill
ran(open_lakehouse(Settings(Path(sys.argv[1]))), {**A, "celsius": 2.0}, B, HOT)
"""


@pytest.mark.parametrize("point", ["quarantined", "plan", "write", "commit", "committed", "state"])
def test_g2_a_killed_run_leaves_readers_on_a_whole_snapshot_and_converges(tmp_path: Path, point: str) -> None:
    lakehouse = open_lakehouse(Settings(tmp_path))
    ran(lakehouse, A)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), point], env=environment, timeout=120)
    assert killed.returncode == -signal.SIGKILL
    landed = point in ("committed", "state")
    found = [(row["station"], row["celsius"]) for row in table_rows(lakehouse)]
    assert found == ([("a", 2.0), ("b", None)] if landed else [("a", 1.0)])
    for _ in range(2):
        result = ran(lakehouse, {**A, "celsius": 2.0}, B, HOT)
        assert [(row["station"], row["celsius"]) for row in table_rows(lakehouse)] == [("a", 2.0), ("b", None)]
        assert len(table_rows(lakehouse, "readings__quarantine")) == 1
    assert not result.committed
