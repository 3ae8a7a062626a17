"""Where the modules of an older project, and what it imports of Cascade, are now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec

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
        return (PACKAGE, name) if name in _public_names() else None

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


@cache
def _has(module: str, name: str) -> bool:
    if _is_module(f"{module}.{name}"):
        return True
    try:
        return _is_module(module) and hasattr(import_module(module), name)
    except ImportError:
        # A module of an extra that is not installed.
        return False


@cache
def _public_names() -> frozenset[str]:
    return frozenset(import_module(PACKAGE).__all__)
