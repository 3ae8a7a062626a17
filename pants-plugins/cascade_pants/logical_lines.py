"""Splits Python source into logical lines, whatever version of Python wrote it.

Pants 2.17 runs on CPython 3.9, whose parser rejects `match` and much that came later, so user code is never parsed as a
whole. Tokens have hardly changed: a logical line is what stands between two NEWLINE tokens, over as many physical lines
as its brackets hold open.
"""

from __future__ import annotations

import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass

_OPENS_SCOPE = frozenset({"def", "class"})
_LAYOUT = frozenset({tokenize.NL, tokenize.COMMENT, tokenize.ENCODING, tokenize.ENDMARKER})


class BrokenSourceError(Exception):
    """The rest of a file cannot be split into tokens.

    Args:
        line: the first physical line that is part of no logical line yet, from 1.
    """

    def __init__(self, line: int) -> None:
        self.line = line
        super().__init__(f"line {line} onwards is not Python")


@dataclass(frozen=True)
class LogicalLine:
    """One statement, or the head of a compound one.

    Args:
        tokens: its tokens without comments and line breaks; never empty.
        in_scope: whether it stands in the body of a function or class, so that importing the module may not reach it.
        physical: all physical lines of the file.
    """

    tokens: tuple[tokenize.TokenInfo, ...]
    in_scope: bool
    physical: tuple[str, ...]

    @property
    def line(self) -> int:
        """Its first physical line, from 1."""
        return self.tokens[0].start[0]

    def word(self, index: int) -> str:
        """The text of a token, or nothing where there is none."""
        return self.tokens[index].string if index < len(self.tokens) else ""

    def source(self, first: int = 0) -> str:
        """The source from a token to the end, comments included.

        Args:
            first: index of that token.
        """
        (top, left), (bottom, right) = self.tokens[first].start, self.tokens[-1].end
        lines = list(self.physical[top - 1 : bottom])
        lines[-1] = lines[-1][:right]
        lines[0] = lines[0][left:]
        return "".join(lines)


def decode(content: bytes) -> str:
    """Decode a source file as Python would, with a replacement for what cannot be decoded."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
    except SyntaxError:
        encoding = "utf-8"
    return content.decode(encoding, "replace")


def logical_lines(text: str) -> Iterator[LogicalLine]:
    """Split source into logical lines.

    Args:
        text: a whole module.

    Raises:
        BrokenSourceError: after the last line that could be read, where the rest is not Python.
    """
    # Only these three end a line for the tokeniser; `str.splitlines` knows many more.
    physical = tuple(io.StringIO(text.replace("\r\n", "\n").replace("\r", "\n")))
    tokens: list[tokenize.TokenInfo] = []
    scopes: list[bool] = []
    opens_scope = False
    next_line = 1
    try:
        for token in tokenize.generate_tokens(io.StringIO("".join(physical)).readline):
            if token.type == tokenize.INDENT:
                scopes.append(opens_scope)
            elif token.type == tokenize.DEDENT:
                scopes.pop()
            elif token.type == tokenize.NEWLINE:
                if tokens:
                    opens_scope = bool(_OPENS_SCOPE & {word.string for word in tokens[:2]})
                    yield LogicalLine(tuple(tokens), any(scopes), physical)
                    tokens = []
                next_line = token.end[0] + 1
            elif token.type not in _LAYOUT:
                tokens.append(token)
    except (tokenize.TokenError, SyntaxError):
        raise BrokenSourceError(next_line) from None
