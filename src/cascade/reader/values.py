"""Evaluate expressions whose values are known without running the code."""

from __future__ import annotations

import ast
import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Union

from .assignments import Assignments
from .names import Names, dotted_name, is_asset_key


class NotStaticError(Exception):
    """The value of an expression is unknown until the module runs."""


@dataclass(frozen=True)
class Reference:
    """A name that refers to something other than a static value, such as a class or another workflow.

    Args:
        written: the name as written, such as `schema.Row`.
        origin: where it comes from, such as `workflows.weather.schema.Row`. A relative import keeps its leading dots
            (`.schema.Row`), and a name without a dot is the module's own.
    """

    written: str
    origin: str


@dataclass(frozen=True)
class Key:
    """A call of Dagster's `AssetKey`.

    Args:
        parts: the parts of the key.
    """

    parts: tuple[str, ...]


# A list becomes a tuple, and a mapping a tuple of pairs.
Value = Union[str, int, float, bool, None, dt.date, Reference, Key, tuple["Value", ...]]


class Values:
    """The values of one module's expressions.

    A name has a value if the module assigns it once, at module level, to something static.

    Args:
        names: the names that the module's imports define.
        assignments: what the module assigns to names.
    """

    def __init__(self, names: Names, assignments: Assignments) -> None:
        self._names = names
        self._assignments = assignments

    def value(self, node: ast.expr) -> Value:
        """Evaluate an expression.

        This covers literals, lists, tuples and mappings; f-strings and sums of static parts; dates and asset keys; and
        names that are assigned one of these. Any other name is a `Reference`.

        Args:
            node: the expression.

        Returns:
            Its value.

        Raises:
            NotStaticError: the expression is anything else.
        """
        try:
            return self._value(node, frozenset())
        except RecursionError:
            raise NotStaticError from None

    def _value(self, node: ast.expr, seen: frozenset[str]) -> Value:
        if isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, (str, int, float))):
            return node.value
        if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            return tuple(self._elements(node.elts, seen))
        if isinstance(node, ast.Dict):
            return tuple(self._pairs(node, seen))
        if isinstance(node, ast.JoinedStr):
            return "".join(self._text(part, seen) for part in node.values)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return self._sum(node, seen)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            number = self._value(node.operand, seen)
            if isinstance(number, (int, float)):
                return -number
        if isinstance(node, ast.Call):
            return self._call(node, seen)
        if isinstance(node, ast.Name) and node.id not in seen:
            assigned = self._assignments.value(node.id)
            if assigned is not None and self._names.is_imported(node.id):
                # As in `try: from local import NAME`, `except ImportError: NAME = "default"`.
                raise NotStaticError
            if assigned is not None:
                try:
                    return self._value(assigned, seen | {node.id})
                except NotStaticError:
                    pass
        written = dotted_name(node)
        if not written:
            raise NotStaticError
        return Reference(written, self._names.origin(written))

    def _sum(self, node: ast.expr, seen: frozenset[str]) -> Value:
        """Add up a chain of sums, which may be longer than a recursion can be deep."""
        summands = []
        while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            summands.append(node.right)
            node = node.left
        values = [self._value(node, seen), *(self._value(summand, seen) for summand in reversed(summands))]
        texts = [value for value in values if isinstance(value, str)]
        if len(texts) == len(values):
            return "".join(texts)
        tuples = [value for value in values if isinstance(value, tuple)]
        if len(tuples) == len(values):
            return tuple(item for value in tuples for item in value)
        raise NotStaticError

    def _elements(self, nodes: list[ast.expr], seen: frozenset[str]) -> Iterator[Value]:
        for node in nodes:
            if isinstance(node, ast.Starred):
                inner = self._value(node.value, seen)
                if not isinstance(inner, tuple):
                    raise NotStaticError
                yield from inner
            else:
                yield self._value(node, seen)

    def _pairs(self, node: ast.Dict, seen: frozenset[str]) -> Iterator[tuple[Value, ...]]:
        for key, value in zip(node.keys, node.values):
            if key is None:
                raise NotStaticError
            yield self._value(key, seen), self._value(value, seen)

    def _text(self, node: ast.expr, seen: frozenset[str]) -> str:
        if isinstance(node, ast.FormattedValue):
            if node.conversion != -1 or node.format_spec is not None:
                raise NotStaticError
            node = node.value
        value = self._value(node, seen)
        if not isinstance(value, (str, int)):
            raise NotStaticError
        return str(value)

    def _call(self, node: ast.Call, seen: frozenset[str]) -> Value:
        written = dotted_name(node.func)
        origin = self._names.origin(written)
        positional = tuple(self._elements(node.args, seen))
        keywords = {keyword.arg: self._value(keyword.value, seen) for keyword in node.keywords}
        if None in keywords:
            raise NotStaticError
        if written == "dict" and not positional:
            return tuple(keywords.items())
        if is_asset_key(origin) and len(positional) + len(keywords) == 1:
            path = positional[0] if positional else keywords.get("path")
            parts = path if isinstance(path, tuple) else (path,)
            texts = tuple(part for part in parts if isinstance(part, str))
            if texts and len(texts) == len(parts):
                return Key(texts)
        if origin in ("datetime.date", "datetime.datetime"):
            return _date(origin, positional, {str(name): value for name, value in keywords.items()})
        raise NotStaticError


def has_reference(value: Value) -> bool:
    """Return whether a value is or contains a reference."""
    return isinstance(value, Reference) or (isinstance(value, tuple) and any(map(has_reference, value)))


def _date(origin: str, positional: tuple[Value, ...], keywords: dict[str, Value]) -> dt.date:
    given = dict(zip(("year", "month", "day", "hour", "minute", "second"), positional), **keywords)
    zone = given.pop("tzinfo", None)
    numbers = {name: value for name, value in given.items() if isinstance(value, int)}
    if len(numbers) < len(given) or len(positional) > 6:
        raise NotStaticError
    try:
        if origin == "datetime.date":
            return dt.date(**numbers)
        if zone is None:
            return dt.datetime(**numbers)  # type: ignore[arg-type]
        if isinstance(zone, Reference) and zone.origin in ("datetime.UTC", "datetime.timezone.utc"):
            return dt.datetime(**numbers, tzinfo=dt.timezone.utc)
    except (TypeError, ValueError):
        pass
    raise NotStaticError
