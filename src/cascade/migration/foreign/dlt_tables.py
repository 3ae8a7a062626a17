"""The tables that a source, a resource or rows of dlt fill, read from the expression that makes them."""

from __future__ import annotations

import ast
from contextlib import suppress
from dataclasses import replace
from typing import Any

from cascade.migration.foreign.dlt_hints import cursor_of, hinted, with_incremental
from cascade.migration.foreign.dlt_rest import rest_tables
from cascade.migration.foreign.dlt_rows import results_of, rows_table, turns_of, with_yielded_rows
from cascade.migration.foreign.dlt_scope import DEEPEST, Scope, UnreadableError
from cascade.migration.foreign.found import Table
from cascade.migration.foreign.source_code import Function, arguments_of, assignments

_SAME_TABLES = frozenset({"add_limit", "add_map", "add_filter", "add_yield_map", "parallelize", "clone", "add_step"})
_REST = ("rest_api_source", "rest_api_resources")
_RESOURCES = ("dlt.resource", "dlt.transformer")


def tables_of(node: ast.expr, scope: Scope) -> list[Table]:
    """Return the tables that rows of an expression go to.

    Args:
        node: an expression that gives a dlt source, a resource, a list of these, or rows.
        scope: where it is evaluated.

    Raises:
        UnreadableError: only running the code would tell.
    """
    if scope.depth > DEEPEST:
        raise UnreadableError(scope.source, node, "The resources are defined in a circle.")
    if isinstance(node, ast.Name):
        return _of_name(node, scope)
    if isinstance(node, (ast.List, ast.Tuple)):
        return _of_list(node, scope)
    if isinstance(node, ast.Dict):
        return [rows_table(node, scope)]
    if isinstance(node, ast.Call):
        return _of_call(node, scope)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _of_pipe(node, scope)
    if isinstance(node, (ast.Attribute, ast.Subscript)):
        return _of_part(node, scope)
    if isinstance(node, (ast.ListComp, ast.GeneratorExp)):
        return _of_comprehension(node, scope)
    return [rows_table(node, scope)]


def decorated(function: Function, scope: Scope, *names: str) -> ast.expr | None:
    """Return the decorator of a function that has one of some full names, or None."""
    for decorator in function.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        if scope.source.full_name(called) in names:
            return decorator
    return None


def _of_name(node: ast.Name, scope: Scope) -> list[Table]:
    found = scope.lookup(node.id)
    if found is None:
        return [rows_table(node, scope)]
    where, value = found
    if isinstance(value, Function):
        return _of_function(value, None, where, node)
    if isinstance(value, ast.expr):
        rest = {name: each for name, each in where.names.items() if name != node.id}
        tables = tables_of(value, where.deeper(names=rest))
        # What is returned is still the name.
        return [replace(table, returned=None) for table in tables] if len(tables) == 1 else tables
    return [rows_table(node, scope)]


def _of_list(node: ast.List | ast.Tuple, scope: Scope) -> list[Table]:
    value = scope.constant(node)
    if isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
        return [rows_table(node, scope)]
    tables = []
    for item in node.elts:
        inner = item.value if isinstance(item, ast.Starred) else item
        for table in tables_of(inner, scope.deeper()):
            expression = table.returned or scope.source.segment(inner)
            tables.append(replace(table, returned=None if isinstance(item, ast.Starred) else expression))
    return tables


def _of_call(node: ast.Call, scope: Scope) -> list[Table]:
    called = node.func
    if isinstance(called, ast.Attribute):
        tables = _of_method(called, node, scope)
        if tables is not None:
            return tables
    name = scope.source.full_name(called)
    if name.rpartition(".")[2] in _REST:
        return _of_rest(node, scope)
    if name in _RESOURCES or name == "dlt.sources.helpers.resource":
        return [_of_resource_call(node, scope)]
    if name.endswith("sql_database") or name.endswith("sql_table"):
        return _of_sql(node, scope, name)
    if isinstance(called, ast.Call):
        # `dlt.resource(function, ...)(arguments)`.
        return tables_of(called, scope.deeper())
    if isinstance(called, ast.Name):
        found = scope.lookup(called.id)
        if found is not None and isinstance(found[1], Function):
            return _of_function(found[1], node, found[0], node)
        if found is not None and isinstance(found[1], ast.Call):
            return tables_of(found[1], found[0].deeper())
    elif isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name):
        module = scope.source.imports.get(called.value.id)
        path = module and scope.code.module_file(module.full_name, scope.source.path)
        if path:
            source = scope.code.source(path)
            if called.attr in source.functions:
                return _of_function(source.functions[called.attr], node, replace(scope, source=source, names={}), node)
    return [rows_table(node, scope)]


