"""What the stack knows of each server: how to start it, and whether it is healthy."""

from __future__ import annotations

import json
import signal
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from cascade.services.stack import Stack

_SECONDS = 5.0


@dataclass(frozen=True)
class Missing:
    """Why a server cannot start on this machine.

    Args:
        what: what is missing, as a sentence.
        how: how to get it, or the command to type.
    """

    what: str
    how: str


@dataclass(frozen=True)
class Launch:
    """How to start a server.

    Args:
        argv: the command line.
        environment: all of its environment variables.
        user: the id of the user to run it as, and of the group; None for the user of this process.
        scratch: a directory that is removed after the server has stopped.
    """

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    user: tuple[int, int] | None = None
    scratch: Path | None = None


@dataclass(frozen=True)
class Address:
    """Where users reach a part of a server.

    Args:
        part: what answers there, such as `S3`.
        text: the URL, without a password.
    """

    part: str
    text: str


@dataclass(frozen=True)
class Service(ABC):
    """A server of the stack.

    Args:
        stack: the stack that it is part of.
    """

    stack: Stack

    name: ClassVar[str]
    """Its name in commands."""

    seconds: ClassVar[float]
    """How long it may take to start."""

    stop_signal: ClassVar[signal.Signals]
    """What ends it in order."""

    grace: ClassVar[float]
    """How long it may take to end in order."""

    @property
    def directory(self) -> Path:
        """The directory of its data and settings."""
        return self.stack.directory / self.name

    @property
    @abstractmethod
    def ports(self) -> tuple[int, ...]:
        """The ports that it listens on."""

    @property
    @abstractmethod
    def marks(self) -> tuple[str, ...]:
        """Words of its command line that no other process has. Its process is found by any of them."""

    @property
    @abstractmethod
    def missing(self) -> Missing | None:
        """What is missing on this machine; None if the server can start."""

    @property
    @abstractmethod
    def addresses(self) -> tuple[Address, ...]:
        """Where users reach it."""

    @property
    @abstractmethod
    def settings(self) -> Mapping[str, str]:
        """The settings that point a project to the server, as variables of the environment."""

    @property
    def lacking_extra(self) -> str | None:
        """The extra that a project needs for the settings, if it is not installed."""
        return None

    @abstractmethod
    def launch(self) -> Launch:
        """Write its settings, and return how to start it."""

    @abstractmethod
    def trouble(self) -> str | None:
        """Ask a running server for its health; return what is wrong, or None if it is healthy."""

    @abstractmethod
    def complete(self) -> None:
        """Create what users expect in the running server, such as databases, if it is missing."""


def http_trouble(url: str, key: str = "", expected: object = None) -> str | None:
    """Ask an HTTP server whether it is healthy.

    Args:
        url: the URL to ask.
        key: a key of the JSON object that it answers; empty if the status alone counts.
        expected: the value that the key must have.

    Returns:
        What is wrong, or None.
    """
    import urllib.error
    import urllib.request

    # A proxy of the user's must not come between this process and loopback.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=_SECONDS) as answer:
            document: Any = json.load(answer) if key else {}
    except urllib.error.HTTPError as error:
        return f"{url} answers {error.code}"
    except (OSError, ValueError) as error:
        return f"{url} does not answer: {getattr(error, 'reason', error)}"
    if key and document.get(key) != expected:
        return f"{url} answers {key}={document.get(key)!r}"
    return None
