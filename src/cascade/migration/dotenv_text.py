"""The statements of a `.env`, whose values may have several lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO

from cascade.config.secrets import MASK

BYTE_ORDER_MARK = "\ufeff"
"""What some editors of Windows begin a file with. It is no part of the first name."""

_EMPTY_LINES = re.compile(r"(?:[^\S\r\n]*(?:\r\n|\n|\r))*")
_ASSIGNMENT = re.compile(r"(?P<before>\s*(?:export\s+)?)(?P<name>\w+)(?P<after>\s*=.*)", re.DOTALL)
_SHOWN = re.compile(r"\s*(?:export\s+)?['\"]?[\w.-]+['\"]?\s*=\s*")
_HARMLESS = re.compile(r"\s*(?:#[^=]*)?\s*")
"""An empty line, or a comment that assigns nothing."""


@dataclass(frozen=True)
class Statement:
    """An assignment, a comment or a line that is neither.

    Args:
        above: the empty lines above it, with their line ends.
        text: its lines, with their line ends.
        line: its first line in the file, from 1.
        name: the variable, or None.
    """

    above: str
    text: str
    line: int
    name: str | None

    @property
    def assignment(self) -> re.Match[str] | None:
        """Its parts `before`, such as `export `, `name` and `after`; None if it assigns nothing."""
        found = _ASSIGNMENT.fullmatch(self.text)
        return found if found and found["name"] == self.name else None


def statements(text: str) -> Iterator[Statement]:
    """Yield the statements of a `.env`, whose parts together are the text.

    Args:
        text: the content, with its own line ends and without the byte order mark.
    """
    from dotenv.parser import parse_stream

    for binding in parse_stream(StringIO(text)):
        original = binding.original.string
        found = _EMPTY_LINES.match(original)
        above = found[0] if found else ""
        line = binding.original.line + len(above.splitlines())
        yield Statement(above, original[len(above) :], line, None if binding.error else binding.key)


def without_values(text: str) -> list[str]:
    """Return the lines of a `.env` with all values masked, those of assignments in comments too."""
    lines: list[str] = []
    for statement in statements(text.removeprefix(BYTE_ORDER_MARK)):
        lines += statement.above.splitlines()
        # What follows continues the value of the first line, such as a private key.
        for number, line in enumerate(statement.text.splitlines()):
            shown = _SHOWN.match(line) if statement.name is not None and number == 0 else None
            if shown is not None:
                lines.append(line if shown.end() == len(line) else shown[0] + MASK)
            else:
                harmless = statement.name is None and _HARMLESS.fullmatch(line)
                lines.append(line if harmless else MASK)
    return lines
