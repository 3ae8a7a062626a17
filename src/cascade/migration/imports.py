"""Rewrite the imports of a module by libcst, which keeps its formatting and comments."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from cascade.exceptions import UsageError
from cascade.migration.names import Module, NewNames

_MAY_CHANGE = re.compile(rb"cascade|from\s*\.")


@dataclass(frozen=True)
class Rewritten:
    """What became of a module.

    Args:
        content: the new source. It equals the old one if nothing was to be done.
        unsure: what a person must decide: the line in the new source, and a sentence.
        missing: what is imported but exists no more: modules, with a name in each or an empty string.
    """

    content: bytes
    unsure: tuple[tuple[int, str], ...] = ()
    missing: frozenset[tuple[str, str]] = frozenset()


def rewrite(
    source: bytes,
    module: Module,
    names: NewNames,
    assets: Mapping[str, str],
    arguments: Mapping[str, str] = MappingProxyType({}),
) -> Rewritten:
    """Rewrite the imports of one module, and the strings that surely name a module or an asset.

    Args:
        source: the source, in any encoding that it declares.
        module: its old and new name.
        names: the new names of what it imports.
        assets: the new names of assets, by their old ones.
        arguments: what to add to the declarations of its workflows, unless they say it already.

    Returns:
        The new source, and what is not sure.

    Raises:
        UsageError: libcst is not installed.
        SyntaxError: the source is not valid Python.
    """
    try:
        import libcst
    except ModuleNotFoundError as error:
        raise UsageError(
            "The package libcst, which rewrites imports, is not installed.",
            hint="Type: pip install 'cascade-workflows[migrate]'",
        ) from error
    from cascade.migration.rewriter import Rewriter

    may_change = _MAY_CHANGE.search(source) or any(name.encode() in source for name in assets)
    if not may_change:
        return Rewritten(source)
    try:
        parsed = libcst.parse_module(source)
    except libcst.ParserSyntaxError as error:
        raise SyntaxError(error.message, (None, error.raw_line, error.raw_column, None)) from error
    rewriter = Rewriter(module, names, assets, arguments)
    after = parsed.visit(rewriter)
    content = source if after.deep_equals(parsed) else after.bytes
    return Rewritten(content, tuple(rewriter.located(after)), frozenset(rewriter.missing))
