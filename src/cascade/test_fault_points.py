from __future__ import annotations

import subprocess
import sys

import pytest

from cascade import fault_points
from cascade.exceptions import UsageError
from cascade.fault_points import FaultPoint, SimulatedCrash, arm_from, fault_point_armed, reach


def test_a_point_stops_nothing_unless_it_is_armed() -> None:
    reach(FaultPoint.COMMIT, "raw.a")
    with fault_point_armed(FaultPoint.COMMIT):
        reach(FaultPoint.WRITE, "raw.a")
        with pytest.raises(SimulatedCrash, match="stopped at the fault point commit"):
            reach(FaultPoint.COMMIT, "raw.a")
    reach(FaultPoint.COMMIT, "raw.a")


def test_a_point_can_be_armed_at_one_table() -> None:
    reached: list[str] = []
    with fault_point_armed(FaultPoint.WRITE, "raw.b", stop=lambda: reached.append("b")):
        reach(FaultPoint.WRITE, "raw.a")
        reach(FaultPoint.WRITE, "raw.b")
    assert reached == ["b"]


def test_except_exception_does_not_catch_a_crash() -> None:
    with pytest.raises(SimulatedCrash), fault_point_armed(FaultPoint.STATE):
        try:
            reach(FaultPoint.STATE, "raw.a")
        except Exception:
            pytest.fail("the crash was caught")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.parametrize(("table", "killed"), [(None, True), ("raw.a", True), ("raw.b", False)])
def test_a_process_is_killed_at_the_point_in_its_environment(table: str | None, killed: bool) -> None:
    program = "from cascade.fault_points import *; reach(FaultPoint.PUBLISH, 'raw.a'); print('alive')"
    environment = {"PYTHONPATH": ":".join(filter(None, sys.path)), **FaultPoint.PUBLISH.environment(table)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == ((-9, "") if killed else (0, "alive\n"))


def test_an_unknown_point_is_an_error_that_suggests_the_right_one() -> None:
    with pytest.raises(UsageError, match=r'"comit" is not a fault point. Did you mean "commit"') as caught:
        arm_from({fault_points.VARIABLE: "comit:raw.a"})
    assert "extract, normalise, write, commit, audit, publish, state" in str(caught.value)
