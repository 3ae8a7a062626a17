"""Where an expression of a dlt script is evaluated: the names that it may use, and their values."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from cascade.migration.foreign.found import Remark
from cascade.migration.foreign.local_code import LocalCode
from cascade.migration.foreign.source_code import Function, SourceCode

DEEPEST = 12
"""How many names and calls are followed. More are a circle."""


class UnreadableError(Exception):
    """The tables of an expression are known only when it runs.

    Args:
        source: the file.
        node: the expression.
        text: why, as a sentence.
    """

    def __init__(self, source: SourceCode, node: ast.AST, text: str) -> None:
        super().__init__(text)
        self.source, self.node, self.text = source, node, text

    def remark(self, advice: str) -> Remark:
        """Return this as something to decide."""
        return Remark(self.source.path, getattr(self.node, "lineno", 0), f"{self.text} {advice}")


@dataclass(frozen=True)
class Scope:
    """Where an expression is evaluated.

    Args:
        code: the files of the project.
        source: the file.
        names: what local names are assigned: expressions, functions, and constants.
        depth: how many calls and names were followed.
    """

    code: LocalCode
    source: SourceCode
    names: Mapping[str, Any] = field(default_factory=dict)
    depth: int = 0

    def deeper(self, **changes: Any) -> Scope:
        """Return the scope of an expression that this one leads to."""
        return replace(self, depth=self.depth + 1, **changes)

    def constant(self, node: ast.expr | None) -> Any:
        """Return the value of a constant expression, with `UNKNOWN` for what is not constant."""
        return self.source.constant(node, _Names(self))

    def lookup(self, name: str) -> tuple[Scope, Any] | None:
        """Return what a name stands for in a file of the project: an expression or a function."""
        if name in self.names:
            return self, self.names[name]
        found = self.code.defining(self.source, name)
        if found is None:
            return None
        source, there = found
        value = source.functions.get(there) or source.assigned.get(there)
        names = self.names if source is self.source else {}
        return None if value is None else (replace(self, source=source, names=names), value)


class _Names(Mapping[str, Any]):
    """The values of the names of a scope, those included that a file imports from another one of the project."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __contains__(self, name: object) -> bool:
        return self._find(name) is not None

    def __getitem__(self, name: str) -> Any:
        found = self._find(name)
        if found is None:
            raise KeyError(name)
        return found[0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._scope.names)

    def __len__(self) -> int:
        return len(self._scope.names)

    def _find(self, name: object) -> tuple[Any] | None:
        scope = self._scope
        if not isinstance(name, str) or isinstance(scope.names.get(name), Function):
            return None
        if name in scope.names:
            return (scope.names[name],)
        if name in scope.source.assigned or name not in scope.source.imports:
            return None
        found = scope.code.defining(scope.source, name)
        if found is None or found[0] is scope.source or found[1] not in found[0].assigned or scope.depth > DEEPEST:
            return None
        return (Scope(scope.code, found[0], {}, scope.depth + 1).constant(found[0].assigned[found[1]]),)
