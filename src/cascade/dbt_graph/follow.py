"""Follow a template: its statements, its calls, and the macros that it calls."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence

from jinja2 import nodes

from cascade.dbt_graph.builtin_calls import BuiltinCalls
from cascade.dbt_graph.calls import Macro, Surroundings
from cascade.dbt_graph.errors import TemplateError
from cascade.dbt_graph.scope import Scope
from cascade.dbt_graph.templates import SNAPSHOT, has_jinja, parse
from cascade.dbt_graph.values import OPAQUE, UNKNOWN, Values, apply, assemble, may_be, union

_DEEPEST = 25
_MOST_ITERATIONS = 400


class Follower(BuiltinCalls):
    """Follows templates of one package, and collects their calls in `calls`.

    A condition that is not constant is followed both ways, and a loop over something unknown once.

    Args:
        surroundings: what the project offers.
        package: the package of the templates.
        file: the file of the templates.
        line: where in the file they start.
    """

    def __init__(self, surroundings: Surroundings, package: str, file: str, line: int = 1) -> None:
        super().__init__(surroundings, package, file, line)
        self._stack: list[str] = []
        self._known: dict[str, Values] = {}

    def template(self, template: nodes.Template) -> None:
        """Follow a whole template."""
        self._statements(template.body, Scope(), wants_text=False)

    def string(self, text: str) -> None:
        """Follow a text that dbt renders. One that Jinja cannot parse is left to dbt."""
        if has_jinja(text):
            try:
                self.template(parse(text))
            except TemplateError:
                return

    def rendered(self, text: str) -> str | None:
        """Return what a text renders to, or None if that cannot be told."""
        try:
            values = self._statements(parse(text).body, Scope(), wants_text=True)
        except TemplateError:
            return None
        return values[0] if len(values) == 1 and isinstance(values[0], str) else None

    def snapshot(self, node: nodes.Macro) -> None:
        """Follow the block of a snapshot."""
        self._statements(node.body, Scope(), wants_text=False)

    def invoke(self, macro: Macro, arguments: Sequence[Values], named: dict[str, Values]) -> Values:
        """Follow a macro.

        Args:
            macro: the macro.
            arguments: the values of its arguments.
            named: the values of its named arguments.

        Returns:
            What it returns, or its text.
        """
        key = f"{macro.package}.{macro.name}({list(arguments)!r}, {named!r})"
        if key in self._known:
            return self._known[key]
        if macro.file:
            self.calls.macro_files.add(macro.file)
        if key in self._stack or len(self._stack) >= _DEEPEST:
            return UNKNOWN
        before = (self._package, self._file, self._line, self._done, self._returned)
        self._stack.append(key)
        if macro.file:
            self._package, self._file, self._line = macro.package, macro.file, 1
        self._done, self._returned = False, []
        scope = Scope([self._parameters(macro.node, arguments, named)])
        text = self._statements(macro.node.body, scope, wants_text=True)
        result = union([*self._returned, *([] if self._done else [text])] if self._returned else [text])
        self._package, self._file, self._line, self._done, self._returned = before
        self._stack.pop()
        self._known[key] = result
        return result

    def _parameters(
        self, node: nodes.Macro, arguments: Sequence[Values], named: dict[str, Values]
    ) -> dict[str, Values]:
        frame: dict[str, Values] = {}
        names = [argument.name for argument in node.args]
        defaults = dict(zip(names[len(names) - len(node.defaults) :], node.defaults, strict=True))
        for number, name in enumerate(names):
            if number < len(arguments):
                frame[name] = arguments[number]
            elif name in named:
                frame[name] = named[name]
            elif name in defaults:
                frame[name] = self.value(defaults[name], Scope([frame]))
            else:
                frame[name] = UNKNOWN
        frame["varargs"] = assemble(lambda *many: list(many), *arguments[len(names) :])
        others = {name: values for name, values in named.items() if name not in names}
        frame["kwargs"] = assemble(lambda *many: dict(zip(others, many, strict=True)), *others.values())
        return frame

    def _statements(self, body: Iterable[nodes.Node], scope: Scope, *, wants_text: bool) -> Values:
        parts: list[Values] = []
        for node in body:
            parts.append(self._statement(node, scope, wants_text=wants_text))
            if self._done:
                break
        return self.text(parts) if wants_text else UNKNOWN

    def _statement(self, node: nodes.Node, scope: Scope, *, wants_text: bool) -> Values:
        nothing: Values = ("",)
        if isinstance(node, nodes.Output):
            values = [self.value(part, scope) for part in node.nodes]
            return self.text(values) if wants_text else UNKNOWN
        if isinstance(node, nodes.If):
            return self._branches(node, scope, wants_text=wants_text)
        if isinstance(node, nodes.For):
            return self._loop(node, scope, wants_text=wants_text)
        if isinstance(node, nodes.Assign):
            self._assign(node.target, self.value(node.node, scope), scope)
            return nothing
        if isinstance(node, nodes.AssignBlock):
            text = self._statements(node.body, scope, wants_text=True)
            self._assign(node.target, text if node.filter is None else UNKNOWN, scope)
            return nothing
        if isinstance(node, nodes.Macro):
            if not node.name.startswith((SNAPSHOT, "materialization_", "test_")):
                scope.set(node.name, (Macro(self._package, node.name, node),))
            return nothing
        if isinstance(node, nodes.ExprStmt):
            self.value(node.node, scope)
            return nothing
        if isinstance(node, nodes.CallBlock):
            result = self.value(node.call, scope)
            self._statements(node.body, scope.fork(), wants_text=False)
            return result
        inner = getattr(node, "body", None)
        if isinstance(inner, list):
            self._statements(inner, scope, wants_text=False)
            return UNKNOWN
        return nothing

    def _branches(self, node: nodes.If, scope: Scope, *, wants_text: bool) -> Values:
        taken: list[Scope] = []
        texts: list[Values] = []
        done: list[bool] = []

        def take(body: list[nodes.Node]) -> None:
            branch = scope.fork()
            texts.append(self._statements(body, branch, wants_text=wants_text))
            taken.append(branch)
            done.append(self._done)
            self._done = False

        for condition in (node, *node.elif_):
            test = self.value(condition.test, scope)
            if may_be(test, True):
                take(condition.body)
            if not may_be(test, False):
                break
        else:
            take(node.else_)
        goes_on = [branch for branch, ended in zip(taken, done, strict=True) if not ended]
        scope.merge(goes_on or taken)
        self._done = all(done)
        return union(texts)

    def _loop(self, node: nodes.For, scope: Scope, *, wants_text: bool) -> Values:
        branches: list[Scope] = []
        texts: list[Values] = []
        for iterated in self.value(node.iter, scope):
            branch = scope.fork()
            items = list(iterated) if isinstance(iterated, (list, dict, str)) else None
            if items is None or len(items) > _MOST_ITERATIONS:
                self._iteration(node, UNKNOWN, {}, branch, wants_text=False)
                # It may have run any number of times, or not at all.
                branch.merge([branch.fork(), scope])
                self._done = False
                texts.append(UNKNOWN)
            else:
                texts.append(self._iterations(node, items, branch, wants_text=wants_text))
            branches.append(branch)
        scope.merge(branches)
        return union(texts)

    def _iterations(self, node: nodes.For, items: list[object], scope: Scope, *, wants_text: bool) -> Values:
        parts: list[Values] = []
        for number, item in enumerate(items):
            loop: dict[str, object] = {
                "index": number + 1,
                "index0": number,
                "first": number == 0,
                "last": number == len(items) - 1,
                "length": len(items),
            }
            parts.append(self._iteration(node, (item,), loop, scope, wants_text=wants_text))
            if self._done:
                break
        if not items:
            parts.append(self._statements(node.else_, scope, wants_text=wants_text))
        return self.text(parts) if wants_text else UNKNOWN

    def _iteration(
        self, node: nodes.For, item: Values, loop: dict[str, object], scope: Scope, *, wants_text: bool
    ) -> Values:
        scope.frames.append({"loop": (loop,) if loop else UNKNOWN})
        self._assign(node.target, item, scope)
        text: Values = ("",)
        if node.test is None or may_be(self.value(node.test, scope), True):
            text = self._statements(node.body, scope, wants_text=wants_text)
        scope.frames.pop()
        return text

    def _assign(self, target: nodes.Node, values: Values, scope: Scope) -> None:
        if isinstance(target, nodes.Name):
            scope.set(target.name, values)
        elif isinstance(target, nodes.NSRef):
            known = scope.get(target.name)
            if known is not None:
                changed = assemble(
                    lambda space, value: {**space, target.attr: value} if isinstance(space, dict) else OPAQUE,
                    known,
                    values,
                )
                scope.replace(target.name, changed)
        elif isinstance(target, nodes.Tuple):
            for number, part in enumerate(target.items):
                self._assign(part, apply(lambda whole, at=number: copy.copy(list(whole)[at]), values), scope)