def _of_method(called: ast.Attribute, node: ast.Call, scope: Scope) -> list[Table] | None:
    if called.attr == "with_resources":
        return _selected(called, node, scope)
    if called.attr in _SAME_TABLES or (called.attr == "apply_hints" and not isinstance(called.value, ast.Name)):
        tables = tables_of(called.value, scope.deeper())
        given = arguments_of(node, "table_name") if called.attr == "apply_hints" else {}
        return [replace(hinted(table, given, scope), returned=None) for table in tables]
    if called.attr == "with_name":
        name = scope.constant(node.args[0]) if node.args else None
        tables = tables_of(called.value, scope.deeper())
        if isinstance(name, str) and len(tables) == 1:
            return [replace(tables[0], name=name, resource=None)]
    return None


def _selected(called: ast.Attribute, node: ast.Call, scope: Scope) -> list[Table]:
    names = scope.constant(ast.List(elts=node.args, ctx=ast.Load()))
    if any(not isinstance(name, str) for name in names):
        raise UnreadableError(scope.source, node, "The names of the selected resources are not constant.")
    try:
        of_source = {table.resource or table.name: table for table in tables_of(called.value, scope.deeper())}
    except UnreadableError:
        of_source = {}
    tables = []
    for name in names:
        table = of_source.get(name) or Table(name, scope.source.path, node.lineno)
        tables.append(replace(table, resource=name if len(names) > 1 else None))
    return tables


def _of_part(node: ast.Attribute | ast.Subscript, scope: Scope) -> list[Table]:
    """Return the table of `source.issues`, `source.resources["issues"]` or `rows["items"]`."""
    name = node.attr if isinstance(node, ast.Attribute) else scope.constant(node.slice)
    base = node.value
    if isinstance(base, ast.Attribute) and base.attr in ("resources", "selected_resources"):
        base = base.value
    if isinstance(name, str):
        try:
            for table in tables_of(base, scope.deeper()):
                if name in (table.resource, table.name):
                    return [replace(table, resource=None)]
        except UnreadableError:
            return [Table(name, scope.source.path, node.lineno)]
    return [rows_table(node, scope)]


def _of_pipe(node: ast.BinOp, scope: Scope) -> list[Table]:
    called = node.right.func if isinstance(node.right, ast.Call) else node.right
    try:
        [table] = tables_of(node.right, scope.deeper())
    except (UnreadableError, ValueError):
        table = Table("", scope.source.path, node.lineno)
    name = table.name or scope.source.full_name(called).rpartition(".")[2]
    return [replace(table, name=name, resource=None, returned=None)]


def _of_comprehension(node: ast.ListComp | ast.GeneratorExp, scope: Scope) -> list[Table]:
    [generator, *others] = node.generators
    turns = turns_of(generator.target, scope.constant(generator.iter))
    if others or generator.ifs or not turns:
        return [rows_table(node, scope)]
    tables = []
    for turn in turns:
        tables += tables_of(node.elt, scope.deeper(names={**scope.names, **turn}))
    # The name of the loop exists only inside of it.
    return [replace(table, returned=None) for table in tables]


def _of_function(function: Function, call: ast.Call | None, scope: Scope, node: ast.AST) -> list[Table]:
    names = _parameters(function, call, scope)
    resource = decorated(function, scope, *_RESOURCES)
    if resource is not None:
        return [_of_resource(function, resource, scope.deeper(names={**scope.names, **names}))]
    inside = {
        inner.name: inner for inner in ast.walk(function) if isinstance(inner, Function) and inner is not function
    }
    local = dict(
        pair for statement in ast.walk(function) if isinstance(statement, ast.stmt) for pair in assignments(statement)
    )
    # `names = names or DEFAULT_NAMES` means the parameter.
    given = scope.deeper(names=names)
    local |= {name: given.constant(value) for name, value in local.items() if name in names}
    scope = scope.deeper(names={**names, **local, **inside})
    is_source = decorated(function, scope, "dlt.source") is not None
    tables: list[Table] = []
    for expression, bound in results_of(function, scope):
        tables += tables_of(expression, replace(scope, names=bound))
    if is_source:
        if not tables or any(not table.name for table in tables):
            raise UnreadableError(scope.source, function, f"The resources of {function.name} are named when it runs.")
        own = [table.resource or table.own_resource or table.name for table in tables]
        return [replace(table, resource=name, returned=None) for table, name in zip(tables, own, strict=True)]
    named = bool(tables) and all(table.name for table in tables)
    if named and (len(tables) == 1 or all(table.resource for table in tables)):
        return [replace(table, returned=None) for table in tables]
    if named:
        raise UnreadableError(scope.source, function, f"{function.name} returns several resources, and no source.")
    return [_of_rows(function, scope)]


