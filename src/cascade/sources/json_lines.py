"""Read JSON lines, one by one. Every value is what its own line says."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from decimal import Decimal
from typing import TypeAlias

from cascade.exceptions import SourceError
from cascade.schemas.rows import RefusedRow
from cascade.sources.malformed import malformed_line
from cascade.sources.matching import InputFile
from cascade.sources.text_files import text_lines

JsonRow: TypeAlias = dict[str, object]

# Every decimal number of so few characters is the shortest form of a float.
_EXACT_LENGTH = 15

# Whether json itself refuses deep values depends on the version of Python and on the stack that is left.
_MOST_LEVELS = 200
_TOO_DEEP = "its values are nested too deeply"


def json_rows(file: InputFile, *, encoding: str | None) -> Iterator[JsonRow | RefusedRow]:
    """Read one file of JSON lines.

    Args:
        file: the file.
        encoding: the encoding that the user named; found if None.

    Yields:
        The object of each line, and a refused row in place of a line that is not one.

    Raises:
        SourceError: the file cannot be read, or is one JSON document of many lines.
    """
    decode = json.JSONDecoder(parse_float=_number, object_pairs_hook=_object).decode
    with file.local() as path:
        is_first = True
        for number, line in text_lines(path, file.shown, encoding=encoding):
            if not line or line.isspace():
                continue
            if is_first:
                _refuse_document(line, file.shown)
                is_first = False
            try:
                row = decode(line)
            except (ValueError, RecursionError) as error:
                yield malformed_line(file.shown, number, _printable(line), _problem(error))
                continue
            if _has_foreign_bytes(line):
                yield malformed_line(
                    file.shown, number, _printable(line), "it holds bytes that are not in its encoding"
                )
            elif not isinstance(row, dict):
                problem = f"expected a JSON object, such as {{...}}, but found {_kind(row)}"
                yield malformed_line(file.shown, number, line, problem)
            elif line.count("[") + line.count("{") > _MOST_LEVELS and _is_too_deep(row):
                yield malformed_line(file.shown, number, line, _TOO_DEEP)
            else:
                yield row


def _refuse_document(line: str, shown: str) -> None:
    """Raise an error for a file that starts as one JSON document of many lines."""
    text = line.strip()
    if text in ("{", "[") or text.startswith(("[{", "[ {")):
        raise SourceError(
            f"{shown} is one JSON document, not one JSON object per line.",
            hint="Read it with json.load, and return its rows.",
        )


class _Refused(ValueError):
    """A value that is valid JSON, but would lose something."""


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return an object, unless it has a key twice, of which a dict keeps only the last."""
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _Refused(f"an object has the key {json.dumps(twice[:40])} twice")
    return found


def _is_too_deep(row: JsonRow) -> bool:
    level: list[object] = [row]
    for _ in range(_MOST_LEVELS):
        inner = [each for part in level for each in (part.values() if isinstance(part, dict) else part)]  # type: ignore[attr-defined]
        level = [each for each in inner if isinstance(each, dict | list)]
    return bool(level)


def _number(text: str) -> float | Decimal:
    """Return a float, or a decimal if a float would lose digits."""
    number = float(text)
    if math.isinf(number):
        raise _Refused(f"the number {text[:40]} is too large")
    if len(text) <= _EXACT_LENGTH:
        return number
    exact = Decimal(text)
    return number if Decimal(repr(number)) == exact else exact


def _problem(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        what = error.msg.removesuffix(" at")
        return f"it is not valid JSON: {what[:1].lower()}{what[1:]} at character {error.pos + 1}"
    if isinstance(error, _Refused):
        return str(error)
    if isinstance(error, RecursionError):
        return _TOO_DEEP
    return f"it is not valid JSON: {error}"


def _kind(value: object) -> str:
    names = {list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


def _has_foreign_bytes(line: str) -> bool:
    return not line.isascii() and any("\udc80" <= character <= "\udcff" for character in line)


def _printable(line: str) -> str:
    return line.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
