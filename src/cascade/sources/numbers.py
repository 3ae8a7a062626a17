"""Read numbers that are written with a decimal comma."""

from __future__ import annotations

import re

# Apostrophes and blanks, those of typographers too.
_SEPARATORS = ".' \u2019\u00a0\u202f"
_WITH_COMMA = re.compile(rf"([-+]?)(\d+|\d{{1,3}}(?:([{_SEPARATORS}])\d{{3}})(?:\3\d{{3}})*)(?:,(\d+))?", re.ASCII)


def with_point(value: object) -> object:
    """Return the text of a number with a point in place of the decimal comma, and without separators of thousands.

    Args:
        value: a value, such as `1.234,5`. Any other stays as it is, for the schema to refuse.
    """
    found = _WITH_COMMA.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        return value
    sign, whole, separator, fraction = found.groups()
    whole = whole.replace(separator, "") if separator else whole
    return f"{sign}{whole}" if fraction is None else f"{sign}{whole}.{fraction}"