def _of_resource(function: Function, decorator: ast.expr, scope: Scope) -> Table:
    given = arguments_of(decorator, "data", "name") if isinstance(decorator, ast.Call) else {}
    given.pop("data", None)
    name = scope.constant(given.get("name"))
    described = (ast.get_docstring(function) or "").partition("\n")[0]
    table = Table(name if isinstance(name, str) else function.name, scope.source.path, function.lineno)
    table = replace(table, own_resource=table.name, description=described)
    cursor = cursor_of(function, scope)
    if cursor is not None:
        table = replace(table, cursor=cursor.name, columns=(cursor,) if not cursor.guessed else ())
    table = with_yielded_rows(table, function, scope)
    return hinted(table, given, scope)


def _of_resource_call(node: ast.Call, scope: Scope) -> Table:
    given = arguments_of(node, "data", "name")
    data = given.pop("data", None)
    name = scope.constant(given.get("name"))
    table = Table("", scope.source.path, node.lineno)
    if data is not None:
        with suppress(UnreadableError, ValueError):
            [table] = tables_of(data, scope.deeper())
    table = replace(table, name=name if isinstance(name, str) else table.name, returned=None)
    if given.get("name") is not None and not isinstance(name, str):
        raise UnreadableError(scope.source, node, "The name of a resource is not constant.")
    return hinted(replace(table, resource=None, own_resource=table.name), given, scope)


def _of_rows(function: Function, scope: Scope) -> Table:
    table = Table(function.name, scope.source.path, function.lineno)
    return replace(with_yielded_rows(table, function, scope), name="")


def _of_rest(node: ast.Call, scope: Scope) -> list[Table]:
    config = arguments_of(node, "config").get("config")
    if isinstance(config, ast.Name):
        found = scope.lookup(config.id)
        if found is not None and isinstance(found[1], ast.expr):
            scope, config = found[0], found[1]
    if not isinstance(config, ast.Dict):
        raise UnreadableError(scope.source, node, "The configuration of the REST API is not a dictionary in the code.")
    tables = rest_tables(scope.constant(config), scope.source.path, config.lineno)
    if tables is None:
        raise UnreadableError(scope.source, config, "The resources of the REST API are named when it runs.")
    if scope.source.full_name(node.func).endswith("rest_api_resources"):
        # It returns a list, from which only a source can select.
        return [replace(table, resource=None, own_resource=table.resource or "") for table in tables]
    return tables


def _of_sql(node: ast.Call, scope: Scope, name: str) -> list[Table]:
    if name.endswith("sql_table"):
        given = arguments_of(node, "credentials", "table", "schema")
        table = scope.constant(given.get("table"))
        if isinstance(table, str):
            found = Table(table, scope.source.path, node.lineno)
            return [hinted(with_incremental(found, given.get("incremental"), scope), given, scope)]
    given = arguments_of(node, "credentials", "schema", "metadata", "table_names")
    names = scope.constant(given.get("table_names"))
    if isinstance(names, list) and names and all(isinstance(each, str) for each in names):
        return [Table(each, scope.source.path, node.lineno, resource=each) for each in names]
    text = "The tables of the database are listed when it runs."
    raise UnreadableError(scope.source, node, text)


def _parameters(function: Function, call: ast.Call | None, scope: Scope) -> dict[str, Any]:
    given = function.args
    positional = [*given.posonlyargs, *given.args]
    names: dict[str, Any] = {}
    for argument, default in zip(positional[len(positional) - len(given.defaults) :], given.defaults, strict=True):
        names[argument.arg] = scope.constant(default)
    if call is not None:
        for name, value in arguments_of(call, *(argument.arg for argument in positional)).items():
            names[name] = scope.constant(value)
    return names
