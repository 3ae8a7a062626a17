"""Where the modules of an older project, and what it imports of Cascade, are now."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from cascade.legacy.old_names import GONE, MODULES, SUCCESSORS

PACKAGE = "cascade"


@dataclass(frozen=True)
class Module:
    """A module that is moved.

    Args:
        old: its old dotted name; empty if nothing imports it, as a test.
        new: its new dotted name; empty, too.
        is_package: whether it is an `__init__.py`.
    """

    old: str = ""
    new: str = ""
    is_package: bool = False

    def resolve(self, level: int, name: str, *, moved: bool) -> str | None:
        """Return the absolute name of a relative import.

        Args:
            level: the number of dots.
            name: what follows them.
            moved: whether the module is at its new place.

        Returns:
            None if it leads out of the package.
        """
        parts = (self.new if moved else self.old).split(".")
        dropped = level - 1 if self.is_package else level
        if not parts[0] or dropped >= len(parts):
            return None
        return ".".join([*parts[: len(parts) - dropped], *([name] if name else [])])


@dataclass(frozen=True)
class NewNames:
    """The new names of modules.

    Args:
        moved: the new name of each file of the user, by its old name, such as `cascade.schemas.weather`.
        packages: the same for the directories above them, which may have no `__init__.py` of the user.
    """

    moved: Mapping[str, str]
    packages: Mapping[str, str]

    def module(self, old: str) -> str | None:
        """Return the new name of a module: that of the user's own, or the same if Cascade has it today.

        Returns:
            None if there is no such module any more.
        """
        new = self.moved.get(old) or self.packages.get(old)
        if new is not None:
            return new
        return old if _is_module(old) else MODULES.get(old)

    def attribute(self, module: str, name: str) -> tuple[str, str] | None:
        """Return the new module and name of what is imported from a module.

        Args:
            module: the old name of the module.
            name: a name in it, which may be a submodule.

        Returns:
            None if no module has it any more.
        """
        path = f"{module}.{name}"
        submodule = self.moved.get(path) or self.packages.get(path)
        if submodule is not None:
            parent, _, last = submodule.rpartition(".")
            return parent, last
        if module in self.moved:
            return self.moved[module], name
        for today in (module, MODULES.get(module)):
            if today is not None and _has(today, name):
                return today, name
        successor = SUCCESSORS[path][1] if path in SUCCESSORS else ""
        if successor and ".old_" not in successor:
            today, _, name = successor.partition(":")
            return today, name
        return (PACKAGE, name) if name in _names_in(PACKAGE) else None

    def instead(self, module: str, names: Sequence[str]) -> str:
        """Return what to write in place of names that no module has any more, as a sentence, or an empty string.

        Args:
            module: the old name of their module.
            names: the names; none for the module itself.
        """
        paths = [f"{module}.{name}" for name in names] or [module]
        found = [SUCCESSORS[path][0] if path in SUCCESSORS else GONE.get(path, GONE.get(module)) for path in paths]
        texts = list(dict.fromkeys(text for text in found if text is not None))
        return f" Today: {'; '.join(texts)}." if texts else ""

    def dotted(self, path: str) -> str | None:
        """Return the new form of a dotted path to a module, or to something in one.

        Args:
            path: such as `cascade.defs.ingestion.weather.observations.STATIONS`.

        Returns:
            The new path, which may be the same; None if its module does not exist any more.
        """
        if path in self.packages:
            return self.packages[path]
        parts = path.split(".")
        for end in range(len(parts), 1, -1):
            old = ".".join(parts[:end])
            if old in self.moved:
                return ".".join([self.moved[old], *parts[end:]])
        for end in range(len(parts), 0, -1):
            old = ".".join(parts[:end])
            if end > 1 and not _is_module(old) and old in MODULES:
                return self.dotted(".".join([MODULES[old], *parts[end:]]))
            if _is_module(old):
                return path if end == len(parts) or _has(old, parts[end]) else None
        return None


@cache
def _is_module(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def _has(module: str, name: str) -> bool:
    return name in _names_in(module) or _is_module(f"{module}.{name}")


@cache
def _names_in(module: str) -> frozenset[str]:
    """Return what a module of Cascade has, from its source: importing `cascade.definitions` would load the project."""
    spec = find_spec(module) if _is_module(module) else None
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return frozenset()
    names: set[str] = set()
    for node in ast.parse(Path(spec.origin).read_bytes()).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            names |= {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
            if "__all__" in names and isinstance(node.value, ast.List):
                names |= {str(each.value) for each in node.value.elts if isinstance(each, ast.Constant)}
    return frozenset(names)
