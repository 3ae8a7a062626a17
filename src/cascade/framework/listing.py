"""List what a project contains, and import only the modules whose source does not show it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from cascade.declarations import IngestionDeclaration
from cascade.exceptions import CascadeError
from cascade.framework.collect import Collected, gather
from cascade.framework.declared_names import module_file
from cascade.framework.import_checks import would_import
from cascade.framework.loading import LoadedModules, load_modules
from cascade.framework.static_modules import StaticModule, StaticWorkflow, static_module
from cascade.reader.names import absolute
from cascade.reader.values import Key, Reference, Value

if TYPE_CHECKING:
    from types import ModuleType


@dataclass(frozen=True)
class Listing:
    """The contents of a project.

    Args:
        declarations: the declarations of its workflows.
        collected: what the imported modules contain, apart from workflows.
        failures: one error for each module that does not load.
    """

    declarations: tuple[IngestionDeclaration, ...]
    collected: Collected
    failures: tuple[CascadeError, ...]


def list_modules(names: Sequence[str]) -> Listing | None:
    """List what modules contain.

    Args:
        names: the modules of a project, packages before their modules.

    Returns:
        None if two workflows declare one table, which is an error that needs both.
    """
    project = _Project(names)
    declarations = project.declarations()
    own = {name: project.loaded.modules[name] for name in names if name in project.loaded.modules}
    collected = gather(own)
    errors: list[CascadeError] = []
    if collected.definitions:
        from cascade.framework.contents import resolve_definitions
        from cascade.framework.ruling import apply_rulers

        collected, errors = resolve_definitions(collected)
        collected, _ = apply_rulers(collected)
    declarations += [workflow.declaration for workflow in collected.workflows]
    if len({declaration.table_ref for declaration in declarations}) < len(declarations):
        return None
    return Listing(tuple(declarations), collected, (*project.loaded.failures, *errors))


@dataclass
class _Project:
    """The modules of a project: static ones, and the others, which are imported.

    Args:
        names: the modules of the project.
    """

    names: Sequence[str]
    static: dict[str, StaticModule] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)
    imported: set[str] = field(default_factory=set)
    loaded: LoadedModules = field(default_factory=LoadedModules)
    helpers: LoadedModules = field(default_factory=LoadedModules)

    def __post_init__(self) -> None:
        for name in self.names:
            self._find(name)
        self._load()

    @cached_property
    def _tops(self) -> frozenset[str]:
        return frozenset(name.partition(".")[0] for name in self.names)

    @cached_property
    def _bases(self) -> list[Path]:
        """The directories of the import path that hold modules of the project."""
        entries = [Path(entry or ".") for entry in sys.path]
        return [
            entry
            for entry in entries
            if any((entry / top).is_dir() or (entry / f"{top}.py").is_file() for top in self._tops)
        ]

    def declarations(self) -> list[IngestionDeclaration]:
        """Return the declarations of the static modules. Modules that turn out to be wrong are imported instead."""
        while True:
            found: list[IngestionDeclaration] = []
            wrong = set()
            for name, module in self.static.items():
                try:
                    found += [self._declaration(name, workflow) for workflow in module.workflows]
                except (CascadeError, LookupError):
                    wrong.add(name)
            if not wrong:
                return found
            self._import(wrong)

    def _find(self, name: str) -> bool:
        """Read a module and those of the project that it imports. Return whether it exists."""
        if name in self.static or name in self.imported:
            return True
        file = next((found for base in self._bases if (found := module_file(base, name))), None)
        if file is None:
            is_namespace = any(base.joinpath(*name.split(".")).is_dir() for base in self._bases)
            if not is_namespace or name in self.names:
                self.imported.add(name)
            return is_namespace
        self.files[name] = file
        try:
            module = static_module(file.read_bytes(), name, is_package=file.name == "__init__.py")
        except OSError:
            module = None
        if module is None:
            self.imported.add(name)
            return True
        self.static[name] = module
        if not all(self._would_import(*each) for each in module.imports):
            self._import_later({name})
        return True

    def _would_import(self, module: str, name: str | None) -> bool:
        if module.partition(".")[0] not in self._tops:
            return would_import(module, name)
        parts = module.split(".")
        if not all([self._find(".".join(parts[: count + 1])) for count in range(len(parts))]):
            return False
        if name is None or self._is_module(f"{module}.{name}"):
            return name is None or self._find(f"{module}.{name}")
        file = self.files.get(module)
        return file is not None and name.encode() in file.read_bytes()

    def _is_module(self, name: str) -> bool:
        return any(module_file(base, name) for base in self._bases)

    def _load(self) -> None:
        """Import what must be, and what depends on a module that fails, so that it is reported too."""
        while True:
            # A module outside of the project's list, such as a helper, is reported by those that import it.
            others = sorted(self.imported.difference(self.names))
            self.helpers = _loaded(self.helpers, others)
            self.loaded = _loaded(self.loaded, [name for name in self.names if name in self.imported])
            failed = self.imported - self.loaded.modules.keys() - self.helpers.modules.keys()
            dependent = {name for name in self.static if self._depends(name, failed)}
            if not dependent:
                return
            self._import_later(dependent)

    def _depends(self, name: str, failed: Iterable[str]) -> bool:
        used = {module for module, _ in self.static[name].imports}
        used |= {f"{module}.{taken}" for module, taken in self.static[name].imports if taken}
        return any(one in used or name.startswith(f"{one}.") for one in failed)

    def _import_later(self, names: set[str]) -> None:
        for name in names:
            self.static.pop(name, None)
        self.imported |= names

    def _import(self, names: set[str]) -> None:
        self._import_later(names)
        self._load()

    def _declaration(self, module: str, workflow: StaticWorkflow) -> IngestionDeclaration:
        stub = workflow.stub(module, str(self.files[module]))
        given = {one.name: self._value(module, one.value) for one in workflow.declaration.arguments}
        if isinstance(given.get("tags"), tuple):
            given["tags"] = dict(given["tags"])
        return IngestionDeclaration.declare(stub, given)

    def _value(self, module: str, value: Value) -> Any:
        if isinstance(value, Key):
            return list(value.parts)
        if isinstance(value, tuple):
            return tuple(self._value(module, item) for item in value)
        if not isinstance(value, Reference):
            return value
        is_package = self.files[module].name == "__init__.py"
        origin = absolute(value.origin, module, is_package=is_package)
        home, _, name = origin.rpartition(".")
        if any(one.function.name == name for one in self.static.get(home or module, StaticModule()).workflows):
            # Another workflow, as a dependency.
            return SimpleNamespace(declaration=None)
        holder: ModuleType | None = sys.modules.get(home)
        if holder is None or not hasattr(holder, name):
            raise LookupError(origin)
        return getattr(holder, name)


def _loaded(before: LoadedModules, names: Sequence[str]) -> LoadedModules:
    """Import the modules that were not imported before."""
    new = [name for name in names if name not in before.modules]
    now = load_modules(new)
    modules: Mapping[str, ModuleType] = {**before.modules, **now.modules}
    return LoadedModules(modules, now.failed, {**before.seconds, **now.seconds})
