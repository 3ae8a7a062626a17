"""Read the records of a Singer tap, such as an extractor of Meltano."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from cascade.exceptions import SourceError, UsageError

_STOPPED_SECONDS = 5
_SHOWN = 200


def read_singer(
    command: Sequence[str], *, stream: str, directory: str | Path | None = None
) -> Iterator[dict[str, Any]]:
    """Start a Singer tap, and read the records of one of its streams.

    The tap starts from the beginning each time, since it is given no state. Its log goes to the log of the run.

    Args:
        command: the command that starts it, in words, such as `["meltano", "invoke", "tap-github"]`.
        stream: the name of the stream.
        directory: the directory to start it in; the working directory by default.

    Returns:
        An iterator of records. Return it from the workflow.

    Raises:
        SourceError: the tap cannot be started, fails, or writes something other than Singer messages.
        UsageError: the command is empty, or text instead of words.
    """
    if isinstance(command, str) or not command:
        raise UsageError(f"A command is a list of words, such as ['meltano', 'invoke', 'tap-github'], not {command!r}.")
    return _records([*command], stream, directory)


def _records(command: list[str], stream: str, directory: str | Path | None) -> Iterator[dict[str, Any]]:
    shown = shlex.join(command)
    try:
        process = subprocess.Popen(
            command, cwd=directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, encoding="utf-8"
        )
    except OSError as error:
        raise SourceError(
            f"The tap cannot be started: {shown}: {error.strerror}.",
            hint=f"Install {command[0]} where the workflow runs, or correct the command.",
        ) from error
    try:
        assert process.stdout is not None
        seen: set[str] = set()
        for number, line in enumerate(process.stdout, start=1):
            message = _message(line, number, shown)
            if message is None:
                continue
            name = str(message.get("stream"))
            seen.add(name)
            if message.get("type") == "RECORD" and name == stream:
                yield _record(message, number, shown)
        code = process.wait()
        if code != 0:
            raise SourceError(f"The tap failed with exit code {code}: {shown}.", hint="Its messages are above.")
        if seen and stream not in seen:
            raise SourceError(
                f"The tap has no stream {stream!r}: {shown}.",
                hint=f"It wrote {', '.join(sorted(seen))}. Correct the name, or select the stream in the catalog.",
            )
    finally:
        # A run that stops early, such as one that is killed by Ctrl-C, must not leave the tap behind.
        _stop(process)


def _message(line: str, number: int, shown: str) -> dict[str, Any] | None:
    if not line.strip():
        return None
    try:
        message = json.loads(line)
    except ValueError:
        message = None
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise SourceError(
            f"Line {number} of the output of the tap is not a Singer message: {shown}.",
            hint=f"It is: {line.strip()[:_SHOWN]}\nA tap writes messages to its standard output, and its log to its "
            "standard error.",
        )
    return message if message["type"] in ("RECORD", "SCHEMA") else None


def _record(message: dict[str, Any], number: int, shown: str) -> dict[str, Any]:
    record = message.get("record")
    if not isinstance(record, dict):
        raise SourceError(f"Line {number} of the output of the tap is a RECORD without a record: {shown}.")
    return record


def _stop(process: subprocess.Popen[str]) -> None:
    if process.stdout is not None:
        process.stdout.close()
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(_STOPPED_SECONDS)
    if process.poll() is None:
        process.kill()
        process.wait()
