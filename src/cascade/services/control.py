"""Start, stop and watch the servers of a stack."""

from __future__ import annotations

import fcntl
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cascade.exceptions import CascadeError
from cascade.processes.ports import described_owner
from cascade.program import typed
from cascade.services.running import end_process, find_process, last_lines, start_process, started
from cascade.services.service import Service
from cascade.services.stack import ADDRESS, cannot_write, is_free

State = Literal["healthy", "starting", "unhealthy", "stopped", "not installed"]

_POLL_SECONDS = 0.3
_SHOWN_LINES = 15


@dataclass(frozen=True)
class Status:
    """How a server is.

    Args:
        service: the server.
        state: its state.
        detail: why, if it is not healthy.
        hint: what to do about it.
        pid: the id of its process, if it runs.
        since: when it started, in seconds since 1970, if it runs and that is known.
    """

    service: Service
    state: State
    detail: str = ""
    hint: str = ""
    pid: int | None = None
    since: float | None = None


def status(service: Service) -> Status:
    """Return how a server is."""
    process, kept = find_process(service), started(service)
    if process is not None:
        since = kept.at if kept is not None and kept.at else None
        trouble = service.trouble()
        if trouble is None:
            return Status(service, "healthy", pid=process.pid, since=since)
        is_new = since is not None and time.time() - since < service.seconds
        return Status(service, "starting" if is_new else "unhealthy", trouble, pid=process.pid, since=since)
    missing = service.missing
    if missing is not None:
        return Status(service, "not installed", missing.what, missing.how)
    return Status(service, "stopped", "" if kept is None else "It was not stopped, but ended.")


@contextmanager
def exclusive(directory: Path, waits: Callable[[], None]) -> Iterator[None]:
    """Let one process at a time change the servers of a stack. A kill of the process lets the next one go on.

    Args:
        directory: the directory of the stack.
        waits: called if another process is at it.

    Raises:
        CascadeError: the directory cannot be written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        opened = os.open(directory / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise cannot_write(directory, error) from error
    with open(opened, "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waits()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def start(services: Sequence[Service], tells: Callable[[Status], None]) -> list[Status]:
    """Start servers, all at once, and wait until each is healthy. One that fails does not stop the others.

    Args:
        services: the servers. Those that run are left alone.
        tells: called with the state of each server as soon as it is known.

    Returns:
        The state of each server.
    """
    begun: dict[str, subprocess.Popen[bytes] | None] = {}
    known: dict[str, Status] = {}

    def settle(found: Status) -> None:
        known[found.service.name] = found
        tells(found)

    for service in services:
        try:
            if find_process(service) is not None:
                begun[service.name] = None
            elif (missing := service.missing) is not None:
                settle(Status(service, "not installed", missing.what, missing.how))
            else:
                _require_free_ports(service)
                begun[service.name] = start_process(service)
        except (CascadeError, OSError, subprocess.SubprocessError) as error:
            settle(_failed(service, error))
    beginning = time.monotonic()
    while waiting := [service for service in services if service.name not in known]:
        for service in waiting:
            found = _looked_at(service, begun[service.name], beginning + service.seconds)
            if found is not None:
                settle(found)
        if len(known) < len(services):
            time.sleep(_POLL_SECONDS)
    return [known[service.name] for service in services]


def _looked_at(service: Service, process: subprocess.Popen[bytes] | None, deadline: float) -> Status | None:
    """Return the state of a server that was started, or None if it is still starting."""
    ended = find_process(service) is None if process is None else process.poll() is not None
    if ended:
        how = "It ended" if process is None else f"It ended with exit code {process.returncode}"
        return Status(service, "stopped", "\n".join((f"{how}. Its last lines:", *last_lines(service, _SHOWN_LINES))))
    trouble = service.trouble()
    if trouble is None:
        try:
            service.complete()
        except (CascadeError, OSError, subprocess.SubprocessError) as error:
            return _failed(service, error)
        return status(service)
    if time.monotonic() < deadline:
        return None
    found = status(service)
    detail = f"Not healthy after {service.seconds:.0f} seconds: {trouble}"
    return Status(service, "unhealthy", detail, pid=found.pid, since=found.since)


def _failed(service: Service, error: Exception) -> Status:
    process = find_process(service)
    detail, hint = (error.message, error.hint or "") if isinstance(error, CascadeError) else (str(error), "")
    return Status(
        service, "stopped" if process is None else "unhealthy", detail, hint, process.pid if process else None
    )


def _require_free_ports(service: Service) -> None:
    for port in service.ports:
        if not is_free(port):
            raise CascadeError(
                f"Its port {port} on {ADDRESS} is taken by {described_owner(port)}.",
                hint="Stop that, or choose other ports for all servers:\n"
                f"  {typed('services stop')}\n  {typed('services init --new-ports')}",
            )


def stop(services: Sequence[Service], tells: Callable[[Service, bool], None]) -> None:
    """Stop servers, those that use others first.

    Args:
        services: the servers, in the order of their start.
        tells: called with each server that has stopped, and whether it ran.

    Raises:
        CascadeError: some could not be stopped. The others are.
    """
    problems = []
    for service in reversed(services):
        try:
            tells(service, end_process(service))
        except CascadeError as error:
            problems.append(error.message)
    if problems:
        raise CascadeError("\n".join(problems))
