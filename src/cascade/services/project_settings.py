"""The lines of `.env` that point a project to its stack."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from cascade.exceptions import SourceLocation, UsageError
from cascade.services.stack import write_private

_BEGIN = "# --- The servers of `services start`. `services init` writes these lines. ---"
_END = "# --- The end of the lines of `services init`. ---"
_BLOCK = re.compile(rf"^{re.escape(_BEGIN)}$.*?^{re.escape(_END)}$\n?", re.MULTILINE | re.DOTALL)


def write_settings(file: Path, settings: Mapping[str, str]) -> bool:
    """Write settings into `.env`, in place of those written before. All other lines stay as they are.

    Args:
        file: the path of `.env`. Afterwards, only its owner can read it.
        settings: the variables.

    Returns:
        Whether the file has changed.

    Raises:
        UsageError: another line of the file sets one of them. Nothing was written.
    """
    # A link stays a link.
    file = file.resolve()
    before = _text(file)
    rest = _BLOCK.sub("", before)
    for line, name in _assigned(rest, settings):
        raise UsageError(
            f"This line sets {name}, which the servers of the stack have a value for.",
            location=SourceLocation(str(file), _line_in(before, rest, line)),
            hint="Remove the line. Nothing was written.",
        )
    if rest and not rest.endswith("\n"):
        rest += "\n"
    block = "\n".join((_BEGIN, *(f"{name}={value}" for name, value in settings.items()), _END)) + "\n"
    found = _BLOCK.search(before)
    if found is not None:
        after = before[: found.start()] + block + before[found.end() :]
    else:
        after = (rest + "\n" if rest else "") + block
    if after != before:
        write_private(file, after)
    elif file.exists():
        file.chmod(0o600)
    return after != before


def has_settings(file: Path, settings: Mapping[str, str]) -> bool:
    """Return whether `.env` has lines of `services init` with these settings."""
    found = _BLOCK.search(_text(file))
    lines = set(found.group().splitlines()) if found else set()
    return {f"{name}={value}" for name, value in settings.items()} <= lines


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {error}.", hint="Nothing was written.") from error


def _assigned(text: str, names: Iterable[str]) -> Iterator[tuple[int, str]]:
    from dotenv.parser import parse_stream

    wanted = set(names)
    for binding in parse_stream(io.StringIO(text)):
        if binding.key in wanted and binding.value:
            # Comments and empty lines above an assignment are part of its text.
            above = binding.original.string[: binding.original.string.index(binding.key)].count("\n")
            yield binding.original.line + above, binding.key


def _line_in(before: str, rest: str, line: int) -> int:
    """Return the line of a text in which a line of the rest of it is."""
    found = _BLOCK.search(before)
    if found is None or line <= before[: found.start()].count("\n"):
        return line
    return line + found.group().count("\n")
