"""The command lines of Dagster code servers, and a check that a server accepts connections."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cascade.exceptions import UsageError
from cascade.framework.project import Project
from cascade.framework.run_launcher import container_arguments

if TYPE_CHECKING:
    from cascade.config import CascadeConfig


@dataclass(frozen=True)
class CodeServer:
    """A code server to start.

    Args:
        name: the name of its code location.
        argv: its command line, including the socket.
        socket: the Unix socket it listens on.
        own: whether it serves the project of this process. Another project has its own settings.
    """

    name: str
    argv: tuple[str, ...]
    socket: Path
    own: bool

    @property
    def accepts(self) -> bool:
        """Whether it accepts connections."""
        return accepts_connections(self.socket)


def code_server_argv(project: Project, config: CascadeConfig, log_level: str = "warning") -> list[str]:
    """Return the command line of a project's code server, without the option for the port or socket.

    Args:
        project: the project.
        config: its settings.
        log_level: how much Dagster logs.
    """
    return [
        *(sys.executable, "-m", "dagster", "code-server", "start"),
        *("--module-name", project.module, "--attribute", "defs"),
        *("--working-directory", str(config.project_root), "--location-name", project.name),
        *(*container_arguments(config), "--log-level", log_level),
    ]


def code_servers(
    project: Project, config: CascadeConfig, others: Iterable[str], scratch: Path, log_level: str
) -> tuple[CodeServer, ...]:
    """Return the code servers of one `dev`: the project's own, then the others.

    Args:
        project: the project.
        config: its settings.
        others: further projects as `NAME=JSON_ARGV`, where the list of words is their command line.
        scratch: the directory for the sockets.
        log_level: how much Dagster logs.

    Raises:
        UsageError: one of the others does not have that form.
    """
    commands = [(project.name, code_server_argv(project, config, log_level))]
    for text in others:
        name, words = _name_and_words(text)
        commands.append((name, [*words, "code-server", "--log-level", log_level]))
    servers = []
    for number, (name, argv) in enumerate(commands):
        path = scratch / f"{number}.sock"
        servers.append(CodeServer(name, (*argv, "--socket", str(path)), path, own=number == 0))
    return tuple(servers)


def _name_and_words(text: str) -> tuple[str, list[str]]:
    name, separator, given = text.partition("=")
    try:
        words = json.loads(given)
    except json.JSONDecodeError:
        words = None
    if not separator or not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise UsageError(f"--with-code-server takes NAME=JSON_ARGV, with a JSON list of words. Given: {text!r}.")
    return name, words


def accepts_connections(path: Path) -> bool:
    """Return whether a process accepts connections on a Unix socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True
