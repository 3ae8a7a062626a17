"""What the statements at module level assign to names, parsed only for the names that a declaration uses.

A module of data can have hundreds of thousands of statements, and parsing each takes more time than all the rest.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from .names import root_name
from .syntax import parsed_statement

_WORD = re.compile(r"[^\W\d]\w*")
# What `for` and `with` assign has no value that the source shows.
_FOR = re.compile(r"(?:async\s+)?for\s+(?P<names>.+?)\s+in\b", re.DOTALL)
_WITH = re.compile(r"(?:async\s+)?with\b")
_AS = re.compile(r"\bas\s+(\w+|\([^)]*\))")
# Methods that change a list, a dict or a set.
_CHANGING = frozenset(
    {
        "add",
        "append",
        "clear",
        "discard",
        "extend",
        "insert",
        "pop",
        "popitem",
        "remove",
        "reverse",
        "setdefault",
        "sort",
        "update",
    }
)
# After this many names, an index of all words costs less than searching the statements for each name.
_SEARCHES = 32


class Assignments:
    """The statements of a module that may assign something."""

    def __init__(self) -> None:
        self._statements: list[str] = []
        self._unknown: set[str] = set()
        self._found: dict[str, ast.expr | None] = {}
        self._index: dict[str, list[int]] | None = None

    def add(self, statement: str) -> None:
        """Record a statement, or the head of a compound statement."""
        self._statements.append(statement)
        loop = _FOR.match(statement)
        for targets in [loop["names"]] if loop else _AS.findall(statement) if _WITH.match(statement) else []:
            self._unknown.update(_WORD.findall(targets))

    def value(self, name: str) -> ast.expr | None:
        """Return what a name is assigned.

        Returns:
            The expression; None if the name is not assigned, is assigned more than once, or is changed afterwards.
        """
        if name not in self._found:
            self._found[name] = None if name in self._unknown else self._only_value(name)
        return self._found[name]

    def _only_value(self, name: str) -> ast.expr | None:
        values: list[ast.expr | None] = []
        for statement in self._mentioning(name):
            values.extend(_effects(statement, name))
        return values[0] if len(values) == 1 else None

    def _mentioning(self, name: str) -> list[str]:
        if self._index is None and len(self._found) < _SEARCHES:
            word = re.compile(rf"\b{re.escape(name)}\b")
            return [statement for statement in self._statements if name in statement and word.search(statement)]
        if self._index is None:
            self._index = {}
            for number, statement in enumerate(self._statements):
                for word in set(_WORD.findall(statement)):
                    self._index.setdefault(word, []).append(number)
        return [self._statements[number] for number in self._index.get(name, ())]


def _effects(statement: str, name: str) -> Iterator[ast.expr | None]:
    """Yield each value that a statement assigns to a name, or None where it assigns or changes something unknown."""
    if statement.endswith(":"):
        return  # the head of a compound statement
    tree = parsed_statement(statement)
    if tree is None:
        if _seems_to_assign(statement, name):
            yield None
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                yield from [node.value] if _is(target, name) else [None] if _touches(target, name) else []
        elif isinstance(node, ast.AnnAssign):
            if node.value is not None and _touches(node.target, name):
                yield node.value if _is(node.target, name) else None
        elif isinstance(node, (ast.AugAssign, ast.For, ast.NamedExpr)):
            if _touches(node.target, name):
                yield None
        elif isinstance(node, ast.Delete):
            if any(_touches(target, name) for target in node.targets):
                yield None
        elif isinstance(node, ast.Call) and _changes(node.func, name):
            yield None


def _changes(method: ast.expr, name: str) -> bool:
    return isinstance(method, ast.Attribute) and method.attr in _CHANGING and root_name(method.value) == name


def _is(target: ast.expr, name: str) -> bool:
    return isinstance(target, ast.Name) and target.id == name


def _touches(target: ast.expr, name: str) -> bool:
    """Return whether assigning to a target changes a name, as `name`, `name["key"]` and `(name, other)` do."""
    if isinstance(target, (ast.Tuple, ast.List)):
        return any(_touches(element, name) for element in target.elts)
    return root_name(target) == name


def _seems_to_assign(statement: str, name: str) -> bool:
    """Return whether a statement that cannot be parsed alone, such as `else: x = 1`, may assign or change a name."""
    word = re.escape(name)
    changed = "|".join(sorted(_CHANGING))
    return (
        re.search(rf"\b{word}\b\s*(?:\[[^\]]*\]\s*|\.\s*\w+\s*)*(?::[^=]*)?[^\s\w=!<>()]{{0,3}}=(?!=)", statement)
        or re.search(rf"\b{word}\s*\.\s*(?:{changed})\s*\(", statement)
    ) is not None
