"""What dlt is told about a table: its key, how rows are written, its columns and its cursor."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cascade.migration.foreign.columns import columns_of_hints, kind_of_value
from cascade.migration.foreign.dlt_scope import Scope
from cascade.migration.foreign.found import DISPOSITIONS, Column, Remark, Table
from cascade.migration.foreign.models import model_of
from cascade.migration.foreign.source_code import Function, Unknown, arguments_of


def hinted(table: Table, given: Mapping[str, ast.expr], scope: Scope) -> Table:
    """Return a table with the hints of a call: `table_name`, `primary_key`, `write_disposition`, `columns` and others.

    Args:
        table: the table without them.
        given: the arguments of the call.
        scope: where they are evaluated.
    """
    remarks = list(table.remarks)
    line = next((value.lineno for value in given.values()), table.line)
    path = scope.source.path
    name = scope.constant(given.get("table_name"))
    if isinstance(name, str):
        table = replace(table, name=name)
    elif given.get("table_name") is not None:
        remarks.append(
            Remark(
                path,
                line,
                f"The rows of {table.name} go to tables that are chosen row by row. A workflow fills one table: write "
                "one workflow for each, which filters the rows.",
            )
        )
    key = scope.constant(given.get("primary_key"))
    if isinstance(key, str) or (isinstance(key, list) and all(isinstance(each, str) for each in key)):
        table = replace(table, key=(key,) if isinstance(key, str) else tuple(dict.fromkeys(key)))
    elif given.get("primary_key") is not None and key is not None:
        remarks.append(Remark(path, line, f"The primary key of {table.name} is not a constant. Set unique_key."))
    stated = given.get("write_disposition")
    disposition, said = _disposition(None if stated is None else scope.constant(stated), table)
    table = replace(table, disposition=disposition)
    remarks += [Remark(path, line, said)] if said else []
    table = _with_columns(table, given.get("columns"), scope)
    if given.get("merge_key") is not None and not table.key:
        text = (
            f"{table.name} has a merge key, which deletes rows by a column. Use write_disposition='replace' or a key."
        )
        remarks.append(Remark(path, line, text))
    if (contract := given.get("schema_contract")) is not None:
        text = f"The schema contract of {table.name} has no equivalent: the schema decides which columns and rows land."
        remarks.append(Remark(path, contract.lineno, text))
    return replace(table, remarks=(*remarks, *(each for each in table.remarks if each not in remarks)))


def _with_columns(table: Table, node: ast.expr | None, scope: Scope) -> Table:
    if node is None:
        return table
    if isinstance(node, ast.Name) and (found := scope.code.defining(scope.source, node.id)) is not None:
        source, name = found
        if name in source.classes:
            read = model_of(scope.code, source, source.classes[name])
            if read is not None:
                # Checked again once the key is known.
                return replace(
                    table,
                    model=read.model,
                    columns=read.columns,
                    complete=read.complete,
                    remarks=(*table.remarks, *read.remarks),
                )
    hints = columns_of_hints(scope.constant(node))
    replaced = {column.name for column in hints}
    kept = tuple(column for column in table.columns if column.name not in replaced)
    return replace(table, columns=(*hints, *kept))


def cursor_of(function: Function, scope: Scope) -> Column | None:
    """Return the column of a parameter whose default is an incremental cursor, or None.

    Args:
        function: the function of a resource.
        scope: where it is defined.
    """
    given = function.args
    defaults = [*given.defaults, *(each for each in given.kw_defaults if each is not None)]
    for default in defaults:
        found = _of_incremental(default, scope)
        if found is not None:
            return found
    return None


def with_incremental(table: Table, node: ast.expr | None, scope: Scope) -> Table:
    """Return a table with the column of an incremental cursor.

    Args:
        table: the table without it.
        node: the argument `incremental`, or None.
        scope: where it is evaluated.
    """
    column = None if node is None else _of_incremental(node, scope)
    if column is None:
        return table
    return replace(table, cursor=column.name, columns=(*table.columns, *((column,) if not column.guessed else ())))


def _of_incremental(node: ast.expr, scope: Scope) -> Column | None:
    called = node.func if isinstance(node, ast.Call) else None
    if isinstance(called, ast.Subscript):
        called = called.value
    if called is None or not scope.source.full_name(called).endswith("incremental"):
        return None
    assert isinstance(node, ast.Call)
    given = arguments_of(node, "cursor_path", "initial_value")
    path = scope.constant(given.get("cursor_path"))
    if not isinstance(path, str) or not path.replace("_", "").isalnum():
        # A path into nested rows is not a column.
        return None
    initial = given.get("initial_value")
    value = scope.constant(initial)
    kind = None if isinstance(value, Unknown) else kind_of_value(value)
    if kind is None and isinstance(initial, ast.Call) and "datetime" in ast.unparse(initial).lower():
        kind = "instant"
    return Column(path, kind, required=True) if kind is not None else Column(path, "str", guessed=True)


def _disposition(value: Any, table: Table) -> tuple[str, str]:
    if isinstance(value, dict):
        strategy = value.get("strategy")
        if strategy in ("scd2", "insert-only") or isinstance(strategy, Unknown):
            return str(value.get("disposition", "merge")), (
                f"The merge strategy {strategy!r} of {table.name} has no equivalent: the workflow keeps the newest row "
                "of each key. Iceberg keeps earlier snapshots for a time."
            )
        value = value.get("disposition")
    if isinstance(value, str) and value in DISPOSITIONS:
        return value, ""
    if isinstance(value, Unknown):
        return table.disposition, f"The write disposition of {table.name} is not constant. Set write_disposition."
    if value == "skip":
        return table.disposition, f'dlt does not load {table.name} (write_disposition="skip"). Remove the workflow.'
    return table.disposition, ""
