"""Which columns of a table the text of a model names: without dbt, and without a parser of SQL."""

from __future__ import annotations

import re
from collections.abc import Iterable

from cascade.contracts.model import ALL_COLUMNS

_COMMENT = re.compile(r"\{#.*?#\}|/\*.*?\*/|--[^\n]*", re.DOTALL)
_PYTHON_COMMENT = re.compile(r"#[^\n]*")
# The star of `select *`, `select distinct *`, `, *` and `t.*`, but not that of `count(*)` or a product.
_STAR = re.compile(r"(?:\bselect(?:\s+distinct)?\s+|\.\s*|,\s*)\*", re.IGNORECASE)
_WORD = re.compile(r"\w+")


def named_columns(text: str, columns: Iterable[str], *, is_python: bool = False) -> tuple[str, ...]:
    """Find the columns that a model may read from a table.

    Args:
        text: the source of the model.
        columns: the columns of the table.
        is_python: whether the model is in Python, of which every name and every text counts.

    Returns:
        The columns that the text names outside of comments, in any case, in their order; `*` for all of them.
        A name that the text gives to something else counts too. So this may find too many, and misses only what a macro
        or a variable names.
    """
    code = (_PYTHON_COMMENT if is_python else _COMMENT).sub(" ", text)
    if not is_python and _STAR.search(code):
        return (ALL_COLUMNS,)
    words = {word.casefold() for word in _WORD.findall(code)}
    return tuple(name for name in columns if name.casefold() in words)
