"""What a stack keeps from one start to the next: its directory, its ports and its passwords."""

from __future__ import annotations

import json
import os
import random
import secrets
import socket
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from cascade.exceptions import CascadeError
from cascade.program import typed

ADDRESS = "127.0.0.1"
"""Where all servers listen. Nothing outside of this machine can reach them."""

FILE = "stack.json"
"""The file with the ports and passwords, in the directory of the stack. Only its owner can read it."""

# Below the ports that systems give to outgoing connections, one of which may take a server's port while it is stopped.
_PORTS = range(20000, 32000)
_TRIED_BLOCKS = 200

PORTS = (
    *("postgres", "trino", "s3", "iceberg"),
    *("master", "master.grpc", "volume", "volume.grpc", "filer", "filer.grpc", "s3.grpc"),
)
"""The names of the ports. Those of the second line are for SeaweedFS's own parts."""

_OTHER_DIRECTORY = "Make the directory of the servers writable, or set CASCADE_SERVICES_DIRECTORY to another one."

_SECRETS = {"postgres": 24, "s3_key": 10, "s3_secret": 24}
"""The names of the passwords, and how many random bytes each has."""


@dataclass(frozen=True)
class Stack:
    """A stack of servers.

    Args:
        directory: the directory of its data, settings and logs.
        ports: the port of each part, by a name of `PORTS`.
        secrets: the passwords: `postgres`, `s3_key` and `s3_secret`.
    """

    directory: Path
    ports: Mapping[str, int]
    secrets: Mapping[str, str]

    def url(self, port: str) -> str:
        """Return the HTTP URL of a port."""
        return f"http://{ADDRESS}:{self.ports[port]}"


def open_stack(directory: Path) -> Stack | None:
    """Read a stack, or return None if there is none in the directory.

    Raises:
        CascadeError: its file cannot be read, or is damaged.
    """
    file = directory / FILE
    try:
        kept = json.loads(file.read_text("utf-8"))
        ports = {name: int(kept["ports"][name]) for name in PORTS}
        return Stack(directory, ports, {name: str(kept["secrets"][name]) for name in _SECRETS})
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CascadeError(f"{file} cannot be read: {error.strerror}.", hint=_OTHER_DIRECTORY) from error
    except (ValueError, KeyError, TypeError) as error:
        raise CascadeError(
            f"{file} is damaged: it must have the ports and passwords of the servers as JSON.",
            hint=f"Restore the file. If you do not need the data of the servers, stop them ({typed('services stop')}) "
            f"and delete {directory}.",
        ) from error


def unprepared_stack(directory: Path) -> Stack:
    """Return a stack without ports and passwords, to ask what is installed."""
    return Stack(directory, dict.fromkeys(PORTS, 0), dict.fromkeys(_SECRETS, ""))


def create_stack(directory: Path) -> Stack:
    """Choose free ports and new passwords, and keep them in the directory."""
    stack = Stack(directory, _free_ports(), {name: secrets.token_hex(size) for name, size in _SECRETS.items()})
    _write(stack)
    return stack


def with_new_ports(stack: Stack) -> Stack:
    """Choose other free ports for a stack whose servers are stopped, and keep them."""
    moved = replace(stack, ports=_free_ports(set(stack.ports.values())))
    _write(moved)
    return moved


def cannot_write(directory: Path, error: OSError) -> CascadeError:
    """Return the error for a directory of a stack that cannot be written."""
    return CascadeError(f"{directory} cannot be written: {error.strerror}.", hint=_OTHER_DIRECTORY)


def private_directory(directory: Path) -> Path:
    """Create a directory that only its owner can read."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return directory


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner can read, so that a kill leaves the old or the new text."""
    new = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    new.unlink(missing_ok=True)
    try:
        with open(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as opened:
            opened.write(text)
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)


def is_free(port: int) -> bool:
    """Return whether a server can listen on a port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError:
            return False
    return True


def _free_ports(but: Collection[int] = ()) -> dict[str, int]:
    for _ in range(_TRIED_BLOCKS):
        first = random.randrange(_PORTS.start, _PORTS.stop - len(PORTS))
        block = range(first, first + len(PORTS))
        if not any(port in but for port in block) and all(map(is_free, block)):
            return dict(zip(PORTS, block, strict=True))
    raise CascadeError(f"There are no {len(PORTS)} free ports in a row between {_PORTS.start} and {_PORTS.stop}.")


def _write(stack: Stack) -> None:
    try:
        stack.directory.mkdir(parents=True, exist_ok=True)
        # Where root starts PostgreSQL, the user postgres passes through. Everything inside is private.
        stack.directory.chmod(0o711)
        (stack.directory / ".gitignore").write_text("*\n")
        text = json.dumps({"ports": dict(stack.ports), "secrets": dict(stack.secrets)}, indent=2)
        write_private(stack.directory / FILE, text + "\n")
    except OSError as error:
        raise cannot_write(stack.directory, error) from error
