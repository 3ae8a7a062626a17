"""Evaluate expressions of Jinja as far as they are constant, and find what they call."""

from __future__ import annotations

import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import nodes
from jinja2.runtime import Undefined

from cascade.dbt_graph.scope import Scope
from cascade.dbt_graph.templates import environment
from cascade.dbt_graph.values import OPAQUE, UNKNOWN, Values, apply, assemble, may_be, union

_BINARY: Mapping[type[nodes.BinExpr], Callable[[Any, Any], Any]] = {
    nodes.Add: operator.add,
    nodes.Sub: operator.sub,
    nodes.Mul: operator.mul,
    nodes.Div: operator.truediv,
    nodes.FloorDiv: operator.floordiv,
    nodes.Mod: operator.mod,
    nodes.Pow: operator.pow,
}
_COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "gteq": operator.ge,
    "lt": operator.lt,
    "lteq": operator.le,
    "in": lambda one, many: one in many,
    "notin": lambda one, many: one not in many,
}

# While dbt parses, it executes nothing, so these hold.
_WHILE_PARSING: Mapping[str, Values] = {"execute": (False,)}


class Expressions(ABC):
    """Evaluates expressions.

    Args:
        target: the name of dbt's target.
    """

    def __init__(self, target: str) -> None:
        self._target = target

    @abstractmethod
    def call(self, node: nodes.Call, scope: Scope) -> Values:
        """Evaluate a call."""

    def value(self, node: nodes.Node | None, scope: Scope) -> Values:
        """Evaluate an expression, following every call in it.

        Args:
            node: the expression.
            scope: the variables.
        """
        if isinstance(node, nodes.Const):
            return (node.value,)
        if isinstance(node, nodes.TemplateData):
            return (node.data,)
        if isinstance(node, nodes.Name):
            known = scope.get(node.name)
            return _WHILE_PARSING.get(node.name, UNKNOWN) if known is None else known
        if isinstance(node, nodes.Call):
            return self.call(node, scope)
        if isinstance(node, (nodes.List, nodes.Tuple)):
            return assemble(lambda *items: list(items), *(self.value(item, scope) for item in node.items))
        if isinstance(node, nodes.Dict):
            pairs = [self.value(part, scope) for pair in node.items for part in (pair.key, pair.value)]
            return assemble(_mapping, *pairs)
        if isinstance(node, (nodes.Getattr, nodes.Getitem)):
            return self._member(node, scope)
        if isinstance(node, (nodes.And, nodes.Or, nodes.Not, nodes.CondExpr, nodes.Compare, nodes.Test)):
            return self._condition(node, scope)
        if isinstance(node, nodes.BinExpr):
            return apply(_BINARY[type(node)], self.value(node.left, scope), self.value(node.right, scope))
        if isinstance(node, nodes.Neg):
            return apply(operator.neg, self.value(node.node, scope))
        if isinstance(node, nodes.Pos):
            return self.value(node.node, scope)
        if isinstance(node, nodes.Concat):
            return self.text([self.value(part, scope) for part in node.nodes])
        if isinstance(node, nodes.Filter):
            return self._filter(node, scope)
        return self._unknown(node, scope)

    def text(self, parts: list[Values]) -> Values:
        """Return the text of several values, one after the other."""
        return apply(lambda *each: "".join(map(str, each)), *parts) if parts else ("",)

    def _unknown(self, node: nodes.Node | None, scope: Scope) -> Values:
        for child in () if node is None else node.iter_child_nodes():
            self.value(child, scope)
        return UNKNOWN

    def _member(self, node: nodes.Getattr | nodes.Getitem, scope: Scope) -> Values:
        owner = node.node
        key: Values
        if isinstance(node, nodes.Getattr):
            key = (node.attr,)
            if isinstance(owner, nodes.Name) and owner.name == "target" and scope.get("target") is None:
                return (self._target,) if node.attr in ("name", "target_name") else UNKNOWN
        elif isinstance(node.arg, nodes.Slice):
            parts = [
                (None,) if one is None else self.value(one, scope)
                for one in (node.arg.start, node.arg.stop, node.arg.step)
            ]
            key = apply(slice, *parts)
        else:
            key = self.value(node.arg, scope)
        return apply(lambda container, index: container[index], self.value(owner, scope), key)

    def _condition(self, node: nodes.Node, scope: Scope) -> Values:
        if isinstance(node, nodes.Not):
            return apply(operator.not_, self.value(node.node, scope))
        if isinstance(node, (nodes.And, nodes.Or)):
            left = self.value(node.left, scope)
            goes_on = isinstance(node, nodes.And)
            if not may_be(left, goes_on):
                return left
            right = self.value(node.right, scope)
            decided = tuple(one for one in left if one is OPAQUE or bool(one) is not goes_on)
            return union([decided, right])
        if isinstance(node, nodes.CondExpr):
            test = self.value(node.test, scope)
            branches = [(True, node.expr1), (False, node.expr2)]
            return union(
                ("",) if branch is None else self.value(branch, scope)
                for truth, branch in branches
                if may_be(test, truth)
            )
        if isinstance(node, nodes.Compare):
            left = self.value(node.expr, scope)
            results: list[Values] = []
            for operand in node.ops:
                right = self.value(operand.expr, scope)
                results.append(apply(_COMPARISONS[operand.op], left, right))
                left = right
            return apply(lambda *each: all(each), *results)
        return self._test(node, scope) if isinstance(node, nodes.Test) else UNKNOWN

    def _test(self, node: nodes.Test, scope: Scope) -> Values:
        value = self.value(node.node, scope)
        arguments = [self.value(argument, scope) for argument in node.args]
        test: Any = environment().tests.get(node.name)
        if test is None or node.kwargs or node.dyn_args or node.dyn_kwargs:
            return self._unknown(node, scope)
        return apply(test, value, *arguments)

    def _filter(self, node: nodes.Filter, scope: Scope) -> Values:
        value = self.value(node.node, scope)
        arguments = [self.value(argument, scope) for argument in node.args]
        named = {str(pair.key): self.value(pair.value, scope) for pair in node.kwargs}
        if node.name in ("as_text", "as_native", "as_bool", "as_number"):
            return value
        function: Any = environment().filters.get(node.name)
        if function is None or node.dyn_args or node.dyn_kwargs:
            return UNKNOWN
        # Some filters want the environment before the value.
        passed = str(getattr(function, "jinja_pass_arg", ""))
        before: tuple[Any, ...] = (environment(),) if "environment" in passed else ()
        if "context" in passed:
            return UNKNOWN
        if "eval_context" in passed:
            before = (nodes.EvalContext(environment()),)

        def filtered(one: Any, *rest: Any) -> Any:
            positional, keywords = rest[: len(arguments)], rest[len(arguments) :]
            result = function(*before, one, *positional, **dict(zip(named, keywords, strict=True)))
            return OPAQUE if isinstance(result, Undefined) else result

        return apply(filtered, value, *arguments, *named.values())


def _mapping(*parts: Any) -> Any:
    try:
        return dict(zip(parts[::2], parts[1::2], strict=True))
    except TypeError:
        return OPAQUE
