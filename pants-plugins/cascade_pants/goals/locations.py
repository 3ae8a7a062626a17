"""The code locations of projects: their names, where their code servers listen, and how to start them. Pure."""

from __future__ import annotations

import json
import re
import shlex
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Optional

from pants.backend.python.target_types import PexLayout
from pants.engine.addresses import Address

from cascade_pants.target_types import CascadeProjectPortField, CascadeProjectTarget
from cascade_pants.util_rules.manifest import manifest_module

NAME = "{name}"
"""What stands for the name of a code location in `--host`."""

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_LAST_PORT = 65535
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*|\d+(\.\d+){3}")


class PortError(Exception):
    """Two projects have the same port, or no port is left."""


def location_names(addresses: Sequence[Address]) -> tuple[str, ...]:
    """Name the code locations of projects after their targets, with the directory where several have the same name.

    Args:
        addresses: the addresses of the projects.

    Returns:
        Their names, in the same order. No two are equal.
    """
    used = Counter(address.target_name for address in addresses)
    names = []
    for address in addresses:
        name = address.target_name
        names.append(name if used[name] == 1 else "_".join([*filter(None, address.spec_path.split("/")), name]))
    count = Counter(names)
    # `a_b:dev` and `a/b:dev` are named alike. The name of the manifest is never that of another project.
    return tuple(
        name if count[name] == 1 else manifest_module(address)[len("cascade_project_") :]
        for name, address in zip(names, addresses)
    )


@dataclass(frozen=True)
class Location:
    """A code location.

    Args:
        address: the project.
        name: its name in the UI.
        host: the host at which the webserver reaches its code server.
        port: the port of the code server.
        pex: the path of its PEX, from the root of the repository.
        layout: the layout of the PEX.
    """

    address: Address
    name: str
    host: str
    port: int
    pex: str
    layout: str = PexLayout.ZIPAPP.value

    @property
    def command(self) -> tuple[str, ...]:
        """The command line of the code server, from the root of the repository."""
        start = self.pex if self.layout == PexLayout.ZIPAPP.value else f"{self.pex}/__main__.py"
        # Whatever name reaches it from elsewhere, it must listen to more than this machine.
        host = () if self.host in LOOPBACK else ("--host", "0.0.0.0")
        return (start, "code-server", *host, "--port", str(self.port))

    @property
    def environment(self) -> dict[str, str]:
        """The variables of the code server: the root of a project is its directory, as under Pants."""
        return {"CASCADE_PROJECT_ROOT": self.address.spec_path} if self.address.spec_path else {}

    @property
    def shell_command(self) -> str:
        """The command line as a shell takes it."""
        variables = [f"{name}={value}" for name, value in self.environment.items()]
        return shlex.join([*(["env", *variables] if variables else ()), *self.command])

    def document(self) -> dict[str, object]:
        """Return what a script needs to deploy it."""
        return {
            "name": self.name,
            "address": self.address.spec,
            "host": self.host,
            "port": self.port,
            "pex": self.pex,
            "command": list(self.command),
            "environment": self.environment,
        }


def assign_ports(
    given: Sequence[tuple[Address, Optional[int]]],  # noqa: UP045
    *,
    first: int,
    shared_host: bool = True,
) -> tuple[int, ...]:
    """Give each project a port.

    Args:
        given: every project of the repository with its field `port`, sorted by address.
        first: the port of the first project that sets none. Each further one gets the next that is free.
        shared_host: whether all code servers run on one host. Otherwise, each that sets no port gets the first.

    Raises:
        PortError: two projects on one host set the same port, or no port is left.
    """
    if not shared_host:
        return tuple(first if port is None else port for _, port in given)
    taken: dict[int, Address] = {}
    for address, port in given:
        if port is None:
            continue
        other = taken.setdefault(port, address)
        if other is not address:
            raise PortError(
                f"The field `{CascadeProjectPortField.alias}` of the {CascadeProjectTarget.alias} {address} is {port}, "
                f"which is that of {other} too. Two code servers on one host need different ports."
            )
    ports = []
    free = first
    for _, port in given:
        while port is None and free in taken:
            free += 1
        if port is None and free > _LAST_PORT:
            raise PortError(f"No port is left: from {first} to {_LAST_PORT}, all are taken. Use a lower --first-port.")
        ports.append(free if port is None else port)
        free += port is None
    return tuple(ports)


def workspace_yaml(locations: Iterable[Location], command: str) -> str:
    """Write the `workspace.yaml` of Dagster's webserver and daemon.

    Args:
        locations: the code locations.
        command: the command that makes the file.
    """
    lines = [f"# Generated by `{command}`. Do not edit.", "load_from:"]
    for one in locations:
        lines += [
            "  - grpc_server:",
            f"      host: {_scalar(one.host)}",
            f"      port: {one.port}",
            f"      location_name: {_scalar(one.name)}",
        ]
    return "\n".join(lines) + "\n"


def procfile(locations: Iterable[Location], workspace: str, command: str) -> str:
    """Write a `Procfile`: one process on a line, for honcho, foreman and the like.

    Args:
        locations: the code locations.
        workspace: the path of `workspace.yaml`.
        command: the command that makes the file.
    """
    lines = [f"# Generated by `{command}`. Do not edit. Start it in the root of the repository."]
    names = {"webserver", "daemon"}
    for one in locations:
        name = re.sub(r"[^A-Za-z0-9_-]", "_", one.name)
        name = f"location_{name}" if name in names else name
        names.add(name)
        lines.append(f"{name}: {one.shell_command}")
    lines.append(f"webserver: {shlex.join(['dagster-webserver', '--workspace', workspace])}")
    lines.append(f"daemon: {shlex.join(['dagster-daemon', 'run', '--workspace', workspace])}")
    return "\n".join(lines) + "\n"


def _scalar(text: str) -> str:
    # A text of JSON is one of YAML, too.
    return text if _PLAIN.fullmatch(text) and text.lower() not in _NOT_TEXT else json.dumps(text)


_NOT_TEXT = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
