"""Which version of its code a workflow runs."""

from __future__ import annotations

import linecache
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from cascade.declarations.code_sources import OwnModules, data_beside, is_given, read_file
from cascade.declarations.declaration import Declaration
from cascade.declarations.functions import as_written, location_of
from cascade.declarations.installed import requirements_of
from cascade.reader.fingerprint import combined, fingerprint


def code_version(declaration: Declaration) -> str:
    """Return the version of a workflow's code: the fingerprint of its module and of everything that it imports.

    These are the modules of the project, the data files beside them, and the names and versions of the installed
    distributions that they import. Comments, docstrings and formatting do not count, nor does Cascade itself.

    Args:
        declaration: the workflow's declaration.

    Returns:
        Twelve hexadecimal digits, or an empty string if the source is not there.
    """
    location = location_of(declaration.function)
    if location is None:
        return ""
    function = as_written(declaration.function)
    module = str(getattr(function, "__module__", ""))
    starts = {module: Path(location.file)}
    if declaration.module is not None:
        # The function may come from a factory in another module.
        origin = getattr(sys.modules.get(declaration.module), "__file__", None)
        starts.update({declaration.module: Path(origin)} if origin else {})
    try:
        return _version_of({name: path.absolute() for name, path in starts.items()})
    except (OSError, ValueError):
        # The loader of a zip file, for example, knows the source.
        text = "".join(linecache.getlines(location.file, getattr(function, "__globals__", None)))
        return combined({module: fingerprint(text.encode(), is_python=True)}) if text else ""


def _version_of(starts: Mapping[str, Path]) -> str:
    modules, packages = _closure(starts)
    files = {}
    for name, file in modules.items():
        files[name] = read_file(file, name)[0]
        directory, base = os.path.split(file)
        for data in data_beside(directory) if base != "__init__.py" or name in starts else ():
            try:
                files[f"{name.rpartition('.')[0]}/{data.removeprefix(directory)}"] = read_file(data)[0]
            except OSError:
                # Another process has just removed it.
                continue
    return combined(files, requirements_of(packages))


def _closure(starts: Mapping[str, Path]) -> tuple[dict[str, str], set[str]]:
    """Return the project's modules that modules import, themselves included, and the packages that are not its own."""
    own = OwnModules.beside(*list(starts.items())[-1])
    modules: dict[str, str] = {}
    packages: set[str] = set()
    waiting = [(name, str(file)) for name, file in starts.items()]
    while waiting:
        name, file = waiting.pop()
        if name in modules:
            continue
        modules[name] = file
        imported = read_file(file, name)[1]
        inside = own.is_own(name.partition(".")[0])
        waiting += _own_modules([name, *imported] if inside else imported, own, packages)
    return modules, packages


def _own_modules(names: Iterable[str], own: OwnModules, packages: set[str]) -> list[tuple[str, str]]:
    found = []
    for name in names:
        top, *rest = name.split(".")
        if not own.is_own(top):
            packages.update([top] if not is_given(top) else [])
            continue
        for count in range(len(rest) + 1):
            # An import runs the packages above a module. The last part may be a name inside one.
            module = ".".join([top, *rest[:count]])
            file = own.find(module)
            if file is not None:
                found.append((module, file))
    return found
