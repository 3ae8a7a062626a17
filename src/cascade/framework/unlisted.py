"""Find modules that declare workflows but are loaded by no project.

A project loads the modules whose source shows a declaration. A module that gets its workflows from a factory shows none
and has to be listed in `load`; this module finds those that are not. It imports as little as possible: a script
next to the workflows does not run.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from cascade.framework.collect import is_imported, workflows_in
from cascade.framework.loading import asks_for_the_end
from cascade.reader.modules import read_module
from cascade.reader.names import INGESTION, absolute

if TYPE_CHECKING:
    from cascade.ingestion import IngestionWorkflow


def unlisted_workflows(
    listed: Mapping[str, ModuleType], known: Iterable[str] = ()
) -> list[tuple[str, Path, IngestionWorkflow[..., object]]]:
    """Find module-level workflows in modules that are not listed.

    Args:
        listed: the loaded modules of the workflows to check, by name. Their directories are searched.
        known: modules that other workflows list.

    Returns:
        For each workflow the name of its module, the file, and the workflow.
    """
    seen = {*listed, *known}
    loaded = {id(workflow) for module in listed.values() for workflow in workflows_in(module)}
    found = []
    for name, path in _neighbors(listed):
        if name in seen:
            continue
        seen.add(name)
        module = sys.modules.get(name) or _loaded_if_it_may_declare(name, path)
        if module is None:
            continue
        for workflow in workflows_in(module):
            if id(workflow) not in loaded and not is_imported(workflow, name):
                found.append((name, path, workflow))
    return found


def _neighbors(listed: Mapping[str, ModuleType]) -> Iterator[tuple[str, Path]]:
    """Find the Python files in and below the directories of modules, with the names they are imported by."""
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
            yield ".".join([*([package] if package else []), *relative.with_suffix("").parts]), path


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
    imports = (absolute(imported, name) for imported in module.imports)
    if INGESTION.encode() not in content and not any(map(_holds_a_factory, imports)):
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
