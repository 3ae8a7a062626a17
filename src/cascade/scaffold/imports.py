"""Blocks of imports, sorted and wrapped as ruff's isort rules and formatter leave them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from itertools import groupby

WIDTH = 88
"""The formatter's default. What is wrapped here stays wrapped where lines may be longer, thanks to its last comma."""


def import_block(imports: Iterable[str], *, first_party: frozenset[str]) -> str:
    """Sort imports into sections.

    Args:
        imports: lines such as `import datetime as dt` and `from polars import DataFrame`, one module each.
        first_party: names of the packages that are in the same repository.

    Returns:
        The block, without a newline at its end.
    """
    ordered = sorted(imports, key=lambda line: _key(line, first_party))
    sections = [
        [_wrap(line) for line in lines] for _, lines in groupby(ordered, lambda line: _key(line, first_party)[0])
    ]
    return "\n\n".join("\n".join(lines) for lines in sections)


def _key(line: str, first_party: frozenset[str]) -> tuple[int, bool, str]:
    module = line.split()[1]
    top = module.split(".")[0]
    if top == "__future__":
        section = 0
    elif top in first_party:
        section = 3
    else:
        section = 1 if top in sys.stdlib_module_names else 2
    return section, line.startswith("from "), module


def _wrap(line: str) -> str:
    if len(line) <= WIDTH or not line.startswith("from "):
        return line
    head, _, names = line.partition(" import ")
    return "\n".join([f"{head} import (", *_indented(names.split(", ")), ")"])


def _indented(names: Iterable[str]) -> Iterator[str]:
    return (f"    {name}," for name in names)
