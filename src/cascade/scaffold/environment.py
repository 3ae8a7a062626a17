"""The jinja2 environment of the templates, and helpers that write Python in the formatter's style."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment

WIDTH = 88
"""The formatter's default line length. Thanks to trailing commas, wrapped code stays wrapped with longer lines."""

_PLAIN_YAML = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_YAML_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})


@cache
def environment() -> Environment:
    """Return the jinja2 environment of all templates.

    Its filters are `tuple`, and the functions `literal`, `wrapped` and `yaml` below. An undefined name in a template is
    an error.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("cascade.scaffold"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    made.filters.update(literal=literal, tuple=tuple, wrapped=wrapped, yaml=yaml)
    return made


def literal(value: object) -> str:
    """Write a value as a Python literal, with the quotes that the formatter prefers.

    Args:
        value: a string, a number, None, or a list, tuple or dict of these.
    """
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False) if value.isprintable() and '"' not in value else repr(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{literal(name)}: {literal(item)}" for name, item in value.items()) + "}"
    if isinstance(value, tuple):
        return "(" + ", ".join(map(literal, value)) + (",)" if len(value) == 1 else ")")
    return "[" + ", ".join(map(literal, value)) + "]" if isinstance(value, list) else repr(value)


def wrapped(value: object, indent: int, before: int = 0) -> str:
    """Write a dict, list or tuple on one line if it fits, else with one item per line, as the formatter does.

    Args:
        value: the value to write.
        indent: the indentation of the line, in characters.
        before: the characters on that line before and after the value.
    """
    line = literal(value)
    if indent + before + len(line) <= WIDTH or not isinstance(value, (dict, list, tuple)):
        return line
    space = " " * indent
    if isinstance(value, dict):
        items = [f"{literal(name)}: {literal(item)}" for name, item in value.items()]
    else:
        items = [literal(item) for item in value]
    inner = "".join(f"{space}    {item},\n" for item in items)
    return f"{line[0]}\n{inner}{space}{line[-1]}"


def yaml(text: str) -> str:
    """Write a string for YAML, in quotes if YAML would read it as another value.

    Args:
        text: any string.
    """
    plain = _PLAIN_YAML.fullmatch(text) and text.lower() not in _YAML_WORDS
    return text if plain else json.dumps(text, ensure_ascii=False)


def docstring(text: str) -> str:
    """Write a module that contains only a one-line docstring."""
    return f'"""{text}"""\n'


def in_words(domain: str) -> str:
    """Write a domain in words: `credit_risk` as `credit risk`."""
    return domain.strip("_").replace("_", " ")


def import_block(imports: Iterable[str], *, first_party: frozenset[str]) -> str:
    """Sort and wrap imports as ruff's isort rules and formatter do.

    Args:
        imports: lines such as `import datetime as dt` and `from polars import DataFrame`, one module each.
        first_party: names of the packages in the same repository.

    Returns:
        The block of imports, without a final newline.
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
