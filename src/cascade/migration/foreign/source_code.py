"""A Python file that is read and never run: its names, its constants and the source of its statements."""

from __future__ import annotations

import ast
import io
import textwrap
import tokenize
from collections import ChainMap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from cascade.exceptions import UsageError

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Unknown:
    """The value of an expression that only running the code would tell."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN = Unknown()


@dataclass(frozen=True)
class Imported:
    """What a name of a module stands for if the module imports it.

    Args:
        module: the imported module, with a dot for each level of a relative import.
        name: the name that is taken from it; None for the module itself.
        alias: the name in the importing module.
    """

    module: str
    name: str | None
    alias: str

    @property
    def full_name(self) -> str:
        """The name with the module before it, such as `dlt.sources.rest_api.rest_api_source`."""
        return self.module if self.name is None else f"{self.module}.{self.name}"

    def statement(self, module: str | None = None) -> str:
        """Write the import.

        Args:
            module: another module to take it from.
        """
        module = self.module if module is None else module
        if self.name is None:
            return f"import {module}" + ("" if self.alias == module.partition(".")[0] else f" as {self.alias}")
        return f"from {module} import {self.name}" + ("" if self.alias == self.name else f" as {self.alias}")


@dataclass(frozen=True)
class SourceCode:
    """A parsed file.

    Args:
        path: the file.
        text: its content.
        tree: the same, parsed.
    """

    path: Path
    text: str
    tree: ast.Module = field(repr=False)

    @cached_property
    def lines(self) -> list[str]:
        """The lines, with their ends."""
        # `splitlines` would also split at form feeds, which Python does not count.
        return [*io.StringIO(self.text)]

    @cached_property
    def imports(self) -> dict[str, Imported]:
        """What the imported names of the file stand for, wherever it imports them."""
        found: dict[str, Imported] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    top = alias.name.partition(".")[0]
                    found[alias.asname or top] = Imported(
                        alias.name if alias.asname else top, None, alias.asname or top
                    )
            elif isinstance(node, ast.ImportFrom):
                module = "." * node.level + (node.module or "")
                for alias in node.names:
                    found[alias.asname or alias.name] = Imported(module, alias.name, alias.asname or alias.name)
        return found

    @cached_property
    def functions(self) -> dict[str, Function]:
        """The functions at the top level of the file."""
        return {node.name: node for node in self.tree.body if isinstance(node, Function)}

    @cached_property
    def classes(self) -> dict[str, ast.ClassDef]:
        """The classes at the top level of the file."""
        return {node.name: node for node in self.tree.body if isinstance(node, ast.ClassDef)}

    @cached_property
    def assigned(self) -> dict[str, ast.expr]:
        """The values of the names that the top level of the file assigns once."""
        found: dict[str, ast.expr] = {}
        repeated: set[str] = set()
        for statement in self.tree.body:
            for name, value in assignments(statement):
                repeated |= {name} & found.keys()
                found[name] = value
        return {name: value for name, value in found.items() if name not in repeated}

    def full_name(self, node: ast.expr) -> str:
        """Return what a dotted name stands for after imports, such as `dlt.source`; empty for other expressions."""
        if isinstance(node, ast.Attribute):
            before = self.full_name(node.value)
            return f"{before}.{node.attr}" if before else ""
        if isinstance(node, ast.Name):
            imported = self.imports.get(node.id)
            return imported.full_name if imported else node.id
        return ""

    def segment(self, node: ast.AST) -> str:
        """Return the source of an expression, such that more indentation does not change it."""
        if any(_has_long_text(inner) for inner in ast.walk(node)):
            return ast.unparse(node)
        return ast.get_source_segment(self.text, node) or ast.unparse(node)

    def statement_text(self, node: ast.stmt) -> str:
        """Return the source of a statement and of the comments above it, without indentation, with a final newline."""
        assert node.end_lineno is not None
        shares = self.lines[node.lineno - 1].encode()[: node.col_offset].strip()
        shares += self.lines[node.end_lineno - 1].encode()[node.end_col_offset :].partition(b"#")[0].strip()
        if shares or any(_has_long_text(inner) for inner in ast.walk(node)):
            return ast.unparse(node) + "\n"
        assert node.end_lineno is not None
        first = node.lineno - 1
        while first > 0 and self.lines[first - 1].lstrip().startswith("#"):
            first -= 1
        comments = "".join(line.lstrip() for line in self.lines[first : node.lineno - 1])
        text = textwrap.dedent("".join(self.lines[node.lineno - 1 : node.end_lineno]))
        text = text if text.endswith("\n") else f"{text}\n"
        try:
            ast.parse(text)
        except SyntaxError:
            # A comment inside of it is farther to the left.
            text = ast.unparse(node) + "\n"
        return comments + text

    def constant(self, node: ast.expr | None, names: Mapping[str, Any] | None = None) -> Any:
        """Return the value of an expression, with `UNKNOWN` in the place of every part that is not constant.

        Args:
            node: the expression.
            names: values of names, before those of the file.
        """
        names = {} if names is None else names
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            return self._items(node, names)
        if isinstance(node, ast.Dict):
            return self._dict(node, names)
        if isinstance(node, ast.Name):
            if node.id in names:
                value = names[node.id]
                return (
                    self.constant(value, ChainMap({node.id: UNKNOWN}, cast("dict[str, Any]", names)))
                    if isinstance(value, ast.expr)
                    else value
                )
            return self.constant(self.assigned[node.id], {node.id: UNKNOWN}) if node.id in self.assigned else UNKNOWN
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            value = self.constant(node.operand, names)
            return -value if isinstance(value, (int, float)) else UNKNOWN
        if isinstance(node, ast.JoinedStr):
            parts = [self.constant(part, names) for part in node.values]
            return "".join(map(str, parts)) if not any(isinstance(part, Unknown) for part in parts) else UNKNOWN
        if isinstance(node, ast.FormattedValue) and node.format_spec is None and node.conversion == -1:
            return self.constant(node.value, names)
        if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
            return self._first_true(node.values, names)
        if isinstance(node, ast.Subscript):
            return _item(self.constant(node.value, names), self.constant(node.slice, names))
        if isinstance(node, ast.Call) and not node.keywords:
            return self._call(node, names)
        return UNKNOWN

    def _first_true(self, values: list[ast.expr], names: Mapping[str, Any]) -> Any:
        found = None
        for value in values:
            found = self.constant(value, names)
            if isinstance(found, Unknown) or found:
                return found
        return found

    def _call(self, node: ast.Call, names: Mapping[str, Any]) -> Any:
        """Return the value of `list(x)`, `x.items()` and others that only give the items of a constant."""
        called = node.func
        if isinstance(called, ast.Name) and called.id in ("list", "tuple", "set", "sorted") and len(node.args) == 1:
            value = self.constant(node.args[0], names)
            return list(value) if isinstance(value, (list, dict)) else UNKNOWN
        if isinstance(called, ast.Attribute) and called.attr in ("items", "keys", "values") and not node.args:
            value = self.constant(called.value, names)
            if isinstance(value, dict):
                pairs = {"items": [list(pair) for pair in value.items()], "keys": [*value], "values": [*value.values()]}
                return pairs[called.attr]
        return UNKNOWN

    def _items(self, node: ast.List | ast.Tuple | ast.Set, names: Mapping[str, Any]) -> Any:
        items: list[Any] = []
        for item in node.elts:
            if isinstance(item, ast.Starred):
                inner = self.constant(item.value, names)
                items += inner if isinstance(inner, list) else [UNKNOWN]
            else:
                items.append(self.constant(item, names))
        return items

    def _dict(self, node: ast.Dict, names: Mapping[str, Any]) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                inner = self.constant(value, names)
                found.update(inner if isinstance(inner, dict) else {UNKNOWN: UNKNOWN})
                continue
            name = self.constant(key, names)
            found[name if isinstance(name, (str, int)) else UNKNOWN] = self.constant(value, names)
        return found


def read_source(path: Path) -> SourceCode:
    """Read a Python file without running it.

    Args:
        path: the file.

    Raises:
        UsageError: it cannot be read, or is not Python.
    """
    try:
        with tokenize.open(path) as stream:
            text = stream.read()
        return SourceCode(path, text, ast.parse(text))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from error
    except SyntaxError as error:
        raise UsageError(f"{path}:{error.lineno or 1}: this is not valid Python: {error.msg}.") from error
    except (UnicodeDecodeError, ValueError, RecursionError, MemoryError) as error:
        raise UsageError(f"{path} cannot be read as Python: {error}.") from error


def assignments(statement: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    """Yield the names that a statement assigns, each with its value."""
    if isinstance(statement, ast.Assign):
        for target in statement.targets:
            if isinstance(target, ast.Name):
                yield target.id, statement.value
    elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value:
        yield statement.target.id, statement.value


def arguments_of(call: ast.Call, *positions: str) -> dict[str, ast.expr]:
    """Return the arguments of a call by their names.

    Args:
        call: the call.
        positions: the names of the parameters, in order.
    """
    given: dict[str, ast.expr] = {}
    for name, value in zip(positions, call.args, strict=False):
        if isinstance(value, ast.Starred):
            break
        given[name] = value
    return {**given, **{keyword.arg: keyword.value for keyword in call.keywords if keyword.arg is not None}}


def loaded_names(node: ast.AST) -> set[str]:
    """Return the names that a piece of code reads."""
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Load)}


def is_main_guard(statement: ast.stmt) -> bool:
    """Return whether a statement is `if __name__ == "__main__":`, which an import skips."""
    return isinstance(statement, ast.If) and ast.unparse(statement.test) in (
        "__name__ == '__main__'",
        "'__main__' == __name__",
    )


def _item(value: Any, index: Any) -> Any:
    if isinstance(value, dict) and isinstance(index, (str, int)):
        return value.get(index, UNKNOWN)
    if isinstance(value, list) and isinstance(index, int) and -len(value) <= index < len(value):
        return value[index]
    return UNKNOWN


def _has_long_text(node: ast.AST) -> bool:
    is_text = isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes))
    )
    return is_text and getattr(node, "end_lineno", 0) != getattr(node, "lineno", 0)
