"""Files that concern every target of the repository."""

from __future__ import annotations

import os
from fnmatch import fnmatch

from pants.option.global_options import GlobalOptions
from pants.source.filespec import FilespecMatcher

from cascade_pants.toml_text import parse_toml

_TESTS = ("test_*.py", "*_test.py", "tests.py", "conftest.py", "BUILD", "BUILD.*", "*.md")


def why_everything(path: str, options: GlobalOptions, directory: str) -> str | None:
    """Return why a file concerns every target, to be read after its name; None if it does not.

    Args:
        path: the file, from the root of the repository.
        options: the options of `[GLOBAL]`.
        directory: the root of the repository.
    """
    if path in {_relative(one, directory) for one in options.pants_config_files} or fnmatch(path, "pants*.toml"):
        return "configures Pants"
    if path in (".pants.rc", ".pants.bootstrap"):
        return "configures Pants"
    preludes = tuple(options.build_file_prelude_globs)
    if preludes and FilespecMatcher(preludes, ()).matches([path]):
        return "defines what every BUILD file may use"
    if any(fnmatch(os.path.basename(path), pattern) for pattern in _TESTS):
        return None
    for plugins in (_relative(one, directory) for one in options.pythonpath):
        if path.startswith(f"{plugins}/"):
            return "is code of a plugin of Pants"
    return None


def same_configuration(before: bytes | None, after: bytes | None) -> bool:
    """Return whether two versions of a configuration file say the same, apart from comments and layout."""
    if before is None or after is None:
        return False
    old, new = parse_toml(before), parse_toml(after)
    return old is not None and old == new


def is_build_file(path: str, options: GlobalOptions) -> bool:
    """Return whether a file is a BUILD file."""
    return any(fnmatch(os.path.basename(path), pattern) for pattern in options.build_patterns)


def _relative(path: str, directory: str) -> str:
    return os.path.relpath(os.path.join(directory, path), directory)
