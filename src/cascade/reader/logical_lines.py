"""Split Python source into logical lines, whatever version of Python it is written for.

Pants 2.17 runs on CPython 3.9, whose parser rejects `match` and everything later, so user code is never parsed as a
whole. The rule for the end of a logical line has hardly changed: a line break outside of brackets and strings. Finding
only those takes a fraction of the time that `tokenize` needs, and a shell reads a whole project at each press of Tab.
"""

from __future__ import annotations

import codecs
import io
import re
import tokenize
from collections.abc import Iterator
from typing import NamedTuple

from .formatted_strings import end_of_formatted, is_formatted

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
      | (?P<stray> ["'\\]) )
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


class LogicalLine(NamedTuple):
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
        # Some codecs, such as `rot13`, do not decode bytes to text, and Python refuses them in source.
        text = codecs.lookup(encoding).decode(content, "replace")[0]
    except (SyntaxError, LookupError, ValueError, TypeError, AssertionError):
        text = ""
    if not isinstance(text, str) or (content and not text):
        text = content.decode("utf-8", "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


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
    text = f"{text}\n"
    for kind, begin, end in _tokens(text):
        if kind == "opens":
            depth += 1
        elif kind == "closes":
            depth -= 1
        elif kind == "string":
            number += text.count("\n", begin, end)
        elif kind == "joins":
            number += 1
        elif kind == "comment":
            code_end = begin if depth == 0 else code_end
        elif kind == "ends":
            number += 1
            if depth == 0:
                line = text[start : begin if code_end is None else code_end].rstrip(_BLANK)
                statement = line.lstrip(_BLANK)
                if statement:
                    indentation = len(line[: len(line) - len(statement)].expandtabs())
                    while indentation < blocks[-1][0]:
                        blocks.pop()
                    if indentation > blocks[-1][0]:
                        blocks.append((indentation, opens_scope or blocks[-1][1]))
                    opens_scope = _OPENS_SCOPE.match(statement) is not None
                    yield LogicalLine(first, statement, blocks[-1][1])
                start, first, code_end = end, number, None
        if depth < 0 or kind == "stray":
            break
    else:
        if depth == 0:
            return
    raise BrokenSourceError(first)


def _tokens(text: str) -> Iterator[tuple[str | None, int, int]]:
    """Yield the kind of each token, its position, and the position after it."""
    position: int | None = 0
    may_nest = True
    while position is not None:
        tokens, position = _TOKEN.finditer(text, position), None
        for match in tokens:
            kind = match.lastgroup
            start, end = match.span(kind or 0)
            # A stray quote may begin an f-string with a line break inside its brackets.
            if (
                may_nest
                and (kind == "stray" or (kind == "string" and "{" in match["string"]))
                and is_formatted(text, start)
            ):
                nested_end = end_of_formatted(text, start)
                # One without an end is taken to end at its next quote, and so are all after it, because the search for
                # the end may have been through the whole file.
                may_nest = nested_end is not None
                if nested_end is not None and nested_end != end:
                    yield "string", start, nested_end
                    position = nested_end
                    break
            yield kind, start, end
