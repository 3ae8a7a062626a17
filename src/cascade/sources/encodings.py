"""Find the encoding of a text file by reading all of it, because its first lines may be plain ASCII.

A byte order mark decides. Without one, a file is UTF-8 if all of it is valid, or if most lines with more than ASCII are
(the others are then malformed lines). A file of other bytes is most often from Windows, so cp1252 is the guess unless
charset-normalizer recognizes a language that is not written in those letters.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from cascade.exceptions import SourceError

_CHUNK = 1 << 20
_SAMPLE = 1 << 16
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_USUAL = "cp1252"
_CONSIDERED = ["cp1252", "cp1250", "cp1251", "cp1253", "cp1255", "cp1256", "cp932", "gb18030", "big5", "cp949"]
_CENTRAL_EUROPEAN = {"Croatian", "Czech", "Hungarian", "Polish", "Romanian", "Slovak", "Slovene"}


@dataclass(frozen=True)
class Encoding:
    """How the bytes of a file become text.

    Args:
        name: the name of Python's codec, such as `utf-8`.
        mark: length in bytes of the byte order mark.
        guessed: whether the bytes alone do not prove it.
    """

    name: str
    mark: int = 0
    guessed: bool = False


def check_encoding(name: str) -> str:
    """Return the normal name of an encoding that the user named.

    Raises:
        SourceError: Python has no text encoding of that name.
    """
    try:
        found = codecs.lookup(name)
    except LookupError:
        found = None
    if found is None or not getattr(found, "_is_text_encoding", True):
        raise SourceError(
            f"encoding={name!r} is not an encoding that Python knows.", hint='Use one such as "cp1252" or "utf-16".'
        )
    return found.name


def encoding_of(stream: IO[bytes], declared: str | None = None) -> Encoding:
    """Find the encoding of a file.

    Args:
        stream: the bytes, from the start. All of them may be read.
        declared: the encoding that the user named; only the byte order mark is then looked for.
    """
    head = stream.read(_SAMPLE)
    mark = next(((name, len(mark)) for mark, name in _MARKS if head.startswith(mark)), None)
    if declared is not None:
        return _declared(declared, mark)
    if mark is not None:
        return Encoding(*mark)
    wide = _wide(head)
    if wide is not None:
        return Encoding(wide, guessed=True)
    return _narrow(head, stream)


def _declared(name: str, mark: tuple[str, int] | None) -> Encoding:
    if mark is not None and mark[0].startswith(name.removesuffix("-sig")):
        return Encoding(*mark)
    # Without a mark, Windows and Linux write the low byte first.
    return Encoding(f"{name}-le" if name in ("utf-16", "utf-32") else name.removesuffix("-sig"))


def _wide(head: bytes) -> str | None:
    """Return which UTF-16 a file without a mark is in: one of the two bytes of most characters is zero."""
    head = head[: len(head) // 2 * 2]
    first, second = head[0::2].count(0), head[1::2].count(0)
    enough, few = 0.1 * len(head) / 2, 0.02 * len(head) / 2
    if second > enough and first <= few:
        name = "utf-16-le"
    elif first > enough and second <= few:
        name = "utf-16-be"
    else:
        return None
    # A narrow file can contain zero bytes, too, but its line ends then are no characters of UTF-16.
    text = head.decode(name, "replace")
    ends, bytes_of_ends = text.count("\n") + text.count("\r"), head.count(b"\n") + head.count(b"\r")
    return name if ends * 2 >= bytes_of_ends else None


def _narrow(head: bytes, stream: IO[bytes]) -> Encoding:
    valid = invalid = 0
    sample = bytearray()
    for line in _lines_beyond_ascii(head, stream):
        try:
            line.decode("utf-8")
            valid += 1
        except UnicodeDecodeError:
            invalid += 1
            if len(sample) < _SAMPLE:
                sample += line[:4096] + b"\n"
    if invalid <= valid:
        return Encoding("utf-8")
    return Encoding(_guess(bytes(sample)), guessed=True)


def _lines_beyond_ascii(head: bytes, stream: IO[bytes]) -> Iterator[bytes]:
    """Yield the lines that contain more than ASCII, as whole lines."""
    held = b""
    chunk = head
    while chunk:
        if held or not chunk.isascii():
            *lines, held = (held + chunk).replace(b"\r", b"\n").split(b"\n")
            yield from (line for line in lines if not line.isascii())
        # A line of ASCII so far may go on with other bytes, which are a line of their own here.
        chunk = stream.read(_CHUNK)
    if not held.isascii():
        yield held


def _guess(sample: bytes) -> str:
    from charset_normalizer import from_bytes

    best = from_bytes(sample, cp_isolation=_CONSIDERED).best()
    usual = _decodes(sample, _USUAL)
    if best is None:
        return _USUAL if usual else "latin-1"
    latin = best.encoding in ("cp1250", "cp1252")
    recognized = best.coherence > 0 and (not latin or best.language in _CENTRAL_EUROPEAN)
    return best.encoding if recognized or not usual else _USUAL


def _decodes(sample: bytes, name: str) -> bool:
    try:
        sample.decode(name)
    except UnicodeDecodeError:
        return False
    return True
