"""Read what servers log, and go on reading."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cascade.services.running import last_lines, log_file, masked
from cascade.services.service import Service

_POLL_SECONDS = 0.3


def read_logs(services: Sequence[Service], count: int, *, follow: bool) -> Iterator[tuple[str, str]]:
    """Yield lines of the logs of servers, without the passwords of the stack.

    Args:
        services: the servers.
        count: how many of the last lines of each.
        follow: whether to go on with new lines for ever.

    Yields:
        The name of the server, and a line.
    """
    files = [_Followed(log_file(service)) for service in services]
    for service in services:
        for line in last_lines(service, count):
            yield service.name, line
    while follow:
        for service, file in zip(services, files, strict=True):
            for line in file.new_lines():
                yield service.name, masked(service, line)
        time.sleep(_POLL_SECONDS)


@dataclass
class _Followed:
    """A file whose new lines are read, also after another one has taken its place."""

    path: Path

    def __post_init__(self) -> None:
        self._begun = b""
        self._inode, self._at = self._state()

    def _state(self) -> tuple[int, int]:
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return 0, 0
        return found.st_ino, found.st_size

    def new_lines(self) -> list[str]:
        inode, size = self._state()
        if inode != self._inode or size < self._at:
            self._inode, self._at, self._begun = inode, 0, b""
        if size == self._at:
            return []
        with self.path.open("rb") as opened:
            opened.seek(self._at)
            read = opened.read()
        self._at += len(read)
        *whole, self._begun = (self._begun + read).split(b"\n")
        return [line.decode(errors="replace") for line in whole]
