"""The calls of a script that run a dlt pipeline, each with the statements that make what it loads."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cascade.migration.foreign.source_code import (
    Function,
    SourceCode,
    arguments_of,
    assignments,
)

_PIPELINES = ("dlt.pipeline", "dlt.attach")
COMPOUND = (ast.If, ast.For, ast.While, ast.With, ast.Try)
"""The statements that contain others."""


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
    """Return the names that a script assigns a pipeline to, and parameters with such a name."""
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
        if isinstance(statement, COMPOUND):
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
