"""The calls of a script that run a dlt pipeline, each with the statements that make what it loads."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cascade.migration.foreign.dlt_scope import UnreadableError
from cascade.migration.foreign.source_code import (
    Function,
    SourceCode,
    arguments_of,
    assignments,
    loaded_names,
)

_PIPELINES = ("dlt.pipeline", "dlt.attach")
_COMPOUND = (ast.If, ast.For, ast.While, ast.With, ast.Try)
_BUILT_IN = frozenset(dir(builtins))


@dataclass(frozen=True)
class Run:
    """A call of `pipeline.run`.

    Args:
        call: the call.
        data: the expression that it loads.
        before: the statements that may lead to it, in order.
        function: the function that contains it, or None.
        caller: a call of that function which gives its arguments, or None.
        before_caller: the statements that may lead to that.
    """

    call: ast.Call
    data: ast.expr
    before: tuple[ast.stmt, ...]
    function: Function | None = None
    caller: ast.Call | None = None
    before_caller: tuple[ast.stmt, ...] = ()


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


def find_runs(source: SourceCode) -> tuple[list[Run], list[Function]]:
    """Find the runs of a script.

    Args:
        source: the script.

    Returns:
        The runs that the script does when it is started, else all of them; and the functions that run a pipeline but
        that the script does not call.
    """
    found = [
        (call, before, function)
        for function, body in _bodies(source)
        for call, before in _calls(body, ())
        if is_run(source, call)
    ]
    started = _called_functions(source)
    runs: list[Run] = []
    idle: dict[str, Function] = {}
    in_functions = {function.name for _, _, function in found if function is not None}
    starts_any = any(function is None for _, _, function in found) or bool(in_functions & started)
    for call, before, function in found:
        data = arguments_of(call, "data").get("data")
        if data is None:
            continue
        if function is not None and starts_any and function.name not in started:
            idle[function.name] = function
            continue
        if function is None:
            runs.append(Run(call, data, before))
            continue
        callers = _callers(source, function) or [(None, ())]
        runs += [Run(call, data, before, function, caller, outer) for caller, outer in callers]
    return runs, list(idle.values())


def is_run(source: SourceCode, call: ast.Call) -> bool:
    """Return whether a call runs a pipeline."""
    if source.full_name(call.func) == "dlt.run":
        return True
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in ("run", "extract"):
        return False
    receiver = call.func.value
    if isinstance(receiver, ast.Call):
        return source.full_name(receiver.func) in _PIPELINES
    if isinstance(receiver, ast.Attribute):
        return receiver.attr == "pipeline" and "dlt" in source.imports
    return isinstance(receiver, ast.Name) and receiver.id in pipeline_names(source)


def pipeline_names(source: SourceCode) -> set[str]:
    """Return the names that a script assigns a pipeline to, and parameters that are called so."""
    names = {"pipeline"} if "dlt" in source.imports else set()
    for node in ast.walk(source.tree):
        if isinstance(node, ast.stmt):
            for name, value in assignments(node):
                if isinstance(value, ast.Call) and source.full_name(value.func) in _PIPELINES:
                    names.add(name)
    return names


def pipeline_argument(source: SourceCode, run: Run, name: str) -> Any:
    """Return a constant argument of the pipeline of a run, such as its `pipeline_name`, or None.

    Args:
        source: the script.
        run: the run.
        name: the argument.
    """
    receiver: ast.expr | None = run.call.func.value if isinstance(run.call.func, ast.Attribute) else None
    if isinstance(receiver, ast.Name):
        outer = {} if run.function is None else source.assigned
        local = dict(pair for statement in run.before for pair in assignments(statement))
        receiver = {**outer, **local}.get(receiver.id)
    if not isinstance(receiver, ast.Call):
        return None
    value = source.constant(arguments_of(receiver, "pipeline_name", "pipelines_dir").get(name))
    return value if isinstance(value, str) else None


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
        if not isinstance(statement, _COMPOUND):
            needed -= bound
        needed |= loaded_names(statement) - (bound if isinstance(statement, _COMPOUND) else set())
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


def _bodies(source: SourceCode) -> Iterator[tuple[Function | None, list[ast.stmt]]]:
    yield None, source.tree.body
    for node in ast.walk(source.tree):
        if isinstance(node, Function):
            yield node, node.body


def _calls(body: list[ast.stmt], before: tuple[ast.stmt, ...]) -> Iterator[tuple[ast.Call, tuple[ast.stmt, ...]]]:
    """Yield each call in a body, but not those in functions inside of it, with the statements before it."""
    for number, statement in enumerate(body):
        earlier = (*before, *body[:number])
        if isinstance(statement, (Function, ast.ClassDef)):
            continue
        if isinstance(statement, _COMPOUND):
            heads = [item.context_expr for item in statement.items] if isinstance(statement, ast.With) else []
            for head in heads:
                yield from ((node, earlier) for node in ast.walk(head) if isinstance(node, ast.Call))
            for block in ("body", "orelse", "finalbody"):
                yield from _calls(getattr(statement, block, []), earlier)
            for handler in getattr(statement, "handlers", []):
                yield from _calls(handler.body, earlier)
            continue
        yield from ((node, earlier) for node in ast.walk(statement) if isinstance(node, ast.Call))


def _called_functions(source: SourceCode) -> set[str]:
    """Return the functions of a script that it calls when it is started, directly or through others."""
    functions = {node.name: node for node in ast.walk(source.tree) if isinstance(node, Function)}
    found: set[str] = set()
    waiting: list[ast.AST] = [node for node in source.tree.body if not isinstance(node, (Function, ast.ClassDef))]
    while waiting:
        for node in ast.walk(waiting.pop()):
            # A method counts by its name, whatever it belongs to.
            name = getattr(node.func, "id", getattr(node.func, "attr", "")) if isinstance(node, ast.Call) else ""
            if name in functions and name not in found:
                found.add(name)
                waiting.append(functions[name])
    return found


def _callers(source: SourceCode, function: Function) -> list[tuple[ast.Call | None, tuple[ast.stmt, ...]]]:
    """Return the calls of a function that give arguments, each with the statements before it."""
    found: list[tuple[ast.Call | None, tuple[ast.stmt, ...]]] = []
    for _, body in _bodies(source):
        for call, before in _calls(body, ()):
            if isinstance(call.func, ast.Name) and call.func.id == function.name and (call.args or call.keywords):
                found.append((call, before))
    return found


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
