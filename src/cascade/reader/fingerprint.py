"""The fingerprint of a file: what it says, without how it is written.

Comments, formatting and docstrings of a Python file do not count, so they make no table stale. The fingerprint is the
same on every Python that can read the file. `ast.dump` is not.

This file imports nothing else of the package, because the Pants backend runs it alone, by the Python of the project.
"""

from __future__ import annotations

import ast
import hashlib
import json
import sys
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import BinaryIO

VERSION = 1
"""The version of these rules. Raise it with any change that gives a file another fingerprint."""

TEST_DATA = "testdata"
"""The directory of rows for tests. No run reads them, so they make no table stale."""

_DIGITS = 12
# Where a name stands says how it is used; the others say how a constant or a type is written.
_UNUSED = frozenset({"ctx", "kind", "type_comment", "type_ignores"})
_FIELDS: dict[type, tuple[str, ...]] = {}


def fingerprint(content: bytes, *, is_python: bool) -> str:
    """Return the fingerprint of a file.

    Args:
        content: the file.
        is_python: whether it is Python source. Any other file counts by its bytes, and so does source that this Python
            cannot parse.

    Returns:
        Twelve hexadecimal digits.
    """
    tree = parsed(content) if is_python else None
    if tree is not None:
        return fingerprint_of_tree(tree)
    return _digest(b"bytes", content.replace(b"\r\n", b"\n") if is_python else content)


def fingerprint_of_data(file: BinaryIO) -> str:
    """Return the fingerprint of a file that is not Python source, and may be too large for memory.

    Args:
        file: the open file.
    """
    digest = hashlib.sha256(b"bytes\0")
    while chunk := file.read(1 << 20):
        digest.update(chunk)
    return digest.hexdigest()[:_DIGITS]


def fingerprint_of_tree(tree: ast.Module) -> str:
    """Return the fingerprint of a module that is parsed already."""
    return _digest(b"syntax", _written(tree))


def combined(files: Mapping[str, str], requirements: Iterable[str] = ()) -> str:
    """Return the fingerprint of several files and of what is installed.

    Args:
        files: the fingerprints of the files, by their paths.
        requirements: names and versions, such as `pandas==2.2.3`.

    Returns:
        Twelve hexadecimal digits.
    """
    lines = [VERSION, sorted(files.items()), sorted(set(requirements))]
    return _digest(b"closure", json.dumps(lines).encode())


def _digest(kind: bytes, content: bytes) -> str:
    return hashlib.sha256(kind + b"\0" + content).hexdigest()[:_DIGITS]


def parsed(content: bytes) -> ast.Module | None:
    """Return the syntax tree of a module, or None if this Python cannot parse it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _written(tree: ast.Module) -> bytes:
    # Not recursive: a long sum is a deep tree.
    written: list[str] = []
    waiting: list[ast.AST | str] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, str):
            written.append(node)
        else:
            kind = type(node)
            written.append(kind.__name__)
            waiting.append(")")
            waiting += _parts(node, _FIELDS.get(kind) or _fields(kind))
            waiting.append("(")
    return "".join(written).encode("utf-8", "surrogatepass")


def _fields(kind: type[ast.AST]) -> tuple[str, ...]:
    """Return the fields of a kind of node that count, in the reverse of the order in which they are written."""
    _FIELDS[kind] = tuple(sorted({*kind._fields} - _UNUSED, reverse=True))
    return _FIELDS[kind]


def _parts(node: ast.AST, fields: tuple[str, ...]) -> list[ast.AST | str]:
    """Return what is to be written of the fields of a node, last first."""
    if isinstance(node, ast.Constant):
        return [_constant(node.value)]
    parts: list[ast.AST | str] = []
    for name in fields:
        # A later Python has fields that an earlier one lacks. Syntax that both have leaves them empty.
        value = getattr(node, name, None)
        if value is None or value == []:
            continue
        if isinstance(value, ast.AST):
            if name == "format_spec" and not _texts_merged(getattr(value, "values", ())):
                continue
            parts.append(value)
        elif isinstance(value, list):
            if isinstance(value[0], ast.stmt):
                value = [item for item in value if not _does_nothing(item)]
            elif isinstance(node, ast.JoinedStr):
                value = _texts_merged(value)
            if not value:
                continue
            parts.append("]")
            for item in reversed(value):
                parts += [",", item if isinstance(item, ast.AST) else _constant(item)]
            parts.append("[")
        else:
            parts.append(_constant(value))
        parts.append(f" {name}=")
    return parts


def _does_nothing(statement: ast.stmt) -> bool:
    """Return whether a statement is a docstring, another constant by itself, or `pass`."""
    return isinstance(statement, ast.Pass) or (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    )


def _texts_merged(values: Iterable[ast.AST]) -> list[ast.AST]:
    """Merge neighboring texts of a formatted string, which each version of Python divides differently."""
    merged: list[ast.AST] = []
    text = ""
    for value in values:
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            text += value.value
            continue
        merged += [ast.Constant(text)] if text else []
        merged.append(value)
        text = ""
    return [*merged, ast.Constant(text)] if text else merged


def _constant(value: object) -> str:
    if isinstance(value, str):
        return f"{len(value)}'{value}'"
    # Not `repr`: a number with many digits cannot be converted to decimal ones.
    text = hex(value) if type(value) is int else repr(value)
    return f"{type(value).__name__} {text}"


def main() -> None:
    """Print the fingerprints of files as JSON. Their names and kinds are in a file of JSON, the only argument."""
    asked: dict[str, bool] = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    found = {path: fingerprint(Path(path).read_bytes(), is_python=kind) for path, kind in asked.items()}
    print(json.dumps(found, sort_keys=True))


if __name__ == "__main__":
    main()
