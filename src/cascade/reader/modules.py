"""Read which workflows and Dagster definitions a module declares, without importing it.

A module declares something if it contains a Cascade or Dagster decorator, or if it assigns a Dagster definition at
module level.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from .aliases import Alias, Reexports, alias_of, called
from .assignments import Assignments
from .dagster_names import METHODS
from .declarations import Argument, Declaration, Module
from .logical_lines import BrokenSourceError, LogicalLine, decode, logical_lines
from .names import (
    INGESTION,
    Names,
    dotted_name,
    is_asset,
    is_cascade,
    is_decorator,
    is_definition,
    is_ingestion,
    last_part,
    may_define,
)
from .syntax import parsed_expression, parsed_statement, written
from .values import NotStaticError, Values, has_reference

_HEAD = re.compile(r"(?:async\s+)?(?:def|class)\s+(?P<name>\w+)|(?P<import>import|from)\b")
# Brackets around the name, as in `@(name)(...)`, change nothing.
_DECORATOR = re.compile(r"[ \t]*@[\s(]*(?P<name>[^\W\d][\w.]*)")
_CALLED = re.compile(r"(?<![\w.])(?P<name>[^\W\d][\w.]*)\s*\(")
_FOLDER_LOADER = re.compile(rb"\b(?:load_from_defs_folder|load_defs|load_\w+_from_package_\w+|build_component_defs)\b")
_METHOD = re.compile(rf"\.(?:{'|'.join(sorted(METHODS))})\s*\(")
_TARGET = re.compile(r"(?P<name>[^\W\d]\w*)[ \t]*(?::[^=]*)?=(?!=)")
_NAME = re.compile(r"[^\W\d][\w.]*")
_LONGEST_ALIAS = 1000

# Only the arguments of Dagster's `asset` that set its name and its dependencies are read.
_OF_ASSET = frozenset({"name", "key", "key_prefix", "deps"})
# Arguments that refer to a class or another workflow. In all others, a name without a known value is not static.
_REFERRING = frozenset({"validation_schema", "deps", "checks", "table"})


def declarations_in(content: bytes) -> tuple[Declaration, ...]:
    """Read what a module declares, and skip quickly over a file that declares nothing.

    Args:
        content: the file, in the syntax of any Python 3.

    Returns:
        Its declarations in the order of the source. See `read_module`.
    """
    return read_module(content).declarations if may_declare(content) else ()


def may_declare(content: bytes) -> bool:
    """Return whether a module may declare something, which a search of its text decides quickly."""
    return any(word in content for word in (b"cascade", b"dagster", b".to_job("))


def loads_folder(content: bytes) -> bool:
    """Return whether a module lets Dagster load all files of a folder or package, which no import of it shows."""
    return _FOLDER_LOADER.search(content) is not None


def read_module(content: bytes, reexports: Reexports | None = None) -> Module:
    """Read what a module declares and imports.

    Args:
        content: the file, in the syntax of any Python 3. After the first line that is not Python, only decorators are
            searched for, line by line, so that a file with an error still belongs to its workflow.
        reexports: finds what names of other modules stand for, if those are known.

    Returns:
        What its source shows.
    """
    reading = _Reading(reexports)
    text = decode(content)
    try:
        for line in logical_lines(text):
            reading.add(line)
    except BrokenSourceError as error:
        reading.add_broken(text, error.line)
    return reading.result()


@dataclass(frozen=True)
class _Found:
    """A declaration whose arguments are not evaluated yet, and the line on which the source of its call begins."""

    declaration: Declaration
    call: ast.Call | None = None
    first_line: int = 0


class _Reading:
    """One pass over the logical lines of a module. Arguments are evaluated at its end, when every name is known."""

    def __init__(self, reexports: Reexports | None) -> None:
        self._names = Names(reexports)
        self._assignments = Assignments()
        self._values = Values(self._names, self._assignments)
        self._found: list[_Found] = []
        self._has_factory = False
        self._may_define = False
        # How many of those found are decorators of the function that comes next.
        self._pending = 0

    def add(self, line: LogicalLine) -> None:
        if line.text.startswith("@"):
            self._add_decorator(line)
            return
        head = _HEAD.match(line.text)
        if head and head["name"] and self._pending:
            self._found[-self._pending :] = [
                replace(one, declaration=_of_function(one.declaration, head["name"], line.text))
                for one in self._found[-self._pending :]
            ]
        self._pending = 0
        if head and head["import"]:
            self._names.add_import(line.text)
        elif not head and line.in_scope:
            self._has_factory = self._has_factory or self._mentions_ingestion(line.text)
        elif not head:
            self._assignments.add(line.text)
            if "=" in line.text and not line.text.endswith(":"):
                self._add_assignment(line)

    def add_broken(self, text: str, first: int) -> None:
        for number, line in enumerate(text.split("\n"), start=1):
            match = _DECORATOR.match(line) if number >= first else None
            origin = self._names.origin(match["name"]) if match else ""
            if is_decorator(origin):
                in_factory = not line.startswith("@")
                self._found.append(_Found(Declaration(last_part(origin), number, in_factory=in_factory)))

    def result(self) -> Module:
        declarations = tuple(self._with_arguments(one) for one in self._found)
        in_factory = any(one.in_factory for one in declarations)
        has_factory = self._has_factory or in_factory
        return Module(declarations, self._names.modules, has_factory, self._names.exports, self._may_define)

    def _mentions_ingestion(self, text: str) -> bool:
        if text.startswith(('"', "'")):
            return False
        return INGESTION in text or any(is_ingestion(self._names.origin(name)) for name in _CALLED.findall(text))

    def _add_decorator(self, line: LogicalLine) -> None:
        match = _DECORATOR.match(line.text)
        meaning = self._names.meaning(match["name"] if match else "")
        origin = meaning.origin
        if not is_decorator(origin):
            return
        found = _Found(Declaration(last_part(origin), line.line, in_factory=line.in_scope), first_line=line.line)
        if not line.in_scope and (is_cascade(origin) or is_asset(origin)):
            node = parsed_expression(line.text[1:])
            if node is None:
                found = _unparsed(found, line.text[1:])
            else:
                is_call = isinstance(node, ast.Call) or meaning.arguments
                found = replace(found, call=called(meaning, node) if is_call else None)
        self._found.append(found)
        self._pending += 1

    def _add_assignment(self, line: LogicalLine) -> None:
        matches = [match for match in _CALLED.finditer(line.text) if is_definition(self._names.origin(match["name"]))]
        if not matches and not _METHOD.search(line.text) and not self._may_alias(line.text):
            target = _TARGET.match(line.text)
            if target:
                self._names.assign(target["name"], None)
            return
        tree = parsed_statement(line.text)
        if tree is None:
            self._add_unparsed_assignment(line, matches)
            return
        for node in ast.walk(tree):
            if not isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)) or node.value is None:
                continue
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [target.id for target in targets if isinstance(target, ast.Name)]
            for name in names:
                self._names.assign(name, alias_of(node.value, self._decorator))
            assigned = names[-1] if names and not isinstance(node, ast.AugAssign) else None
            self._add_calls(node.value, line.line, assigned)

    def _may_alias(self, text: str) -> bool:
        names = _NAME.findall(text) if len(text) <= _LONGEST_ALIAS else []
        return any(is_decorator(self._names.origin(name)) for name in names)

    def _decorator(self, node: ast.expr) -> Alias | None:
        meaning = self._names.meaning(dotted_name(node))
        return meaning if is_decorator(meaning.origin) else None

    def _add_calls(self, value: ast.expr, first_line: int, name: str | None) -> None:
        calls = [node for node in ast.walk(value) if isinstance(node, ast.Call)]
        for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
            meaning = self._names.meaning(dotted_name(call.func))
            origin = meaning.origin
            if isinstance(call.func, ast.Attribute) and call.func.attr in METHODS:
                # A graph makes a job, wherever the graph comes from.
                origin = f"dagster.{call.func.attr}"
            self._may_define = self._may_define or may_define(origin)
            if is_definition(origin):
                declaration = Declaration(last_part(origin), first_line + call.lineno - 1, name, assigned=True)
                is_read = is_cascade(origin) or is_asset(origin)
                self._found.append(_Found(declaration, called(meaning, call) if is_read else None, first_line))

    def _add_unparsed_assignment(self, line: LogicalLine, calls: list[re.Match[str]]) -> None:
        name = re.split("[=:]", line.text, maxsplit=1)[0].strip()
        assigned = name if name.isidentifier() else None
        for match in calls:
            declaration = Declaration(last_part(self._names.origin(match["name"])), line.line, assigned, assigned=True)
            self._found.append(_unparsed(_Found(declaration), line.text[match.start() :]))

    def _with_arguments(self, found: _Found) -> Declaration:
        if found.call is None:
            return found.declaration
        arguments = tuple(self._arguments(found.call, found.first_line))
        if found.declaration.call == "asset":
            arguments = tuple(argument for argument in arguments if argument.name in _OF_ASSET)
        return replace(found.declaration, arguments=arguments)

    def _arguments(self, call: ast.Call, first_line: int) -> Iterator[Argument]:
        for keyword in call.keywords:
            line = first_line + keyword.value.lineno - 1
            if keyword.arg is None:
                yield from self._from_mapping(keyword.value, line)
            else:
                yield self._argument(keyword.arg, keyword.value, line)

    def _argument(self, name: str, node: ast.expr, line: int) -> Argument:
        try:
            value = self._values.value(node)
        except NotStaticError:
            pass
        else:
            if name in _REFERRING or not has_reference(value):
                return Argument(name, line, value)
        return Argument(name, line, unread=written(node))

    def _from_mapping(self, node: ast.expr, line: int) -> Iterator[Argument]:
        source = f"**{written(node)}"
        try:
            pairs = self._values.value(node)
        except NotStaticError:
            pairs = None
        if not isinstance(pairs, tuple):
            yield Argument("**", line, unread=source)
            return
        for pair in pairs:
            name, value = pair if isinstance(pair, tuple) and len(pair) == 2 else (None, None)
            if isinstance(name, str) and (name in _REFERRING or not has_reference(value)):
                yield Argument(name, line, value)
            else:
                yield Argument(name if isinstance(name, str) else "**", line, unread=source)


def _of_function(declaration: Declaration, name: str, head: str) -> Declaration:
    """Return a declaration with the name of the decorated function, and with its parameters if they may name assets."""
    if declaration.call != "asset":
        return replace(declaration, name=name)
    # The body is on the same line or below.
    tree = parsed_statement(f"{head}\n    ...") or parsed_statement(head)
    function = tree.body[0] if tree is not None else None
    if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return replace(declaration, name=name)
    given = function.args
    parameters = tuple(one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs))
    return replace(declaration, name=name, parameters=parameters)


def _unparsed(found: _Found, source: str) -> _Found:
    """Record a call that the interpreter cannot parse, such as one with quotes nested in an f-string, as unread."""
    unread = Argument("**", found.declaration.line, unread=source.strip().partition("\n")[0])
    return replace(found, declaration=replace(found.declaration, arguments=(unread,)))
