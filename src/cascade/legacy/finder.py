"""Let old names of modules resolve: a meta path finder, which only a project in the old layout installs.

The user's modules are in a directory `cascade` of their own, which Python would never look into, because `cascade` is
the installed package. The finder finds them there, under the names that the user's code imports. A module of the
installed package always comes first, since the package itself needs it.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from cascade import lazy
from cascade.exceptions import DiscoveryError, SourceLocation
from cascade.legacy.active import ActiveProject, set_active
from cascade.legacy.layout import PACKAGE
from cascade.legacy.old_framework import holds_modules_of_the_user, is_module_of_the_framework, is_of_the_framework
from cascade.legacy.old_imports import forget_lines, warn_of_importer, warn_of_imports
from cascade.legacy.old_names import GONE, MODULES, has_names_in, object_of
from cascade.legacy.project import old_partitions
from cascade.spelling import did_you_mean

PARTITIONS = f"{PACKAGE}.defs.partitions"
"""The one module of the framework whose copy in a project counts: it says when the partitions begin."""

DEFINITIONS = "cascade_definitions"
"""The variable that gets what `build_defs()` of a package returns, which the old framework called."""


class LegacyFinder(MetaPathFinder):
    """The finder of the modules of a project in the old layout.

    Args:
        package: its package `cascade`.
    """

    def __init__(self, package: Path) -> None:
        self.package = package

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module of the user, or an old module of the framework. Return None for any other."""
        top, *parts = fullname.split(".")
        if top != PACKAGE or not parts:
            return None
        installed = PathFinder.find_spec(fullname, path)
        if installed is not None and not self._is_of_the_user(installed):
            return None
        spec = self._spec_of(fullname, parts)
        if spec is not None:
            warn_of_importer(self.package, self.has)
        return spec

    def invalidate_caches(self) -> None:
        """Do nothing: each search looks at the files."""

    def has(self, name: str) -> bool:
        """Return whether a module is the user's.

        Args:
            name: its full name, such as `cascade.schemas.weather`.
        """
        top, *parts = name.split(".")
        if top != PACKAGE or not parts:
            return False
        file = self._file_of(parts)
        if file is None:
            return False
        return not is_of_the_framework(file.relative_to(self.package).parts) and not _installed_file(parts)

    def _is_of_the_user(self, spec: ModuleSpec) -> bool:
        places = [spec.origin] if spec.origin else [*(spec.submodule_search_locations or ())]
        return any(Path(place).is_relative_to(self.package) for place in places if place)

    def _file_of(self, parts: Sequence[str]) -> Path | None:
        place = self.package.joinpath(*parts)
        return next((file for file in (place / "__init__.py", place.with_suffix(".py")) if file.is_file()), None)

    def _spec_of(self, fullname: str, parts: Sequence[str]) -> ModuleSpec | None:
        file = self._file_of(parts)
        if has_names_in(fullname) and (fullname != PARTITIONS or file is None):
            return ModuleSpec(fullname, _OldModule())
        directory = self.package.joinpath(*parts)
        if holds_modules_of_the_user(parts) and directory.is_dir():
            return _namespace(fullname, directory)
        if is_module_of_the_framework(parts) and fullname != PARTITIONS:
            raise ModuleNotFoundError(_gone(fullname), name=fullname)
        if file is None:
            return _namespace(fullname, directory) if directory.is_dir() else None
        loader = _LegacyLoader(fullname, str(file), self)
        places = [str(directory)] if file.name == "__init__.py" else None
        return spec_from_file_location(fullname, file, loader=loader, submodule_search_locations=places)


def _gone(name: str) -> str:
    advice = f" Use instead: {GONE[name]}." if name in GONE else ""
    return f"{name} was part of Cascade before version 1.0 and no longer exists.{advice}"


def _namespace(fullname: str, directory: Path) -> ModuleSpec:
    spec = ModuleSpec(fullname, None, is_package=True)
    spec.submodule_search_locations = [str(directory)]
    return spec


def _installed_file(parts: Sequence[str]) -> Path | None:
    """Return the file of a module of the installed package, without importing anything."""
    for directory in sys.modules[PACKAGE].__path__:
        place = Path(directory, *parts)
        for file in (place / "__init__.py", place.with_suffix(".py")):
            if file.is_file():
                return file
    return None


class _LegacyLoader(SourceFileLoader):
    """The loader of a module of the user, which warns of each line that imports by an old path.

    Args:
        fullname: its name.
        path: its file.
        finder: the finder of the project.
    """

    def __init__(self, fullname: str, path: str, finder: LegacyFinder) -> None:
        super().__init__(fullname, path)
        self._finder = finder

    def exec_module(self, module: ModuleType) -> None:
        """Run the module. If it has `build_defs`, its definitions become a variable, which Cascade collects."""
        source = Path(self.path).read_bytes()
        warn_of_imports(source, self.name, self.path, self._finder.has)
        super().exec_module(module)
        build = vars(module).get("build_defs")
        if callable(build) and self.is_package(self.name):
            setattr(module, DEFINITIONS, build())


