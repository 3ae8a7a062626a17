"""The machine: its clock, its time zones, its disk and its ports."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from cascade.doctor.finding import Finding, nearest_existing
from cascade.exceptions import CascadeError

_GIBIBYTE = 1024**3
_ENOUGH_BYTES, _TOO_FEW_BYTES = 2 * _GIBIBYTE, _GIBIBYTE // 4


def check_clock(now: datetime, installed: datetime) -> Finding:
    """Check that the clock does not show a time before Cascade was installed.

    Args:
        now: the time on the clock.
        installed: the time at which Cascade's files were written.
    """
    shown = f"{now.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    if now >= installed - timedelta(days=1):
        return Finding("clock", "ok", shown)
    return Finding(
        "clock",
        "problem",
        f"{shown}, which is before Cascade was installed on {installed:%Y-%m-%d}. Partitions would be wrong",
        "Set the clock: sudo timedatectl set-ntp true",
    )


def check_time_zones(load: Callable[[str], object] = ZoneInfo) -> Finding:
    """Check that time zone data is installed. Partitions and schedules need it.

    Args:
        load: returns the data of a zone by its IANA name.
    """
    try:
        load("America/New_York")
    except Exception:
        detail = "the system has no data for America/New_York"
        return Finding("time zones", "problem", detail, "Type: pip install tzdata")
    return Finding("time zones", "ok", "the data is installed")


def check_disk(path: Path, free: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free) -> Finding:
    """Check the free space for the project's state.

    Args:
        path: the directory of the state, which may not exist yet.
        free: returns the number of free bytes on the disk of a directory.
    """
    place = nearest_existing(path)
    left = free(place)
    detail = f"{left / _GIBIBYTE:.1f} GiB free at {place}"
    if left >= _ENOUGH_BYTES:
        return Finding("disk", "ok", detail)
    hint = "Free some space, or put the warehouse elsewhere: CASCADE_ICEBERG_WAREHOUSE"
    return Finding("disk", "problem" if left < _TOO_FEW_BYTES else "warning", detail, hint)


def check_port(host: str, port: int, program: str, require_free: Callable[[str, int, str], None]) -> Finding:
    """Check that the port of `cascade dev` is free.

    Args:
        host: the address.
        port: the port.
        program: the command that the user types.
        require_free: raises a `CascadeError` if a port is taken. Called with the address, the port and the command
            that needs it.
    """
    name = f"port {port}"
    try:
        require_free(host, port, f"{program} dev")
    except CascadeError as error:
        return Finding(name, "warning", error.message, error.hint)
    return Finding(name, "ok", f"free on {host} for {program} dev")


def installed_at(file: str) -> datetime:
    """Return the time at which a file was written."""
    return datetime.fromtimestamp(os.stat(file).st_mtime, UTC)
