"""Read text files of any encoding as UTF-8, which is what DuckDB reads.

Bytes that are invalid in the encoding of the file stay invalid in UTF-8 (`surrogateescape`), so that they make only
their own line malformed.
"""

from __future__ import annotations

import glob
import io
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from cascade.exceptions import SourceError
from cascade.notices import notice
from cascade.sources.compression import is_compressed, open_bytes
from cascade.sources.encodings import Encoding, encoding_of
from cascade.sources.temporary import temporary_copy
from cascade.temporary_directory import temporary_directory, temporary_directory_hint

_CHUNK = 1 << 20
_LONGEST_QUOTED = 1 << 24
_SEPARATOR_LINE = re.compile(r"\s*sep=(.)\s*", re.IGNORECASE)
# A quoted value begins where a field begins. One that the text does not close yet has no second quote in its match.
_QUOTED_OR_END = re.compile(r'(?<![^\r\n,;\t|])"[^"]*(?:""[^"]*)*("?)|\r\n?')


@dataclass(frozen=True)
class Utf8File:
    """A file in UTF-8 whose lines all end alike, and which starts with its header or its first row.

    Args:
        path: where it is. It may be a temporary copy.
        lines_before: how many lines of the original come before it.
        encoding: the name of the encoding of the original.
        separator: the delimiter that a `sep=` line in the original names.
    """

    path: Path
    lines_before: int
    encoding: str
    separator: str | None = None


@contextmanager
def utf8_file(path: Path, shown: str, *, encoding: str | None, skip: int) -> Iterator[Utf8File]:
    """Open a file for DuckDB: the file itself where that is possible, or a temporary copy in UTF-8.

    Args:
        path: the file.
        shown: its path as the user knows it.
        encoding: the encoding that the user named; found if None.
        skip: number of lines to leave out at the start.

    Raises:
        SourceError: the file cannot be read, or is damaged.
    """
    found = _encoding(path, shown, encoding)
    with _decoded(path, shown, found) as text:
        before, separator = _preamble(text, skip)
    ends = _line_ends(path, shown, found)
    mixed = isinstance(ends, tuple)
    as_it_is = found.name == "utf-8" and not (found.mark or before or mixed)
    with ExitStack() as stack:
        # DuckDB reads a name with a bracket or an asterisk as a pattern.
        if not as_it_is or is_compressed(path) or glob.has_magic(str(path)):
            copy = stack.enter_context(temporary_copy())
            with _decoded(path, shown, found) as text:
                for _ in range(before):
                    text.readline()
                for chunk in _alike(text) if mixed else iter(lambda: text.read(_CHUNK), ""):
                    with copying(shown):
                        copy.write(chunk.encode("utf-8", "surrogateescape"))
            with copying(shown):
                copy.flush()
            path = Path(copy.name)
        yield Utf8File(path, before, found.name, separator)


@contextmanager
def copying(shown: str) -> Iterator[None]:
    """Name the directory for temporary files in an error of writing there.

    Args:
        shown: path of the file that is copied, as the user knows it.

    Raises:
        SourceError: the copy cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise SourceError(
            f"{shown} cannot be copied to {temporary_directory()}: {error.strerror or error}.",
            hint=temporary_directory_hint(error),
        ) from error


def text_lines(path: Path, shown: str, *, encoding: str | None) -> Iterator[tuple[int, str]]:
    """Yield the lines of a file with their numbers, from 1, without their ends.

    Args:
        path: the file.
        shown: its path as the user knows it.
        encoding: the encoding that the user named; found if None.

    Raises:
        SourceError: the file cannot be read, or is damaged.
    """
    found = _encoding(path, shown, encoding)
    with _decoded(path, shown, found, newline=None) as text:
        for number, line in enumerate(text, start=1):
            yield number, line.removesuffix("\n")


def _encoding(path: Path, shown: str, declared: str | None) -> Encoding:
    with open_bytes(path, shown) as stream:
        found = encoding_of(stream, declared)
    if found.guessed:
        notice(
            f"{shown} is not in UTF-8, so it is read as {found.name}, which is a guess. "
            f'Pass encoding="{found.name}", or the right name, to the reader.'
        )
    return found


@contextmanager
def _decoded(path: Path, shown: str, encoding: Encoding, newline: str | None = "") -> Iterator[io.TextIOWrapper]:
    wide = encoding.name.startswith(("utf-16", "utf-32"))
    with open_bytes(path, shown) as stream:
        stream.read(encoding.mark)
        try:
            yield io.TextIOWrapper(stream, encoding.name, "strict" if wide else "surrogateescape", newline=newline)
        except UnicodeDecodeError as error:
            raise SourceError(
                f"{shown} is damaged, or not in {encoding.name}: {error.reason}.",
                hint="Pass the right encoding to the reader, such as encoding='cp1252'.",
            ) from error


def _preamble(text: IO[str], skip: int) -> tuple[int, str | None]:
    """Return how many lines come before the header, and the delimiter that Excel's `sep=` line names."""
    separator = None
    before = 0
    while line := text.readline():
        named = _SEPARATOR_LINE.fullmatch(line.rstrip("\r\n")) if before == skip else None
        if named:
            separator = named[1]
        elif before >= skip and line.strip("\r\n"):
            break
        before += 1
    return before, separator


def _line_ends(path: Path, shown: str, encoding: Encoding) -> str | tuple[str, ...] | None:
    with _decoded(path, shown, encoding, newline=None) as text:
        while text.read(_CHUNK):
            pass
        return text.newlines


def _alike(text: IO[str]) -> Iterator[str]:
    """Yield the text with a line feed at the end of each line. Line ends in quoted values stay as they are."""
    held = ""
    while chunk := text.read(_CHUNK):
        parts: list[str] = []
        held += chunk
        done = 0
        for match in _QUOTED_OR_END.finditer(held):
            open_ended = match.end() == len(held) and len(held) - match.start() < _LONGEST_QUOTED
            parts.append(held[done : match.start()])
            done = match.start()
            if open_ended:
                # The next chunk may close the value, double the quote, or complete the line end.
                break
            parts.append("\n" if match[0][0] == "\r" else match[0])
            done = match.end()
        else:
            parts.append(held[done:])
            done = len(held)
        yield "".join(parts)
        held = held[done:]
    yield re.sub(r"\A\r\n?\Z", "\n", held)
