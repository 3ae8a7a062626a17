"""The calls in a model that is written in Python."""

from __future__ import annotations

import ast

from cascade.dbt_graph.calls import Calls, Place, Ref


def python_calls(text: str, file: str) -> Calls:
    """Find `dbt.ref`, `dbt.source` and `dbt.config` in a Python model. dbt wants their arguments to be literals.

    Args:
        text: the source of the model.
        file: its file.

    Raises:
        SyntaxError: it is not valid Python.
    """
    calls = Calls()
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        owner = node.func.value
        if not isinstance(owner, ast.Name) or owner.id != "dbt":
            continue
        place = Place(file, node.lineno)
        words = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
        named = {one.arg: one.value.value for one in node.keywords if isinstance(one.value, ast.Constant)}
        if node.func.attr == "config":
            calls.config.update({name: (value,) for name, value in named.items() if name})
        elif node.func.attr in ("ref", "source"):
            if len(words) != len(node.args) or not words:
                calls.computed[place] = node.func.attr
            elif node.func.attr == "source" and len(words) == 2:
                calls.sources.setdefault((str(words[0]), str(words[1])), place)
            elif node.func.attr == "ref":
                version = named.get("version", named.get("v"))
                ref = Ref(str(words[-1]), str(words[0]) if len(words) == 2 else None, _text(version))
                calls.refs.setdefault(ref, place)
    return calls


def _text(value: object) -> str | None:
    return None if value is None else str(value)
