"""What the functions of a dlt script return and yield: expressions, and rows that are written in the code."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from cascade.migration.foreign.columns import columns_of_rows
from cascade.migration.foreign.dlt_scope import Scope
from cascade.migration.foreign.found import Table
from cascade.migration.foreign.source_code import Function, Unknown, assignments

_MOST_TURNS = 200


def results_of(function: Function, scope: Scope) -> Iterator[tuple[ast.expr, Mapping[str, Any]]]:
    """Yield what a function returns or yields, with the local names; once for each value of a constant loop.

    Args:
        function: the function.
        scope: that of its body.
    """

    def walk(statements: list[ast.stmt], names: Mapping[str, Any]) -> Iterator[tuple[ast.expr, Mapping[str, Any]]]:
        for statement in statements:
            if isinstance(statement, ast.Return) and statement.value is not None:
                yield statement.value, names
            elif isinstance(statement, ast.Expr) and isinstance(statement.value, (ast.Yield, ast.YieldFrom)):
                if statement.value.value is not None:
                    yield statement.value.value, names
            elif isinstance(statement, ast.For):
                turns = turns_of(statement.target, replace(scope, names=names).constant(statement.iter))
                for turn in turns or [{}]:
                    yield from walk(statement.body, {**names, **turn})
            elif isinstance(statement, (ast.If, ast.While, ast.With, ast.Try)):
                yield from walk(statement.body, names)
                yield from walk(getattr(statement, "orelse", []), names)

    return walk(function.body, scope.names)


def turns_of(target: ast.expr, values: Any) -> list[dict[str, Any]]:
    """Return what the names of a loop are assigned in each of its turns; nothing if that is not constant.

    Args:
        target: the name or the names of the loop.
        values: what it goes through, with `UNKNOWN` for what is not constant.
    """
    if isinstance(values, dict):
        values = [*values]
    if not isinstance(values, list) or len(values) > _MOST_TURNS:
        return []
    if isinstance(target, ast.Name):
        return [] if any(isinstance(value, Unknown) for value in values) else [{target.id: value} for value in values]
    names = [each.id for each in getattr(target, "elts", []) if isinstance(each, ast.Name)]
    if not names or not all(isinstance(value, list) and len(value) == len(names) for value in values):
        return []
    return [dict(zip(names, value, strict=True)) for value in values]


def rows_table(node: ast.expr, scope: Scope) -> Table:
    """Return a table without a name for rows, with their columns if the code contains them.

    Args:
        node: the expression that gives the rows.
        scope: where it is evaluated.
    """
    table = Table("", scope.source.path, node.lineno)
    value = scope.constant(node)
    rows = value if isinstance(value, list) else [value]
    return _with_rows(table, rows)


def with_yielded_rows(table: Table, function: Function, scope: Scope) -> Table:
    """Add the columns of the rows that a function writes in its code, if it yields nothing else.

    Args:
        table: the table of its rows.
        function: the function.
        scope: that of its parameters.
    """
    local = dict(pair for statement in function.body for pair in assignments(statement))
    inner = scope.deeper(names={**scope.names, **local})
    rows: list[Any] = []
    for expression, names in results_of(function, inner):
        value = replace(inner, names=names).constant(expression)
        rows += value if isinstance(value, list) else [value]
    return _with_rows(table, rows)


def _with_rows(table: Table, rows: list[Any]) -> Table:
    if not rows or not all(isinstance(row, dict) for row in rows):
        return table
    columns, left = columns_of_rows(rows)
    known = {column.name for column in columns}
    columns = (*columns, *(column for column in table.columns if column.name not in known))
    return replace(table, columns=columns, complete=not left)
