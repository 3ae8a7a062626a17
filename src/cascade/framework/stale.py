"""Runs whose process is gone.

To Dagster, a killed run stays "in progress" and keeps its table's pool, so that every later run of the table waits for
it. The next command that starts reports such a run as failed.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import dagster as dg

# Dagster's UI hides tags with this prefix.
_HOST_TAG = ".dagster/cascade_host"
_PROCESS_TAG = ".dagster/cascade_process"
_GRPC_TAG = ".dagster/grpc_info"
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


def process_tags() -> dict[str, str]:
    """Return the tags that identify a run's process: its host, its id, and its start time."""
    import psutil

    return {_HOST_TAG: socket.gethostname(), _PROCESS_TAG: f"{os.getpid()} {psutil.Process().create_time()}"}


def end_stale_runs(instance: dg.DagsterInstance) -> list[str]:
    """Report runs as failed if no process works on them any more.

    Only runs of this machine are considered: those of the command line, and of a code server on a local socket or port.

    Args:
        instance: the project's Dagster instance.

    Returns:
        The ids of the runs that were reported.
    """
    import dagster as dg

    status = dg.DagsterRunStatus
    unfinished = dg.RunsFilter(statuses=[status.NOT_STARTED, status.STARTING, status.STARTED, status.CANCELING])
    stale = [run for run in instance.get_runs(unfinished) if _is_dead(run.tags)]
    for run in stale:
        instance.report_run_failed(run, "The process of this run ended without reporting. Run it again.")
    return [run.run_id for run in stale]


def _is_dead(tags: Any) -> bool:
    if _PROCESS_TAG in tags:
        return tags.get(_HOST_TAG) == socket.gethostname() and not _process_lives(tags[_PROCESS_TAG])
    if _GRPC_TAG in tags:
        return not _server_lives(json.loads(tags[_GRPC_TAG]))
    return False


def _process_lives(text: str) -> bool:
    import psutil

    pid, _, started = text.partition(" ")
    try:
        # A later process may have the same id.
        return bool(abs(psutil.Process(int(pid)).create_time() - float(started)) < 1)
    except (psutil.NoSuchProcess, ValueError):
        return False
    except psutil.AccessDenied:
        return True


def _server_lives(server: Any) -> bool:
    path, port = server.get("socket"), server.get("port")
    if path is None and server.get("host") not in _LOCAL:
        # A server on another machine may be alive.
        return True
    family, address = (socket.AF_UNIX, path) if path is not None else (socket.AF_INET, ("127.0.0.1", port))
    with socket.socket(family) as probe:
        probe.settimeout(2)
        try:
            probe.connect(address)
        except OSError:
            return False
    return True


def main() -> None:
    """End the stale runs of the project. `dev` runs this in a separate process, so as not to import Dagster itself."""
    from cascade.config import CascadeConfig
    from cascade.framework.instance import open_instance

    with open_instance(CascadeConfig.from_user_config()) as instance:
        for run_id in end_stale_runs(instance):
            print(f"warning: the run {run_id} was interrupted and is now marked as failed.", file=sys.stderr)


if __name__ == "__main__":
    main()
