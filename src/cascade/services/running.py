"""Start a server as a process that outlives its starter, find it again, and end it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cascade.config.secrets import MASK
from cascade.exceptions import CascadeError
from cascade.services.service import Service
from cascade.services.stack import private_directory, write_private

if TYPE_CHECKING:
    import psutil

LOG = "log"
"""The file with the output of a server, in its directory."""

_LARGEST_LOG = 10_000_000
_LINE_BYTES = 500
_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Started:
    """What is kept of the start of a server until it is stopped.

    Args:
        at: when it started, in seconds since 1970.
        scratch: the directory to remove when it has ended.
    """

    at: float
    scratch: Path | None


def log_file(service: Service) -> Path:
    """Return the file with the output of a server."""
    return service.stack.directory / "logs" / f"{service.name}.{LOG}"


def find_process(service: Service) -> psutil.Process | None:
    """Return the process of a server, whoever started it, or None.

    The command line of the process tells, and not a file with its number: such a file is wrong after a kill or a
    restart of the machine, and is missing if the starter was killed before it wrote the file.
    """
    import psutil

    marks = set(service.marks)
    found = {}
    for process in psutil.process_iter():
        try:
            if marks & set(process.cmdline()):
                found[process.pid] = process
        except psutil.Error:
            continue
    for process in found.values():
        try:
            if process.ppid() not in found and process.status() != psutil.STATUS_ZOMBIE:
                return process
        except psutil.Error:
            continue
    return None


def started(service: Service) -> Started | None:
    """Return what is kept of the last start; None if the server was stopped, or never started."""
    try:
        kept: Any = json.loads(_record(service).read_text("utf-8"))
        scratch = kept["scratch"]
        return Started(float(kept["at"]), Path(scratch) if scratch else None)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        # It says only since when. The process is found without it.
        return Started(0.0, None)


def start_process(service: Service) -> subprocess.Popen[bytes]:
    """Start a server.

    Args:
        service: the server. It does not run, and its ports are free.

    Returns:
        Its process, which leads its own process group and session.

    Raises:
        CascadeError: its program cannot be started.
    """
    launch = service.launch()
    log = log_file(service)
    private_directory(log.parent)
    if log.exists() and log.stat().st_size > _LARGEST_LOG:
        log.replace(log.with_suffix(".old"))
    write_private(_record(service), json.dumps({"at": time.time(), "scratch": str(launch.scratch or "")}) + "\n")
    uid, gid = launch.user or (None, None)
    with open(os.open(log, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600), "ab") as output:
        try:
            return subprocess.Popen(
                launch.argv,
                cwd="/",
                env=dict(launch.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                user=uid,
                group=gid,
                extra_groups=None if launch.user is None else [],
            )
        except OSError as error:
            raise CascadeError(f"{launch.argv[0]} cannot be started: {error.strerror or error}.") from error


def end_process(service: Service) -> bool:
    """End a server in order, or by force if that takes too long, and remove what it leaves.

    Returns:
        Whether it ran.

    Raises:
        CascadeError: it belongs to another user, or survived.
    """
    import psutil

    process = find_process(service)
    if process is not None:
        try:
            process.send_signal(service.stop_signal)
            if not _ended(process, service.grace):
                _kill(process)
            if not _ended(process, service.grace):
                raise CascadeError(f"Process {process.pid} of {service.name} does not end.")
        except psutil.NoSuchProcess:
            pass
        except (psutil.AccessDenied, PermissionError) as error:
            raise CascadeError(f"Process {process.pid} of {service.name} belongs to another user.") from error
    kept = started(service)
    if kept is not None and kept.scratch is not None:
        shutil.rmtree(kept.scratch, ignore_errors=True)
    _record(service).unlink(missing_ok=True)
    return process is not None


def last_lines(service: Service, count: int) -> list[str]:
    """Return the last lines of the output of a server, without the passwords of the stack."""
    try:
        with log_file(service).open("rb") as log:
            log.seek(0, os.SEEK_END)
            log.seek(max(0, log.tell() - _LINE_BYTES * count))
            text = log.read().decode(errors="replace")
    except FileNotFoundError:
        return []
    return masked(service, text).splitlines()[-count:] if count else []


def masked(service: Service, text: str) -> str:
    """Mask the passwords of the stack in what a server has printed."""
    for secret in service.stack.secrets.values():
        text = text.replace(secret, MASK) if secret else text
    return text


def _record(service: Service) -> Path:
    return service.stack.directory / f"{service.name}.json"


def _ended(process: psutil.Process, seconds: float) -> bool:
    import psutil

    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        # A child of this process that has ended is a zombie until someone waits for it.
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(_POLL_SECONDS)
    return False


def _kill(process: psutil.Process) -> None:
    if process.pid == os.getpgid(process.pid):
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
