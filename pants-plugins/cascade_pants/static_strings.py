"""Strings that can be known without running the code that holds them."""

from __future__ import annotations

import ast


class NotStaticError(Exception):
    """An expression has no value before the module runs."""


class StaticStrings:
    """The string constants of one module: names that are assigned once, at module level, to something static."""

    def __init__(self) -> None:
        self._assigned: dict[str, str | None] = {}

    def assign(self, name: str, source: str) -> None:
        """Take in `name = source`. A second assignment makes the name unknown."""
        self._assigned[name] = None if name in self._assigned else source

    def value(self, node: ast.expr) -> str:
        """Work out an expression.

        Literals, f-strings of static parts, sums of static strings, and names assigned to these in the same module.

        Raises:
            NotStaticError: for anything else.
        """
        return self._value(node, frozenset())

    def _value(self, node: ast.expr, seen: frozenset[str]) -> str:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return self._value(node.left, seen) + self._value(node.right, seen)
        if isinstance(node, ast.JoinedStr):
            return "".join(self._value(part, seen) for part in node.values)
        if isinstance(node, ast.FormattedValue) and node.conversion == -1 and node.format_spec is None:
            return self._value(node.value, seen)
        if isinstance(node, ast.Name) and node.id not in seen:
            source = self._assigned.get(node.id)
            if source is not None:
                try:
                    assigned = ast.parse(f"({source}\n)", mode="eval").body
                except (SyntaxError, ValueError):
                    raise NotStaticError from None
                return self._value(assigned, seen | {node.id})
        raise NotStaticError
