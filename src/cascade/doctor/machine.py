"""The machine: its Python, its disk, its clock, its ports."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from cascade.doctor.finding import Finding, nearest_existing
from cascade.exceptions import CascadeError

SUPPORTED_PYTHON = ">=3.11,<3.14"

_GIBIBYTE = 1024**3
_ENOUGH_BYTES, _TOO_FEW_BYTES = 2 * _GIBIBYTE, _GIBIBYTE // 4


def check_python(version: str, supported: str = SUPPORTED_PYTHON) -> Finding:
    """Compares the version of Python with those that Cascade is tested on.

    Args:
        version: such as `3.11.9`.
        supported: the range, as `Requires-Python` has it.
    """
    from packaging.specifiers import SpecifierSet

    if SpecifierSet(supported).contains(version, prereleases=True):
        return Finding("Python", "ok", f"{version}, which is in {supported}")
    return Finding(
        "Python",
        "problem",
        f"{version}, which is not in {supported}",
        "Make an environment with another one, for example: uv venv --python 3.12",
    )


def check_clock(now: datetime, installed: datetime) -> Finding:
    """Tells whether the clock can be right: it is not, if it shows a time before Cascade was installed.

    Args:
        now: what the clock shows.
        installed: when the files of Cascade were written.
    """
    shown = f"{now.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    if now >= installed - timedelta(days=1):
        return Finding("clock", "ok", shown)
    return Finding(
        "clock",
        "problem",
        f"{shown}, which is before Cascade was installed, on {installed:%Y-%m-%d}: partitions would be wrong",
        "Set the clock: sudo timedatectl set-ntp true",
    )


def check_time_zones(load: Callable[[str], object] = ZoneInfo) -> Finding:
    """Tells whether the rules of time zones are there, by which partitions begin and schedules tick.

    Args:
        load: gives the rules of a zone by its IANA name.
    """
    try:
        load("America/New_York")
    except Exception:
        detail = "the system has no rules for America/New_York"
        return Finding("time zones", "problem", detail, "Type: pip install tzdata")
    return Finding("time zones", "ok", "the rules of time zones are there")


def check_disk(path: Path, free: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free) -> Finding:
    """Looks at the free space where the project's state is.

    Args:
        path: the directory of the state, which need not be there yet.
        free: gives the number of free bytes on the disk of a directory.
    """
    place = nearest_existing(path)
    left = free(place)
    detail = f"{left / _GIBIBYTE:.1f} GiB free at {place}"
    if left >= _ENOUGH_BYTES:
        return Finding("disk", "ok", detail)
    hint = "Make room, or put the warehouse elsewhere: CASCADE_ICEBERG_WAREHOUSE"
    return Finding("disk", "problem" if left < _TOO_FEW_BYTES else "warning", detail, hint)


def check_port(host: str, port: int, program: str, require_free: Callable[[str, int, str], None]) -> Finding:
    """Tells whether the port of `cascade dev` is free.

    Args:
        host: the address.
        port: the port.
        program: how the command line was called.
        require_free: raises a `CascadeError` that says whose it is, given the address, the port and a command.
    """
    name = f"port {port}"
    try:
        require_free(host, port, f"{program} dev")
    except CascadeError as error:
        return Finding(name, "warning", error.message, error.hint)
    return Finding(name, "ok", f"free on {host}, for {program} dev")


def installed_at(file: str) -> datetime:
    """Gives the time at which a file was written."""
    return datetime.fromtimestamp(os.stat(file).st_mtime, UTC)
