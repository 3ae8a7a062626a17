from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from cascade.processes.children import child_environment
from cascade.processes.readiness import accepts_connections_at

PROGRAM = """
import os, sys
from cascade.processes.readiness import accepts_connections_at, tell_when_ready
tell_when_ready(lambda: accepts_connections_at(sys.argv[1], int(sys.argv[2])), "ready")
os.execv("/bin/sh", ["/bin/sh", "-c", sys.argv[3]])
"""


def run(port: int, script: str) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", PROGRAM, "0.0.0.0", str(port), script]
    return subprocess.Popen(words, env=child_environment(), stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_the_line_is_written_when_the_server_answers_and_no_child_is_left() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, run(server.getsockname()[1], "read x") as process:
        assert process.stdin is not None and process.stderr is not None
        assert process.stderr.readline() == "ready\n"
        if os.path.isdir("/proc"):
            children = f"/proc/{process.pid}/task/{process.pid}/children"
            assert Path(children).read_text() == ""
        process.stdin.close()
        assert process.stderr.read() == ""


def test_nothing_is_written_and_left_behind_if_the_server_ends_first() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        begin = time.monotonic()
        assert not accepts_connections_at("127.0.0.1", port)
        with run(port, "exit 3") as process:
            # It would keep standard error open.
            assert process.stderr is not None and process.stderr.read() == ""
        assert process.returncode == 3
        assert time.monotonic() - begin < 60
