"""Reads from source which workflows and Dagster definitions a module declares, without importing it.

Pure: standard library only, bytes in and frozen values out. A module declares something if a Cascade or Dagster
decorator stands in it, or if it assigns a Dagster definition at module level.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from cascade_pants.known_names import INGESTION, Names, is_decorator, is_definition, is_ingestion
from cascade_pants.logical_lines import BrokenSourceError, LogicalLine, decode, logical_lines
from cascade_pants.static_strings import NotStaticError, StaticStrings

DEFAULT_NAMESPACE = "raw"

_DECORATOR_LINE = re.compile(r"^[ \t]*@[ \t]*(?P<name>[A-Za-z_][\w.]*)")


@dataclass(frozen=True)
class UnreadArgument:
    """An argument that has no value before the module runs.

    Args:
        name: the argument, such as `table_name`.
        source: what is written there, such as `f"{domain}_rows"`.
    """

    name: str
    source: str


@dataclass(frozen=True)
class Declaration:
    """Something that Dagster or Cascade will find in a module.

    Args:
        call: the decorator or class, without its module, such as `cascade_ingestion` or `AssetSpec`.
        line: where it stands, from 1.
        name: the function that is decorated or the variable that is assigned, where it can be read.
        table: namespace and table of an ingestion, such as `raw.flights`. None for anything else, and where it cannot
            be read.
        unread: arguments that would tell the table, but are computed when the module runs.
    """

    call: str
    line: int
    name: str | None = None
    table: str | None = None
    unread: tuple[UnreadArgument, ...] = ()


def declarations_in(content: bytes) -> tuple[Declaration, ...]:
    """Find the declarations of one module.

    Args:
        content: the file, in any syntax from Python 3.0 on. What cannot be read as Python is searched for decorators by
            line, so that a file with an error still belongs to its workflow.

    Returns:
        Declarations in the order of the file.
    """
    if b"cascade" not in content and b"dagster" not in content:
        return ()
    text = decode(content)
    names = Names()
    strings = StaticStrings()
    found: list[tuple[Declaration, ast.Call | None]] = []
    undecorated = 0
    try:
        for line in logical_lines(text):
            first = line.word(0)
            if first in ("import", "from"):
                names.add_import(line.source())
            elif first == "@":
                found.extend(_decorator(line, names))
            elif first in ("def", "class", "async"):
                name = line.word(2 if first == "async" else 1)
                found[undecorated:] = [(_named(declared, name), call) for declared, call in found[undecorated:]]
            elif not line.in_scope:
                found.extend(_assignment(line, names, strings))
            if first != "@":
                undecorated = len(found)
    except BrokenSourceError as error:
        found.extend((declared, None) for declared in _by_line(text, error.line, names))
    return tuple(_with_table(declared, call, strings) for declared, call in found)


def _decorator(line: LogicalLine, names: Names) -> Iterator[tuple[Declaration, ast.Call | None]]:
    written, _ = _dotted(line, 1)
    origin = names.origin(written)
    if is_decorator(origin):
        # A decorator in the body of a function belongs to a factory: its table is known when the factory is called.
        if is_ingestion(origin) and not line.in_scope:
            yield next(_ingestions(line, 1, names))
        else:
            yield Declaration(call=_last(origin), line=line.line), None


def _assignment(
    line: LogicalLine, names: Names, strings: StaticStrings
) -> Iterator[tuple[Declaration, ast.Call | None]]:
    equals = _assignment_sign(line)
    if equals is None:
        return
    target = line.word(0) if line.word(1) in ("=", ":") else None
    if target is not None:
        strings.assign(target, line.source(equals + 1))
    index = equals + 1
    while index < len(line.tokens):
        written, after = _dotted(line, index)
        origin = names.origin(written) if written and line.word(after) == "(" else ""
        if is_ingestion(origin):
            for declared, call in _ingestions(line, equals + 1, names):
                yield _named(declared, target), call
            return
        if is_definition(origin):
            yield Declaration(call=_last(origin), line=line.tokens[index].start[0], name=target), None
        index = max(after, index + 1)


def _assignment_sign(line: LogicalLine) -> int | None:
    """The index of the last `=` of an assignment, or of `+=`."""
    depth = 0
    found = None
    for index, token in enumerate(line.tokens):
        if token.string in ("(", "[", "{"):
            depth += 1
        elif token.string in (")", "]", "}"):
            depth -= 1
        elif depth == 0 and token.string in ("=", "+="):
            found = index
    return found if found is not None and found + 1 < len(line.tokens) else None


def _dotted(line: LogicalLine, first: int) -> tuple[str, int]:
    """The dotted name that begins at a token, and the index after it. No name: an empty one."""
    index = first
    parts = []
    if index > 0 and line.word(index - 1) == ".":
        return "", index + 1
    while line.word(index).isidentifier():
        parts.append(line.word(index))
        index += 1
        if line.word(index) != "." or not line.word(index + 1).isidentifier():
            break
        index += 1
    return ".".join(parts), index


def _ingestions(line: LogicalLine, first: int, names: Names) -> Iterator[tuple[Declaration, ast.Call | None]]:
    """The calls of `cascade_ingestion` in the expression that begins at a token, at least one."""
    source = line.source(first)
    found: list[tuple[Declaration, ast.Call | None]] = []
    try:
        # In brackets a comment or a line break at the end does no harm.
        tree = ast.parse(f"({source}\n)", mode="eval")
    except (SyntaxError, ValueError):
        # Syntax that is newer than the interpreter of Pants, such as quotes nested in an f-string.
        unread = (UnreadArgument("table_name", source.partition("\n")[0]),)
        yield Declaration(INGESTION, line.line, unread=unread), None
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and is_ingestion(names.origin(_name_of(node.func))):
            found.append((Declaration(INGESTION, line.tokens[first].start[0] + node.lineno - 1), node))
    yield from found or [(Declaration(INGESTION, line.line), None)]


def _name_of(node: ast.expr) -> str:
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([node.id, *reversed(parts)])


def _with_table(declared: Declaration, call: ast.Call | None, strings: StaticStrings) -> Declaration:
    if call is None:
        return declared
    given = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg is not None}
    unread = []
    values = {"table_name": None, "namespace": DEFAULT_NAMESPACE}
    for argument in values:
        if argument in given:
            try:
                values[argument] = strings.value(given[argument])
            except NotStaticError:
                unread.append(UnreadArgument(argument, ast.unparse(given[argument])))
        elif argument == "table_name":
            unread += [
                UnreadArgument(argument, f"**{ast.unparse(keyword.value)}")
                for keyword in call.keywords
                if keyword.arg is None
            ]
    known = values["table_name"] is not None and not unread
    table = f"{values['namespace']}.{values['table_name']}" if known else None
    return replace(declared, table=table, unread=tuple(unread))


def _named(declared: Declaration, name: str | None) -> Declaration:
    return replace(declared, name=name or None)


def _by_line(text: str, first: int, names: Names) -> Iterator[Declaration]:
    for number, line in enumerate(text.splitlines(), start=1):
        match = _DECORATOR_LINE.match(line) if number >= first else None
        if match and is_decorator(names.origin(match["name"])):
            yield Declaration(call=_last(match["name"]), line=number)


def _last(name: str) -> str:
    return name.rpartition(".")[2]
