"""Find the end of an f-string or t-string in which quotes are nested, as Python allows from 3.12 on.

f"{names["key"]}"    f"{f"{a["("]}"}"    f'{x:{width["'"]}}'
"""

from __future__ import annotations

import re

_QUOTE = re.compile(r"""\"\"\"|'''|"|'""")
_PREFIX = re.compile(r"(?<!\w)(?:[fFtT][rR]?|[rR][fFtT])\Z")
# A plain string inside a replacement field.
_PLAIN = re.compile(
    r'''"""[^"\\]*(?:(?:\\.|"(?!""))[^"\\]*)*"""|\'\'\'[^'\\]*(?:(?:\\.|'(?!''))[^'\\]*)*\'\'\'
      |"[^"\\\n]*(?:\\.[^"\\\n]*)*"|'[^'\\\n]*(?:\\.[^'\\\n]*)*\'''',
    re.VERBOSE | re.DOTALL,
)
_IN_TEXT = re.compile(r"""[^\\{}"'\n]+""")
_IN_FIELD = re.compile(r"""[^"'()\[\]{}:\#]+""")
_FIELD, _SPEC = "field", "spec"


def is_formatted(text: str, quote: int) -> bool:
    """Return whether the string whose opening quote is at a position of a text is an f-string or t-string."""
    return quote > 0 and text[quote - 1] in "fFtTrR" and _PREFIX.search(text, max(0, quote - 3), quote) is not None


def end_of_formatted(text: str, quote: int) -> int | None:
    """Return the position after an f-string or t-string, or None if it has no end.

    Args:
        text: the source.
        quote: the position of its opening quote.
    """
    opening = _opening(text, quote)
    position = quote + len(opening)
    # What is open: the quotes of a string, a replacement field with the number of its open brackets, or the format
    # specification of a field with the quotes of its string.
    open_parts: list[tuple[str, str, int]] = [(opening, opening, 0)]
    while open_parts and position < len(text):
        if open_parts[-1][0] == _FIELD:
            position = _after_field_part(text, position, open_parts)
        else:
            position = _after_text_part(text, position, open_parts)
        if position < 0:
            return None
    return None if open_parts else position


def _after_text_part(text: str, position: int, open_parts: list[tuple[str, str, int]]) -> int:
    kind, quotes, _ = open_parts[-1]
    plain = _IN_TEXT.match(text, position)
    if plain:
        return plain.end()
    character = text[position]
    if text.startswith(quotes, position):
        if kind == _SPEC:
            return -1
        open_parts.pop()
        return position + len(quotes)
    if character == "\\":
        return position + 2
    if character == "\n" and len(quotes) == 1:
        return -1
    if kind == _SPEC and character == "}":
        open_parts.pop()
        open_parts.pop()
        return position + 1
    if character == "{":
        if kind != _SPEC and text.startswith("{{", position):
            return position + 2
        open_parts.append((_FIELD, quotes, 0))
    return position + 1


def _after_field_part(text: str, position: int, open_parts: list[tuple[str, str, int]]) -> int:
    kind, quotes, depth = open_parts[-1]
    plain = _IN_FIELD.match(text, position)
    if plain:
        return plain.end()
    character = text[position]
    if character in "\"'":
        if is_formatted(text, position):
            opening = _opening(text, position)
            open_parts.append((opening, opening, 0))
            return position + len(opening)
        string = _PLAIN.match(text, position)
        return string.end() if string else -1
    if character == "#":
        end = text.find("\n", position)
        return end if end >= 0 else -1
    if character == "}" and depth == 0:
        open_parts.pop()
    elif character in ")]}":
        open_parts[-1] = (kind, quotes, depth - 1)
    elif character in "([{":
        open_parts[-1] = (kind, quotes, depth + 1)
    elif depth == 0:
        open_parts.append((_SPEC, quotes, 0))
    return position + 1


def _opening(text: str, position: int) -> str:
    found = _QUOTE.match(text, position)
    assert found is not None, "there is no quote"
    return found[0]