class _OldModule(Loader):
    """An old module of the framework whose names live elsewhere now."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Renamed(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        pass


class _Renamed(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if self.__name__ in MODULES:
            return getattr(importlib.import_module(MODULES[self.__name__]), name)
        return old_name(self.__name__, name)


_active: LegacyFinder | None = None


def activate(package: Path) -> LegacyFinder:
    """Let the modules of a project in the old layout be imported. A second call for the same project does nothing.

    Args:
        package: the package `cascade` of the project.

    Returns:
        The finder, which `deactivate` removes.

    Raises:
        DiscoveryError: a module of the user has the name of one of Cascade's own.
    """
    global _active
    if _active is not None and _active.package == package:
        return _active
    deactivate()
    _refuse_hidden(package)
    _active = LegacyFinder(package)
    sys.meta_path.insert(0, _active)
    set_active(ActiveProject(package, old_partitions(package)))
    lazy.look_up_old_names(old_name)
    return _active


def deactivate() -> None:
    """Forget the project and its modules."""
    global _active
    if _active is None:
        return
    sys.meta_path.remove(_active)
    set_active(None)
    lazy.look_up_old_names(None)
    ours = [name for name in sys.modules if name.startswith(f"{PACKAGE}.")]
    for name in [name for name in ours if _is_from(sys.modules[name], _active)]:
        above, _, last = name.rpartition(".")
        if above in sys.modules:
            vars(sys.modules[above]).pop(last, None)
        del sys.modules[name]
    forget_lines()
    _active = None


def _is_from(module: ModuleType, finder: LegacyFinder) -> bool:
    places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
    return isinstance(module, _Renamed) or any(Path(place).is_relative_to(finder.package) for place in places if place)


def _refuse_hidden(package: Path) -> None:
    """Raise if a module of the user has the name of a module of Cascade, which can never be imported."""
    from cascade.legacy.layout import read_layout

    layout = read_layout(package.parent.parent)
    hidden = []
    for file in layout.user_modules if layout else ():
        name = layout.module_name(file) if layout else ""
        installed = _installed_file(name.split(".")[1:])
        # The names of the user's `schemas/__init__.py` are looked up when Cascade's own package lacks them.
        if installed is not None and file.name != "__init__.py":
            hidden.append((name, file))
    if hidden:
        name, file = hidden[0]
        others = "".join(f"\n  {other} in {place}" for other, place in hidden[1:])
        raise DiscoveryError(
            f"The module {name} has the name of a module of Cascade itself, which hides it."
            + (f" So do:{others}" if others else ""),
            location=SourceLocation(str(file), 1),
            hint=f"Rename it, for example to {file.stem}_of_ours.py, and the imports of it.\n"
            "Or migrate the project, after which no name can be in the way: cascade migrate --check",
        )


def old_name(module: str, name: str) -> object:
    """Return what an old name is now.

    Args:
        module: the module that the user takes it from, such as `cascade.config`.
        name: the name in it.

    Raises:
        AttributeError: there was no such name, or it has no successor.
    """
    full = f"{module}.{name}"
    found = object_of(full)
    if found is not None:
        home, _, attribute = found.partition(":")
        return getattr(importlib.import_module(home), attribute)
    if _active is not None and (_active.has(full) or _installed_file(full.split(".")[1:])):
        # `from cascade.schemas import kinds` asks for a name before it imports the module.
        raise AttributeError(f"module {full!r} is not imported yet")
    theirs = _reexported(module)
    if theirs is not None and hasattr(theirs, name):
        return getattr(theirs, name)
    if full in GONE:
        # An `AttributeError` would become "cannot import name", without what to do.
        raise ImportError(_gone(full), name=module)
    known = [each.rpartition(".")[2] for each in _names_in(module)]
    raise AttributeError(f"module {module!r} has no attribute {name!r}.{did_you_mean(name, known)}".rstrip())


def _names_in(module: str) -> list[str]:
    from cascade.legacy.old_names import SUCCESSORS

    return [name for name in SUCCESSORS if name.rpartition(".")[0] == module]


def _reexported(module: str) -> ModuleType | None:
    """Return the user's `__init__.py` of a package that Cascade has too, such as `cascade.schemas`."""
    if _active is None or not module.startswith(f"{PACKAGE}."):
        return None
    parts = module.split(".")[1:]
    file = _active.package.joinpath(*parts, "__init__.py")
    if not file.is_file() or is_of_the_framework((*parts, "__init__.py")):
        return None
    name = f"{module}.__user_init__"
    if name not in sys.modules:
        spec = spec_from_file_location(name, file, loader=_LegacyLoader(name, str(file), _active))
        assert spec is not None and spec.loader is not None
        made = importlib.util.module_from_spec(spec)
        made.__package__ = module
        sys.modules[name] = made
        try:
            spec.loader.exec_module(made)
        except BaseException:
            del sys.modules[name]
            raise
    return sys.modules[name]
