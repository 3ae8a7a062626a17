"""The statements of a dlt script that make what a run loads."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cascade.migration.foreign.dlt_runs import COMPOUND, Run, is_run, pipeline_names
from cascade.migration.foreign.dlt_scope import UnreadableError
from cascade.migration.foreign.source_code import Function, SourceCode, arguments_of, assignments, loaded_names

_BUILT_IN = frozenset(dir(builtins))


@dataclass(frozen=True)
class Slice:
    """The statements that an expression depends on.

    Args:
        texts: their source, in order.
        nodes: the statements of the script themselves.
        outer: the names that they take from the top level of the script.
        local: what local names are assigned, for reading constants.
    """

    texts: tuple[str, ...]
    nodes: tuple[ast.stmt, ...]
    outer: frozenset[str]
    local: dict[str, Any]


def slice_of(source: SourceCode, run: Run) -> Slice:
    """Return the statements of a script that make what a run loads.

    Args:
        source: the script.
        run: the run.

    Raises:
        UnreadableError: they cannot be separated from the rest of the script.
    """
    needed = loaded_names(run.data)
    nodes, needed = _backwards(source, run.before, needed, run)
    texts = [source.statement_text(node) for node in nodes]
    local: dict[str, Any] = {name: value for node in nodes for name, value in assignments(node)}
    local |= {node.name: node for node in nodes if isinstance(node, Function)}
    if run.function is not None:
        parameters = _parameters(run.function)
        for name in [name for name in parameters if name in needed]:
            value = _given(run, name, parameters[name])
            if value is None:
                text = f"The parameter {name} of {run.function.name} has no constant value."
                raise UnreadableError(source, run.call, text)
            needed.discard(name)
            if not (isinstance(value, ast.Name) and value.id == name):
                local[name] = value
            more: list[ast.stmt] = []
            if run.caller is not None and value is not parameters[name]:
                more, of_caller = _backwards(source, run.before_caller, loaded_names(value), run)
                needed |= of_caller
                local = {**dict(pair for node in more for pair in assignments(node)), **local}
            own = ast.unparse(value)
            texts = [
                *(source.statement_text(node) for node in more),
                *([] if own == name else [f"{name} = {source.segment(value)}\n"]),
                *texts,
            ]
            nodes = [*more, *nodes]
    outer = frozenset(name for name in needed if name not in _BUILT_IN or name in source.imports)
    return Slice(tuple(dict.fromkeys(texts)), tuple(nodes), outer, local)


def _backwards(
    source: SourceCode, before: tuple[ast.stmt, ...], needed: set[str], run: Run
) -> tuple[list[ast.stmt], set[str]]:
    nodes: list[ast.stmt] = []
    needed = set(needed)
    pipelines = pipeline_names(source)
    at_top = {id(statement) for statement in source.tree.body}
    for statement in reversed(before):
        if id(statement) in at_top and isinstance(statement, (Function, ast.ClassDef, ast.Import, ast.ImportFrom)):
            # It is imported from the copy.
            continue
        bound = set(_bound(statement))
        if not (bound & needed or _changed_root(statement) in needed):
            continue
        if any(isinstance(node, ast.Call) and is_run(source, node) for node in ast.walk(statement)):
            raise UnreadableError(source, statement, "What is loaded depends on a run before it.")
        if (loaded_names(statement) | (bound & needed)) & pipelines:
            raise UnreadableError(source, run.call, "What is loaded depends on the pipeline.")
        nodes.insert(0, statement)
        if not isinstance(statement, COMPOUND):
            needed -= bound
        needed |= loaded_names(statement) - (bound if isinstance(statement, COMPOUND) else set())
        if isinstance(statement, Function):
            inside = {name for node in ast.walk(statement) if isinstance(node, ast.stmt) for name in _bound(node)}
            needed -= {*inside, *_parameters(statement)} - loaded_names(run.data)
    if needed & pipelines:
        raise UnreadableError(source, run.call, "What is loaded depends on the pipeline.")
    loops = {name for name in needed for name in _loop_targets(source, run) if name in needed}
    if loops:
        text = f"The run is in a loop over {', '.join(sorted(loops))}."
        raise UnreadableError(source, run.call, text)
    return nodes, needed


def _parameters(function: Function) -> dict[str, ast.expr | None]:
    given = function.args
    positional = [*given.posonlyargs, *given.args]
    defaults: list[ast.expr | None] = [*[None] * (len(positional) - len(given.defaults)), *given.defaults]
    found = {argument.arg: default for argument, default in zip(positional, defaults, strict=True)}
    found |= {each.arg: default for each, default in zip(given.kwonlyargs, given.kw_defaults, strict=True)}
    return found | {each.arg: None for each in (given.vararg, given.kwarg) if each is not None}


def _given(run: Run, name: str, default: ast.expr | None) -> ast.expr | None:
    assert run.function is not None
    if run.caller is None:
        return default
    return arguments_of(run.caller, *_parameters(run.function)).get(name, default)


def _bound(statement: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement assigns, those of its blocks included."""
    if isinstance(statement, (Function, ast.ClassDef)):
        yield statement.name
        return
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)


def _changed_root(statement: ast.stmt) -> str | None:
    """Return the name whose value a statement changes, as in `source.add_limit(10)` and `source.x.y = 1`."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        node: ast.AST = statement.value.func
        if not isinstance(node, ast.Attribute):
            return None
    elif isinstance(statement, ast.Assign) and isinstance(statement.targets[0], (ast.Attribute, ast.Subscript)):
        node = statement.targets[0]
    else:
        return None
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None


def _loop_targets(source: SourceCode, run: Run) -> Iterator[str]:
    for node in ast.walk(run.function or source.tree):
        if isinstance(node, ast.For) and any(inner is run.call for inner in ast.walk(node)):
            yield from (inner.id for inner in ast.walk(node.target) if isinstance(inner, ast.Name))
