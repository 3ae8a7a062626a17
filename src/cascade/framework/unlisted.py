"""Modules that declare workflows and that nothing would load.

A project loads the modules in which a decorator can be seen without running them. One that gets its workflows from a
factory shows none, and has to be named in `load`. This finds those that were forgotten. It imports no more than it
must: a script beside the workflows is not run.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from cascade.framework.collect import is_imported, workflows_in
from cascade.framework.loading import asks_for_the_end

if TYPE_CHECKING:
    from cascade.ingestion import IngestionWorkflow

_DECORATOR = "cascade_ingestion"
_VISIBLE = re.compile(rf"^@[ \t]*[\w.]*{_DECORATOR}\b", re.MULTILINE)


def unlisted_workflows(
    listed: Mapping[str, ModuleType], known: Iterable[str] = ()
) -> list[tuple[str, Path, IngestionWorkflow[..., object]]]:
    """Finds workflows at the level of modules that no one lists.

    Args:
        listed: the loaded modules of the workflows that are checked. Their directories are looked through.
        known: modules that other workflows list.

    Returns:
        For each such workflow the module's name, its file, and the workflow.
    """
    seen = {*listed, *known}
    loaded = {id(workflow) for module in listed.values() for workflow in workflows_in(module)}
    found = []
    for name, path in _neighbours(listed):
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


def _neighbours(listed: Mapping[str, ModuleType]) -> Iterator[tuple[str, Path]]:
    """The Python files in and below the directories of modules, with the names by which they are imported."""
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
        source = path.read_text(encoding="utf-8")
        tree = ast.parse(source)
    except (OSError, UnicodeDecodeError, SyntaxError):
        return None
    if _VISIBLE.search(source):
        # Whoever reads the source sees this one, and lists it where it belongs.
        return None
    if _DECORATOR not in source and not any(_holds_a_factory(imported) for imported in _imports(tree, name)):
        return None
    try:
        return importlib.import_module(name)
    except BaseException as error:
        if asks_for_the_end(error):
            raise
        # Whether it imports is the business of whoever lists it.
        return None


def _imports(tree: ast.Module, name: str) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = name.split(".")[: -node.level]
                base = ".".join([*parents, *([base] if base else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _holds_a_factory(name: str) -> bool:
    if not name or name.partition(".")[0] in {"cascade", "dagster", *sys.stdlib_module_names}:
        return False
    try:
        spec = importlib.util.find_spec(name)
    except Exception:
        # It imports the packages above, which may do anything.
        return False
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        return False
    source = Path(spec.origin).read_text(encoding="utf-8", errors="replace")
    # A decorator inside a function is one that is applied each time the function is called.
    return any(line.startswith((" ", "\t")) and _DECORATOR in line for line in source.splitlines())
