"""A run whose process is gone does not stay in progress."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import dagster as dg
import pytest
from dagster._core.storage.tags import TagType, get_tag_type

from cascade.framework.stale import end_stale_runs, process_tags


@pytest.fixture
def instance() -> dg.DagsterInstance:
    return dg.DagsterInstance.ephemeral()


def started(
    instance: dg.DagsterInstance, tags: dict[str, str], status: dg.DagsterRunStatus = dg.DagsterRunStatus.STARTED
) -> str:
    return instance.add_run(dg.DagsterRun(job_name="job", tags=tags, status=status)).run_id


def status(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status


def test_a_run_of_this_process_stays_and_one_of_a_dead_process_fails(instance: dg.DagsterInstance) -> None:
    alive = started(instance, process_tags())
    host = socket.gethostname()
    host_tag, process_tag = process_tags()
    recycled = started(instance, {host_tag: host, process_tag: f"{os.getpid()} 1.0"})
    elsewhere = started(instance, {host_tag: "another", process_tag: "1 1.0"})
    foreign = started(instance, {})
    killed_early = started(
        instance, {host_tag: host, process_tag: f"{os.getpid()} 1.0"}, dg.DagsterRunStatus.NOT_STARTED
    )
    waiting = started(instance, {}, dg.DagsterRunStatus.NOT_STARTED)

    assert sorted(end_stale_runs(instance)) == sorted([recycled, killed_early])
    for run_id in (recycled, killed_early):
        assert status(instance, run_id) == dg.DagsterRunStatus.FAILURE
    assert status(instance, waiting) == dg.DagsterRunStatus.NOT_STARTED
    assert {status(instance, run_id) for run_id in (alive, elsewhere, foreign)} == {dg.DagsterRunStatus.STARTED}


def test_the_ui_does_not_show_the_tags() -> None:
    types = {get_tag_type(tag) for tag in process_tags()}  # type: ignore[no-untyped-call]
    assert types == {TagType.HIDDEN}


@pytest.fixture
def short_directory() -> Iterator[Path]:
    """Make a directory for sockets, whose paths are limited to about a hundred bytes."""
    with TemporaryDirectory(dir="/tmp") as directory:
        yield Path(directory)


def test_a_run_of_a_code_server_fails_when_its_socket_is_gone(
    instance: dg.DagsterInstance, short_directory: Path
) -> None:
    path = short_directory / "0.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        info = json.dumps({"host": "localhost", "socket": str(path)})
        run_id = started(instance, {".dagster/grpc_info": info})
        remote = started(instance, {".dagster/grpc_info": json.dumps({"host": "10.0.0.7", "port": 4000})})
        assert end_stale_runs(instance) == []
    assert end_stale_runs(instance) == [run_id]
    assert status(instance, remote) == dg.DagsterRunStatus.STARTED
