"""What `dev` shows and starts. `cascade/cli/test_dev.py` runs it."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from cascade.config import CascadeConfig
from cascade.exceptions import UsageError
from cascade.framework.project import Project
from cascade.processes.children import Child, Children
from cascade.processes.code_server import code_servers
from cascade.processes.dev import DevOptions, _Start, _workspace
from cascade.processes.stop_signals import StopSignals


def test_code_servers_have_their_own_sockets(tmp_path: Path) -> None:
    project = Project("mine", None)
    mine, other = code_servers(
        project, CascadeConfig(project_root=tmp_path), ['other=["other.pex"]'], tmp_path / "s", "info"
    )
    assert (mine.name, mine.own, other.name, other.own) == ("mine", True, "other", False)
    assert other.argv == ("other.pex", "code-server", "--log-level", "info", "--socket", str(tmp_path / "s/1.sock"))
    assert mine.argv[-1] == str(tmp_path / "s/0.sock")
    assert not mine.accepts


@pytest.mark.parametrize("text", ["other=python", "other", 'other={"a": 1}', "other=[1]"])
def test_the_command_of_a_code_server_is_a_list_of_words(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match="NAME=JSON_ARGV"):
        code_servers(Project("mine", None), CascadeConfig(project_root=tmp_path), [text], tmp_path, "info")


@pytest.mark.parametrize("name", ["my proj", 'it\'s "x"', "📦", "a: b#c", "{m}", "null", "new\nline", "a\x7fb"])
def test_the_workspace_names_every_project_as_its_directory(name: str) -> None:
    read = yaml.safe_load(_workspace([("/tmp/s/0.sock", name)]))
    assert read == {"load_from": [{"grpc_server": {"socket": "/tmp/s/0.sock", "location_name": name}}]}


class Importing(Children):
    """Starts processes that print a word and wait, in place of those that `dev` starts."""

    def start(self, name: str, argv: Any, **options: Any) -> Child:
        wait = "import sys, time; print('ready', file=sys.stderr, flush=True); time.sleep(60)"
        return super().start(name, [sys.executable, "-I", "-S", "-c", wait], **options)


def test_what_the_ui_prints_is_shown_until_dev_stops(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    options = DevOptions(Project("mine", None), CascadeConfig(project_root=tmp_path), "127.0.0.1", 0)
    with StopSignals() as signals, Importing(tmp_path / "scratch") as children:
        _Start(options, (), children, signals, "http://127.0.0.1:0", tmp_path).start_ui(tmp_path / "workspace.yaml")
        shown, deadline = "", time.monotonic() + 60
        while shown.count("ready") < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
            shown += capfd.readouterr().err
        children.silent = True
    assert shown.count("ready") == 2
    assert "Traceback" not in capfd.readouterr().err
