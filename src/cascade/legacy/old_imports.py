"""Warn of the lines of the user's code that import by a path from before version 1.0."""

from __future__ import annotations

import ast
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

from cascade.legacy.layout import PACKAGE
from cascade.legacy.old_names import DROPPED_IN, MODULES, SUCCESSORS
from cascade.reader.names import absolute


class LegacyImportWarning(DeprecationWarning):
    """A line imports by a path that a later version no longer resolves. `cascade validate` shows all of them."""


_told: set[tuple[str, int]] = set()
_read: set[str] = set()


def warn_of_imports(source: bytes, module: str, file: str, is_of_the_user: Callable[[str], bool]) -> None:
    """Warn of each line of a module that imports by an old path.

    Args:
        source: its source. One that does not parse is reported when it is imported.
        module: its full name.
        file: its file.
        is_of_the_user: returns whether a module is the user's.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return
    is_package = Path(file).name == "__init__.py"
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for name in _imported(node, module, is_package=is_package):
                if _is_old(name, is_of_the_user):
                    _warn(name, file, node.lineno)
                    break


def _imported(node: ast.Import | ast.ImportFrom, module: str, *, is_package: bool) -> Iterator[str]:
    """Yield the full names that an import takes: the module, then what is taken from it."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    home = absolute("." * node.level + (node.module or ""), module, is_package=is_package)
    if node.level and home.split(".")[:2] == module.split(".")[:2]:
        # It stays right when the directory moves as a whole.
        return
    for alias in node.names:
        yield home
        yield f"{home}.{alias.name}"


def _is_old(name: str, is_of_the_user: Callable[[str], bool]) -> bool:
    if not name.startswith(f"{PACKAGE}."):
        return False
    return name in SUCCESSORS or name in MODULES or name.startswith(f"{PACKAGE}.defs.") or is_of_the_user(name)


def warn_of_importer(package: Path, is_of_the_user: Callable[[str], bool]) -> None:
    """Warn of the lines of the file that is importing, if it is a file of the project outside of the package: a test.

    Args:
        package: the package `cascade` of the project, whose modules `warn_of_imports` reads when they load.
        is_of_the_user: returns whether a module is the user's.
    """
    frame: FrameType | None = sys._getframe(1)
    here = str(Path(__file__).parent)
    while frame is not None and frame.f_code.co_filename.startswith(("<frozen importlib", here)):
        frame = frame.f_back
    if frame is None or frame.f_code.co_filename in _read:
        return
    file = frame.f_code.co_filename
    _read.add(file)
    if Path(file).is_relative_to(package.parent.parent) and not Path(file).is_relative_to(package):
        try:
            source = Path(file).read_bytes()
        except OSError:
            return
        warn_of_imports(source, str(frame.f_globals.get("__name__", "")), file, is_of_the_user)


def _warn(name: str, file: str, line: int) -> None:
    if (file, line) in _told:
        return
    _told.add((file, line))
    warnings.warn_explicit(
        f"{file}:{line}: {name} is a path from before version 1.0, which Cascade {DROPPED_IN} no longer resolves.",
        LegacyImportWarning,
        file,
        line,
    )


def forget_lines() -> None:
    """Warn of every line again, after another project was activated."""
    _told.clear()
    _read.clear()
