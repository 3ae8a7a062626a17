"""The calls in a template: dbt's own functions, macros, and methods of constants."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from jinja2 import nodes

from cascade.dbt_graph.calls import Calls, Macro, Place, Ref, Surroundings
from cascade.dbt_graph.expressions import Expressions
from cascade.dbt_graph.methods import CHANGES, FUNCTIONS, method
from cascade.dbt_graph.scope import Scope
from cascade.dbt_graph.values import MOST_VALUES, OPAQUE, UNKNOWN, Values, apply, assemble, combinations, union

_HOOKS = ("pre_hook", "post_hook", "pre-hook", "post-hook")


class BuiltinCalls(Expressions):
    """Evaluates calls, and collects those that matter.

    Args:
        surroundings: what the project offers.
        package: the package of the template.
        file: the file of the template.
        line: where in the file it starts.
    """

    def __init__(self, surroundings: Surroundings, package: str, file: str, line: int) -> None:
        super().__init__(surroundings.target)
        self.calls = Calls()
        self._surroundings = surroundings
        self._package = package
        self._file = file
        self._line = line
        self._done = False
        self._returned: list[Values] = []
        self._overridden: set[str] = set()

    def at(self, file: str, line: int) -> None:
        """Go on in another file."""
        self._file, self._line = file, line

    @abstractmethod
    def invoke(self, macro: Macro, arguments: Sequence[Values], named: dict[str, Values]) -> Values:
        """Follow a macro."""

    @abstractmethod
    def string(self, text: str) -> None:
        """Follow a text that dbt renders."""

    def call(self, node: nodes.Call, scope: Scope) -> Values:
        """Evaluate a call, and remember what matters of it."""
        arguments = [self.value(argument, scope) for argument in node.args]
        named = {pair.key: self.value(pair.value, scope) for pair in node.kwargs}
        arguments, named = self._unpacked(node, scope, arguments, named)
        called = node.node
        if isinstance(called, nodes.Name):
            local = scope.get(called.name)
            if local is not None:
                return self._call_values(local, arguments, named)
            return self._function(called.name, node.lineno, arguments, named)
        if isinstance(called, nodes.Getattr):
            return self._attribute(called, scope, node.lineno, arguments, named)
        return self._call_values(self.value(called, scope), arguments, named)

    def _unpacked(
        self, node: nodes.Call, scope: Scope, arguments: list[Values], named: dict[str, Values]
    ) -> tuple[list[Values], dict[str, Values]]:
        # `f(*args, **kwargs)` with several possible values is rare; the first one that is known stands for all.
        if node.dyn_args is not None:
            for many in self.value(node.dyn_args, scope):
                if isinstance(many, list):
                    arguments = [*arguments, *((one,) for one in many)]
                    break
            else:
                arguments = [*arguments, UNKNOWN]
        if node.dyn_kwargs is not None:
            for pairs in self.value(node.dyn_kwargs, scope):
                if isinstance(pairs, dict):
                    named = {**{str(name): (one,) for name, one in pairs.items()}, **named}
                    break
        return arguments, named

    def _call_values(self, values: Values, arguments: list[Values], named: dict[str, Values]) -> Values:
        macros = [value for value in values if isinstance(value, Macro)]
        results = [self.invoke(macro, arguments, named) for macro in macros]
        return union(results) if results and len(macros) == len(values) else UNKNOWN

    def _attribute(
        self, called: nodes.Getattr, scope: Scope, line: int, arguments: list[Values], named: dict[str, Values]
    ) -> Values:
        owner, name = called.node, called.attr
        macros = self._surroundings.macros
        if isinstance(owner, nodes.Name) and scope.get(owner.name) is None:
            if owner.name in ("builtins", "dbt") and name in ("ref", "source", "config", "var"):
                return self._builtin(name, line, arguments, named)
            if owner.name == "adapter" and name == "dispatch":
                return self._dispatch(arguments, named)
            if owner.name == "var" and name == "has_var":
                variables = self._surroundings.variables.get(self._package, {})
                return apply(lambda one: one in variables, *arguments[:1])
            if owner.name in macros.by_package:
                macro = macros.by_package[owner.name].get(name)
                return UNKNOWN if macro is None else self.invoke(macro, arguments, named)
            return UNKNOWN
        value = self.value(owner, scope)
        if name in CHANGES and isinstance(owner, nodes.Name):
            scope.replace(owner.name, self._changed(name, value, arguments))
            return (None,)
        if named:
            return UNKNOWN
        return apply(lambda one, *rest: method(one, name, rest), value, *arguments)

    @staticmethod
    def _changed(name: str, value: Values, arguments: list[Values]) -> Values:
        # A list may contain something unknown, and still has the constants that it had.
        def change(owner: Any, *rest: Any) -> Any:
            try:
                return OPAQUE if owner is OPAQUE else CHANGES[name](owner, *rest)
            except (TypeError, ValueError):
                return OPAQUE

        return assemble(change, value, *arguments)

    def _function(self, name: str, line: int, arguments: list[Values], named: dict[str, Values]) -> Values:
        macro = self._surroundings.macros.find(name, self._package)
        if macro is None:
            return self._builtin(name, line, arguments, named)
        asked = f"{name}({arguments!r}, {named!r})"
        if name not in ("ref", "source") or asked in self._overridden:
            return self.invoke(macro, arguments, named)
        self._overridden.add(asked)
        before = (len(self.calls.refs), len(self.calls.sources), len(self.calls.computed))
        result = self.invoke(macro, arguments, named)
        if before == (len(self.calls.refs), len(self.calls.sources), len(self.calls.computed)):
            # The macro hides what it calls, so it is taken to do what dbt would do.
            self._builtin(name, line, arguments, named)
        return result

    def _dispatch(self, arguments: list[Values], named: dict[str, Values]) -> Values:
        names = named.get("macro_name", arguments[0] if arguments else UNKNOWN)
        packages = named.get("macro_namespace", arguments[1] if len(arguments) > 1 else (None,))
        found = [
            macro
            for name in names
            for package in packages
            if isinstance(name, str)
            for macro in self._surroundings.macros.dispatched(
                name, package if isinstance(package, str) else self._package
            )
        ]
        return tuple(found)[:MOST_VALUES] or UNKNOWN

    def _builtin(self, name: str, line: int, arguments: list[Values], named: dict[str, Values]) -> Values:
        if name in ("ref", "source"):
            self._reference(name, line, arguments, named)
            return UNKNOWN
        if name == "return":
            self._done = True
            self._returned.append(arguments[0] if arguments else (None,))
            return ("",)
        if name == "config":
            self._config(arguments, named)
            return ("",)
        if name == "var":
            return self._variable(arguments, named)
        if name == "env_var":
            # Processes of Pants see no variable that is not named, so the default holds.
            return arguments[1] if len(arguments) > 1 else named.get("default", UNKNOWN)
        if name == "doc":
            self.calls.docs.update(str(one) for one in (arguments[-1] if arguments else ()) if one is not OPAQUE)
            return UNKNOWN
        if name == "namespace":
            return assemble(lambda *many: dict(zip(named, many, strict=True)), *named.values())
        if name in ("is_incremental", "should_full_refresh"):
            return (False,)
        if name in ("log", "print"):
            return ("",)
        if name in FUNCTIONS:
            return apply(
                lambda *many: FUNCTIONS[name](
                    *many[: len(arguments)], **dict(zip(named, many[len(arguments) :], strict=True))
                ),
                *arguments,
                *named.values(),
            )
        return UNKNOWN

    def _variable(self, arguments: list[Values], named: dict[str, Values]) -> Values:
        variables = self._surroundings.variables.get(self._package, {})
        default = arguments[1] if len(arguments) > 1 else named.get("default", UNKNOWN)
        return union(
            (variables[name],) if isinstance(name, str) and name in variables else default
            for name in (arguments[0] if arguments else UNKNOWN)
        )

    def _config(self, arguments: list[Values], named: dict[str, Values]) -> None:
        for value in arguments[0] if arguments else ():
            if isinstance(value, dict):
                named = {**{str(name): (one,) for name, one in value.items()}, **named}
        self.calls.config.update(named)
        for name in _HOOKS:
            for value in named.get(name, ()):
                for hook in value if isinstance(value, list) else [value]:
                    text = hook.get("sql") if isinstance(hook, dict) else hook
                    if isinstance(text, str):
                        self.string(text)

    def _reference(self, name: str, line: int, arguments: list[Values], named: dict[str, Values]) -> None:
        place = Place(self._file, self._line + line - 1)
        version = named.get("version", named.get("v", (None,)))
        count = len(arguments)
        combined = combinations([*arguments, version])
        if not arguments or count > 2 or combined is None:
            self.calls.computed.setdefault(place, name)
            return
        for *parts, number in combined:
            if any(not isinstance(part, str) for part in parts):
                self.calls.computed.setdefault(place, name)
            elif name == "source" and count == 2:
                self.calls.sources.setdefault((parts[0], parts[1]), place)
            elif name == "ref":
                # An unknown version means any, so the newest stands for it.
                chosen = None if number is None or number is OPAQUE else str(number)
                package = parts[0] if count == 2 else None
                self.calls.refs.setdefault(Ref(parts[-1], package, chosen), place)
