"""Read the modules of a directory together, because one of them may re-export a decorator that another one uses."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Container, Mapping
from pathlib import PurePosixPath

from .aliases import Alias, Reexports
from .declarations import Declaration, Module
from .modules import may_declare, read_module

_IMPORT = re.compile(rb"^[ \t]*(?:from|import)\b[^\n]*", re.MULTILINE)
_WORD = re.compile(rb"\w+")

_ROUNDS = 3
"""How many modules may pass on a decorator, one to the next, before it is not recognized."""


def declarations_in_package(files: Mapping[str, bytes]) -> dict[str, tuple[Declaration, ...]]:
    """Read what some modules declare.

    Args:
        files: the contents of the modules by path. The modules need not be complete: a decorator of a module that is
            missing is not recognized.

    Returns:
        The declarations of each module that declares something, by path, in the order of `files`.
    """
    modules = {path: read_module(content) for path, content in files.items() if may_declare(content)}
    for _ in range(_ROUNDS):
        exporters = _Exporters(modules)
        using = exporters.users(files)
        changed = False
        for path in using:
            module = read_module(files[path], exporters.as_seen_from(path))
            if module != modules.get(path):
                changed = changed or module.exports.keys() != _exports_of(modules, path)
                modules[path] = module
        if not changed:
            break
    return {path: modules[path].declarations for path in files if path in modules and modules[path].declarations}


def _exports_of(modules: Mapping[str, Module], path: str) -> object:
    return modules[path].exports.keys() if path in modules else {}.keys()


class _Exporters:
    """The modules that define a name for a decorator, by the last part of their name."""

    def __init__(self, modules: Mapping[str, Module]) -> None:
        self._by_parts = {_parts(path): module.exports for path, module in modules.items() if module.exports}
        self._by_last: defaultdict[str, list[tuple[str, ...]]] = defaultdict(list)
        for parts in self._by_parts:
            self._by_last[parts[-1] if parts else ""].append(parts)

    def users(self, files: Mapping[str, bytes]) -> list[str]:
        """List the files that may import from one of the modules."""
        names = {name.encode() for exports in self._by_parts.values() for name in exports}
        modules = {last.encode() for last in self._by_last if last}
        return [
            path
            for path, content in files.items()
            if _imports_from(content, modules) and not names.isdisjoint(_WORD.findall(content))
        ]

    def as_seen_from(self, path: str) -> Reexports:
        """Return a function that resolves the imports of one module."""
        directory = PurePosixPath(path).parent.parts

        def resolve(origin: str) -> Alias | None:
            name = origin.lstrip(".")
            level = len(origin) - len(name)
            *module, last = name.split(".")
            if level:
                parts = (*directory[: len(directory) - level + 1], *module)
                return self._by_parts.get(parts, {}).get(last)
            if not module or module[0] in ("dagster", "cascade"):
                return None
            for parts in self._by_last.get(module[-1], ()):
                if parts[-len(module) :] == tuple(module) and last in self._by_parts[parts]:
                    return self._by_parts[parts][last]
            return None

        return resolve


def _imports_from(content: bytes, modules: Container[bytes]) -> bool:
    """Return whether a module may import from one of some modules, given the last parts of their names."""
    return any(
        # `from . import daily_asset` names no module.
        line.lstrip().startswith(b"from .") or any(word in modules for word in _WORD.findall(line))
        for line in _IMPORT.findall(content)
    )


def _parts(path: str) -> tuple[str, ...]:
    """Return the parts of a module's name, including those above its source root, which is not known."""
    without = PurePosixPath(path).with_suffix("")
    return without.parent.parts if without.name == "__init__" else without.parts
