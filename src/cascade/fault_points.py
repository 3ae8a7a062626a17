"""Named points of a run at which a test can stop it, to show that the next run recovers (G2).

    extract     the source has returned a batch, which is not validated yet
    normalise   a batch is validated, but its rows are not staged yet
    write       the data files are written, but no snapshot refers to them yet
    commit      the manifests are written, but the commit has not been sent to the catalog
    audit       the snapshot is on its audit branch, and its checks have not run yet; only of workflows with checks
    publish     the snapshot is visible, but the run does not know it yet
    state       dlt's new state is written, but the old state still applies

The environment variable `CASCADE_FAULT_POINT` arms a point in a subprocess, which kills itself there with SIGKILL.
`fault_point_armed` arms a point in this process. A point that is not armed costs one loop over an empty list.
Standard library only.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum

from cascade.exceptions import UsageError
from cascade.spelling import did_you_mean

VARIABLE = "CASCADE_FAULT_POINT"


class FaultPoint(StrEnum):
    """A point of a run at which a test can stop it."""

    EXTRACT = "extract"
    NORMALISE = "normalise"
    WRITE = "write"
    COMMIT = "commit"
    AUDIT = "audit"
    PUBLISH = "publish"
    STATE = "state"

    @property
    def is_of_every_run(self) -> bool:
        """Whether every run reaches it; the others are reached only by runs with blocking checks."""
        return self is not FaultPoint.AUDIT

    def environment(self, table: str | None = None) -> dict[str, str]:
        """Return the environment variable that arms this point in a subprocess.

        Args:
            table: full name of the table at which the point is armed, such as `raw.flights`; any table if absent. A run
                with refused rows commits to the table's quarantine first.
        """
        return {VARIABLE: f"{self.value}:{table}" if table else self.value}


class SimulatedCrash(BaseException):
    """Stops a run at an armed point. Like SIGKILL, it cannot be caught by `except Exception`."""


_Armed = tuple[FaultPoint, "str | None", Callable[[], object]]
_armed: list[_Armed] = []


def reach(point: FaultPoint, table: str) -> None:
    """Stop the run here if a test armed this point.

    Args:
        point: the point that the run reached.
        table: full name of the table that the run writes.
    """
    for armed, wanted, stop in _armed:
        if armed is point and wanted in (None, table):
            stop()


@contextmanager
def fault_point_armed(
    point: FaultPoint, table: str | None = None, *, stop: Callable[[], object] | None = None
) -> Iterator[None]:
    """Arm a fault point in this process.

    Args:
        point: where to stop.
        table: full name of the table at which the point is armed, such as `raw.flights`; any table if absent.
        stop: called at the point. It raises `SimulatedCrash` if absent.

    Yields:
        Nothing. The point is armed inside the block.
    """

    def crash() -> None:
        raise SimulatedCrash(f"stopped at the fault point {point.value}")

    entry: _Armed = (point, table, stop or crash)
    _armed.append(entry)
    try:
        yield
    finally:
        _armed.remove(entry)


def arm_from(environment: Mapping[str, str]) -> None:
    """Arm the fault point that is set in the environment, which then kills this process.

    Args:
        environment: variables of the environment; `CASCADE_FAULT_POINT` is a point, or `point:table`.

    Raises:
        UsageError: the variable does not name a fault point.
    """
    found = fault_point_in(environment)
    if found is not None:
        _armed.append((*found, _kill))


def fault_point_in(environment: Mapping[str, str]) -> tuple[FaultPoint, str | None] | None:
    """Return the fault point that is set in the environment, and its table, without arming it.

    Args:
        environment: variables of the environment; `CASCADE_FAULT_POINT` is a point, or `point:table`.

    Raises:
        UsageError: the variable does not name a fault point.
    """
    text = environment.get(VARIABLE)
    if not text:
        return None
    name, _, table = text.partition(":")
    known = [point.value for point in FaultPoint]
    if name not in known:
        raise UsageError(
            f'{VARIABLE}: "{name}" is not a fault point.{did_you_mean(name, known)}',
            hint=f"The fault points are {', '.join(known)}.",
        )
    return FaultPoint(name), table or None


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


arm_from(os.environ)
