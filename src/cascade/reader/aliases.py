"""Names of a project's own that stand for a decorator, such as `daily = partial(dg.asset, group_name="daily")`."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Optional


@dataclass(frozen=True)
class Alias:
    """What a name stands for.

    Args:
        origin: the decorator or class, such as `dagster.asset`.
        arguments: the keyword arguments that are given already.
    """

    origin: str
    arguments: tuple[ast.keyword, ...] = ()


Reexports = Callable[[str], Optional[Alias]]
"""Finds what a name of another module, such as `.common.daily_asset`, stands for. None if it is no alias."""


def alias_of(value: ast.expr, known: Callable[[ast.expr], Alias | None]) -> Alias | None:
    """Return what a variable stands for after an assignment.

    Args:
        value: the assigned expression.
        known: returns what an expression stands for if it is the name of a decorator.

    Returns:
        The decorator, or None if the variable is anything else.
    """
    if not isinstance(value, ast.Call):
        return known(value)
    name = value.func.attr if isinstance(value.func, ast.Attribute) else getattr(value.func, "id", "")
    if name == "partial" and len(value.args) == 1:
        inner = known(value.args[0])
    elif not value.args:
        # Without a function, a decorator returns a decorator.
        inner = known(value.func)
    else:
        inner = None
    return None if inner is None else replace(inner, arguments=merged(inner.arguments, value.keywords))


def merged(given: tuple[ast.keyword, ...], more: list[ast.keyword]) -> tuple[ast.keyword, ...]:
    """Add keyword arguments to those that are given already, which they replace."""
    replaced = {keyword.arg for keyword in more if keyword.arg is not None}
    return (*(keyword for keyword in given if keyword.arg not in replaced), *more)


def called(alias: Alias, node: ast.expr) -> ast.Call:
    """Return the call that a decorator stands for, with the arguments of its alias.

    Args:
        alias: what the decorator's name stands for.
        node: the decorator as written.
    """
    own = node.keywords if isinstance(node, ast.Call) else []
    line = node.lineno
    return ast.Call(
        func=node.func if isinstance(node, ast.Call) else node,
        args=[],
        keywords=list(merged(tuple(_at(keyword, line) for keyword in alias.arguments), own)),
    )


def _at(keyword: ast.keyword, line: int) -> ast.keyword:
    """Move an argument to the line of a decorator, because its own line belongs to another statement."""
    value = copy.copy(keyword.value)
    value.lineno = line
    return ast.keyword(arg=keyword.arg, value=value)


def portable(alias: Alias) -> Alias:
    """Return an alias as another module can read it: arguments that refer to names of its own module become unread."""
    keywords = []
    for keyword in alias.arguments:
        try:
            ast.literal_eval(keyword.value)
        except (ValueError, TypeError, SyntaxError, RecursionError):
            # Unpacking a call is an argument that nobody can read without running the code.
            keywords.append(ast.keyword(arg=None, value=keyword.value))
        else:
            keywords.append(keyword)
    return replace(alias, arguments=tuple(keywords))
