"""A command that starts warm does what it does when it starts anew."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from docs import warm

COMMAND = """
import os, sys
print(sys.argv[1:], os.getcwd(), os.environ.get("MARK"), os.environ.get("SERVER"), sys.stdin.read(), sys.path[0])
print("an error", file=sys.stderr)
sys.exit(3)
"""


def test_a_warm_command_has_the_arguments_directory_variables_and_streams_of_its_caller(tmp_path: Path) -> None:
    command, directory = tmp_path / "command", tmp_path / "elsewhere"
    command.write_text(COMMAND)
    directory.mkdir()
    start = [sys.executable, warm.__file__, "serve", "socket", str(command), "not_installed_anywhere"]
    server = subprocess.Popen(
        start, cwd=tmp_path, env={"SERVER": "its own"}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    assert server.stdout.readline() == "ready\n"
    for text in ("one", "two"):
        done = subprocess.run(
            [sys.executable, "-I", "-S", warm.__file__, "call", str(tmp_path / "socket"), "--word", text],
            cwd=directory,
            env={"MARK": text},
            input=f"read {text}",
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout == f"{['--word', text]} {directory} {text} None read {text} {tmp_path}\n"
        assert (done.returncode, done.stderr) == (3, "an error\n")
    # The server ends with its input.
    server.communicate(timeout=60)
    assert server.returncode == 0
