"""The command `cascade` in a process that has imported its libraries already.

Importing Dagster and other libraries takes most of the time of a command. `serve` imports them once and runs each
command in a fork of itself, with the arguments, directory, variables and streams of the caller. This file needs the
standard library only, because it runs in the environment that contains the installed wheel.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import runpy
import select
import socket
import sys
import tempfile
import warnings
from collections.abc import Sequence
from importlib import import_module


def serve(path: str, command: str, modules: Sequence[str]) -> None:
    """Run commands until standard input ends.

    Args:
        path: the socket to listen on.
        command: the file of the command.
        modules: what to import first.
    """
    # Nothing that an import makes is garbage.
    gc.disable()
    for module in modules:
        # A module that is not installed is the concern of the commands that import it.
        with contextlib.suppress(ModuleNotFoundError):
            import_module(module)
    # The garbage collector of a fork would copy every page of them.
    gc.freeze()
    gc.enable()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        print("ready", flush=True)
        while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
            with listener.accept()[0] as caller:
                _, streams, _, _ = socket.recv_fds(caller, 1, 3)
                with caller.makefile("r", encoding="utf-8") as lines:
                    request = json.loads(lines.readline())
                # Python warns of the threads of libraries, which only clean up after them.
                with warnings.catch_warnings(action="ignore"):
                    child = os.fork()
                if child == 0:
                    # The command ends this process as it would end its own.
                    _become(command, request, streams)
                    sys.exit()
                for stream in streams:
                    os.close(stream)
                code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
                caller.sendall(f"{code if code >= 0 else 128 - code}\n".encode())


def call(path: str, arguments: Sequence[str]) -> int:
    """Have the server run the command as this process would, and return its exit code."""
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(path)
        socket.send_fds(server, [b"\n"], [0, 1, 2])
        request = {"arguments": arguments, "directory": os.getcwd(), "environment": dict(os.environ)}
        server.sendall(json.dumps(request).encode() + b"\n")
        with server.makefile("r", encoding="utf-8") as lines:
            return int(lines.readline())


def _become(command: str, request: dict[str, object], streams: Sequence[int]) -> None:
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.chdir(str(request["directory"]))
    os.environ.clear()
    os.environ.update(request["environment"])  # type: ignore[call-overload]
    # An import may have looked up TMPDIR already.
    tempfile.tempdir = None
    sys.argv[:] = [command, *request["arguments"]]  # type: ignore[misc]
    # In place of the directory of this file.
    sys.path[0] = os.path.dirname(command)
    runpy.run_path(command, run_name="__main__")


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2], sys.argv[3], sys.argv[4:])
    else:
        sys.exit(call(sys.argv[2], sys.argv[3:]))
