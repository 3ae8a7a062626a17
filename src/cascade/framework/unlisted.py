"""Find modules that declare workflows or Dagster definitions but are loaded by no project.

A project loads the modules whose source shows a declaration. A module that gets its workflows from a factory shows none
and has to be listed in `load`; this module finds those that are not. It imports as little as possible: a script
next to the workflows does not run.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from cascade.exceptions import asks_for_the_end
from cascade.framework.collect import Collected, gather, is_imported, named_definitions
from cascade.framework.ruling import apply_rulers
from cascade.reader.modules import read_module
from cascade.reader.names import INGESTION, absolute


@dataclass(frozen=True)
class UnlistedModule:
    """A module that no project loads, although it declares something.

    Args:
        name: its name.
        path: its file.
        directory: the directory of the workflow, in which the file was found.
        declared: what it declares: full names of tables, and names of Dagster definitions with their kind.
    """

    name: str
    path: Path
    directory: Path
    declared: tuple[str, ...]


def unlisted_modules(
    listed: Mapping[str, ModuleType], collected: Collected, known: Iterable[str] = ()
) -> list[UnlistedModule]:
    """Find modules that are not listed, and that declare what no listed module contains.

    Args:
        listed: the loaded modules of the workflows to check, by name. Their directories are searched.
        collected: what these contain, with `Definitions` in place of functions that return them.
        known: modules that other workflows list.
    """
    seen = {*listed, *known}
    found: dict[str, tuple[ModuleType, Path, Path]] = {}
    for name, path, directory in _neighbors(listed):
        if name in seen:
            continue
        seen.add(name)
        module = _loaded_if_it_may_declare(name, path)
        if module is not None:
            found[name] = (module, path, directory)
    everything = gather({name: module for name, (module, _, _) in found.items()})
    loaded = {id(value) for kind in _KINDS for value in getattr(collected, kind)}
    # What the Definitions of a package list, or leave out, is loaded or left out with them.
    kinds: dict[str, Any] = {kind: (*getattr(collected, kind), *getattr(everything, kind)) for kind in _KINDS}
    kinds["definitions"] = collected.definitions
    rest, _ = apply_rulers(Collected(**kinds, homes={**everything.homes, **collected.homes}))
    declared: dict[str, list[str]] = {}
    for kind in _KINDS:
        for value in getattr(rest, kind):
            home = everything.home(value)
            if id(value) not in loaded and home is not None and not is_imported(value, home):
                declared.setdefault(home, []).extend(_names(kind, value))
    return [UnlistedModule(name, *found[name][1:], tuple(declared[name])) for name in found if name in declared]


_KINDS = ("workflows", "assets", "asset_checks", "jobs", "schedules", "sensors", "definitions")


def _names(kind: str, value: Any) -> list[str]:
    if kind == "workflows":
        return [value.declaration.table]
    if kind == "definitions":
        return ["Definitions"]
    only: dict[str, Any] = {kind: (value,)}
    return [f"the {what} {name}" for what, name, _ in named_definitions(Collected(**only))]


def _neighbors(listed: Mapping[str, ModuleType]) -> Iterator[tuple[str, Path, Path]]:
    """Find the Python files in and below the directories of modules, with their module names and that directory."""
    for name, module in listed.items():
        file = getattr(module, "__file__", None)
        if not file:
            continue
        directory = Path(file).parent
        package = name if hasattr(module, "__path__") else name.rpartition(".")[0]
        for path in sorted(directory.rglob("*.py")):
            relative = path.relative_to(directory)
            if _is_test(path) or path.name == "__init__.py" or any(part.startswith(".") for part in relative.parts):
                continue
            yield ".".join([*([package] if package else []), *relative.with_suffix("").parts]), path, directory


def _is_test(path: Path) -> bool:
    return path.name.startswith("test_") or path.name.endswith("_test.py") or path.name in ("conftest.py", "tests.py")


def _loaded_if_it_may_declare(name: str, path: Path) -> ModuleType | None:
    try:
        content = path.read_bytes()
    except OSError:
        return None
    module = read_module(content)
    if module.declarations:
        # Pants reads the same source, and lists this module where it belongs.
        return None
    if name in sys.modules:
        return sys.modules[name]
    imports = (absolute(imported, name) for imported in module.imports)
    if not module.may_define and INGESTION.encode() not in content and not any(map(_holds_a_factory, imports)):
        return None
    try:
        return importlib.import_module(name)
    except BaseException as error:
        if asks_for_the_end(error):
            raise
        # The error is reported once the module is listed.
        return None


def _holds_a_factory(name: str) -> bool:
    if not name or name.partition(".")[0] in {"cascade", "dagster", *sys.stdlib_module_names}:
        return False
    try:
        spec = importlib.util.find_spec(name)
    except Exception:
        # This imports the packages above, which may raise anything.
        return False
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        return False
    try:
        return read_module(Path(spec.origin).read_bytes()).has_factory
    except OSError:
        return False
