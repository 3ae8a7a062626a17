"""Which version of its code a workflow runs."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Mapping
from pathlib import Path

from cascade.declarations.code_sources import code_of, read_file
from cascade.declarations.declaration import Declaration
from cascade.declarations.functions import as_written, location_of
from cascade.declarations.installed import requirements_of
from cascade.declarations.packed_code import PackedCode
from cascade.reader.fingerprint import combined, fingerprint

_packed: PackedCode | None = None


def use_packed_code(code: PackedCode | None) -> None:
    """Take the code of modules from a manifest.

    Args:
        code: what the manifest says; None if it says nothing.
    """
    global _packed
    _packed = code


def code_version(declaration: Declaration) -> str:
    """Return the version of a workflow's code: the fingerprint of its module and of everything that it imports.

    These are the modules of the project, the data files beside them, and the names and versions of the installed
    distributions that they import. Comments, docstrings and formatting do not count, nor does Cascade itself. In a
    project of Pants, they are the files and requirements that its dependencies lead to.

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
    known = (_packed.version(each) for each in (declaration.module, module) if _packed and each)
    found = next(filter(None, known), None)
    if found is not None:
        return found
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
    code = code_of(starts)
    files = {name: read_file(file, name)[0] for name, file in code.modules.items()}
    for name, file in code.data.items():
        try:
            files[name] = read_file(file)[0]
        except OSError:
            # Another process has just removed it.
            continue
    return combined(files, requirements_of(code.packages))
