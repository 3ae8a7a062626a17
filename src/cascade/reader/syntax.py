"""Parse pieces of source that may be too new, too deep or too broken for this interpreter."""

from __future__ import annotations

import ast

# What `ast` raises for a syntax error, a null byte, and expressions that are nested too deeply.
UNPARSABLE = (SyntaxError, ValueError, RecursionError, MemoryError)


def parsed_statement(source: str) -> ast.Module | None:
    """Parse a statement, or return None if this interpreter cannot."""
    try:
        return ast.parse(source)
    except UNPARSABLE:
        return None


def parsed_expression(source: str) -> ast.expr | None:
    """Parse an expression, or return None if this interpreter cannot."""
    try:
        # Inside brackets, a comment or a line break at the end is harmless.
        return ast.parse(f"({source}\n)", mode="eval").body
    except UNPARSABLE:
        return None


def written(node: ast.expr) -> str:
    """Return the source of an expression."""
    try:
        return ast.unparse(node)
    except RecursionError:
        return "..."
