"""The line of the user's code in a traceback."""

from __future__ import annotations

import os
import sys
import sysconfig
import traceback
from collections.abc import Iterable
from functools import cache

from cascade.exceptions import SourceLocation


def location_of_error(error: BaseException, packages: Iterable[str] = ()) -> SourceLocation | None:
    """Find the line of the user's code that raised an exception.

    Args:
        error: the exception, with its traceback.
        packages: the top-level packages of the user. A PEX stores them next to the libraries, so a path alone
            cannot distinguish them.

    Returns:
        The innermost line of the user's code, or None if the traceback has none.
    """
    packages = tuple(packages)
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        file = error.filename
        if file.startswith(_directories_of_all(packages)) or not _is_foreign(file):
            return SourceLocation(file, error.lineno)
    frames = traceback.extract_tb(error.__traceback__)
    return user_location(((frame.filename, frame.lineno or 1) for frame in frames), packages)


def user_location(frames: Iterable[tuple[str, int]], packages: Iterable[str] = ()) -> SourceLocation | None:
    """Return the innermost frame of the user's code.

    Args:
        frames: file and line of each frame, the outermost first.
        packages: the top-level packages of the user.
    """
    candidates = [(file, line) for file, line in frames if not file.startswith("<") and not _is_cascade(file)]
    directories = _directories_of_all(packages)
    for file, line in reversed(candidates):
        if file.startswith(directories):
            return SourceLocation(file, line)
    for file, line in reversed(candidates):
        if not _is_foreign(file):
            return SourceLocation(file, line)
    return None


def _is_foreign(file: str) -> bool:
    # Code compiled from a string has no file, and users cannot fix library files.
    return file.startswith(("<", *_library_directories()))


def _directories_of_all(packages: Iterable[str]) -> tuple[str, ...]:
    return tuple(path for name in packages for path in _directories_of(name))


def _directories_of(package: str) -> list[str]:
    module = sys.modules.get(package)
    if module is None:
        return []
    paths = list(getattr(module, "__path__", []))
    return [f"{path}{os.sep}" for path in paths] or [str(getattr(module, "__file__", None) or "<none>")]


def _is_cascade(file: str) -> bool:
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
    # The tests next to this package's code count as user code.
    return file.startswith(here) and not os.path.basename(file).startswith("test_")


@cache
def _library_directories() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    return tuple({paths[key] + os.sep for key in ("stdlib", "platstdlib", "purelib", "platlib")})
