"""Split Python source into logical lines, whatever version of Python it is written for.

Pants 2.17 runs on CPython 3.9, whose parser rejects `match` and everything later, so user code is never parsed as a
whole. The rule for the end of a logical line has hardly changed: a line break outside of brackets and strings. Finding
only those takes a fraction of the time that `tokenize` needs, and a shell reads a whole project at each press of Tab.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r'''
    [^"'\#()\[\]{}\\\n]*
    (?: (?P<string> """[^"\\]*(?:(?:\\.|"(?!""))[^"\\]*)*"""
                  | \'\'\'[^'\\]*(?:(?:\\.|'(?!''))[^'\\]*)*\'\'\'
                  | "[^"\\\n]*(?:\\.[^"\\\n]*)*"
                  | '[^'\\\n]*(?:\\.[^'\\\n]*)*' )
      | (?P<comment> \#[^\n]*)
      | (?P<opens> [(\[{])
      | (?P<closes> [)\]}])
      | (?P<joins> \\\n)
      | (?P<ends> \n)
      | (?P<stray> ["']) )
    ''',
    re.VERBOSE | re.DOTALL,
)
_BLANK = " \t\f"
_OPENS_SCOPE = re.compile(r"(?:async\s+)?(?:def|class)\b")


class BrokenSourceError(Exception):
    """The rest of a file cannot be split into logical lines.

    Args:
        line: the first physical line that belongs to no logical line yet, from 1.
    """

    def __init__(self, line: int) -> None:
        self.line = line
        super().__init__(f"line {line} onwards is not Python")


@dataclass(frozen=True)
class LogicalLine:
    """One statement, or the head of a compound statement.

    Args:
        line: its first physical line, from 1.
        text: its source, without indentation and without a comment at its end; never empty.
        in_scope: whether it is in the body of a function or class, so that importing the module may not reach it.
    """

    line: int
    text: str
    in_scope: bool


def decode(content: bytes) -> str:
    """Decode a source file as Python does, with a replacement character for bytes that cannot be decoded.

    Args:
        content: the file.

    Returns:
        Its text, with `\\n` at the end of each line.
    """
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
    except SyntaxError:
        encoding = "utf-8"
    return content.decode(encoding, "replace").replace("\r\n", "\n").replace("\r", "\n")


def logical_lines(text: str) -> Iterator[LogicalLine]:
    """Split source into logical lines.

    Args:
        text: a whole module, as `decode` returns it.

    Returns:
        The logical lines in order, without blank lines and comments.

    Raises:
        BrokenSourceError: after the last line that could be read, if the rest is not Python.
    """
    # The indentation of each open block, and whether it is in the body of a function or class.
    blocks = [(0, False)]
    opens_scope = False
    start, first, number, depth = 0, 1, 1, 0
    code_end = None
    for match in _TOKEN.finditer(f"{text}\n"):
        kind = match.lastgroup
        if kind == "opens":
            depth += 1
        elif kind == "closes":
            depth -= 1
        elif kind == "string" or kind == "joins":
            number += match[kind].count("\n")
        elif kind == "comment":
            code_end = match.start(kind) if depth == 0 else code_end
        elif kind == "ends":
            number += 1
            if depth == 0:
                line = text[start : match.start(kind) if code_end is None else code_end].rstrip(_BLANK)
                statement = line.lstrip(_BLANK)
                if statement:
                    indentation = len(line[: len(line) - len(statement)].expandtabs())
                    while indentation < blocks[-1][0]:
                        blocks.pop()
                    if indentation > blocks[-1][0]:
                        blocks.append((indentation, opens_scope or blocks[-1][1]))
                    opens_scope = _OPENS_SCOPE.match(statement) is not None
                    yield LogicalLine(first, statement, blocks[-1][1])
                start, first, code_end = match.end(), number, None
        if depth < 0 or kind == "stray":
            break
    else:
        if depth == 0:
            return
    raise BrokenSourceError(first)
