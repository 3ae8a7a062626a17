"""The names of a project's assets and tables, read from its source.

Nothing of the user's is imported, and neither Dagster nor pydantic: a shell asks for these names at each press of Tab.
What only shows when a module runs, such as the product of a factory, is not found.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_WORKFLOW, _ASSET = "cascade_ingestion", "asset"


@dataclass(frozen=True)
class DeclaredName:
    """An asset that a decorator declares.

    Args:
        asset: its key as text, such as `weather_observations` or `gold/weather`.
        table: its table with the namespace, such as `raw.weather_observations`. None for an asset of Dagster's own.
        module: the module that declares it.
    """

    asset: str
    table: str | None
    module: str


def project_module_files() -> dict[str, Path]:
    """Finds the modules of the project that the working directory is in, without its settings' types.

    Returns:
        The file of each module under `workflows_path`, by the module's name.

    Raises:
        CascadeError: there is no project here, or it cannot be read.
    """
    from cascade.config.layers import read_layers
    from cascade.framework.project import require_project_root

    root = require_project_root()
    layers = read_layers(root).layers
    path = next((layer.values["workflows_path"] for layer in layers if "workflows_path" in layer.values), "workflows")
    return module_files(root / str(path))


def module_files(workflows_directory: Path) -> dict[str, Path]:
    """Gives the file of each module under a directory of workflows, by the module's name.

    Raises:
        DiscoveryError: the directory is not there or cannot be imported.
    """
    from cascade.framework.discovery import find_modules, import_root

    names = find_modules(workflows_directory)
    base = import_root(workflows_directory)
    return {name: file for name in names if (file := module_file(base, name))}


def module_file(base: Path, module: str) -> Path | None:
    """Finds the file of a module under one directory of the import path, without importing anything.

    Args:
        base: the directory.
        module: the module's name.

    Returns:
        The file, as the import system chooses it: a package comes before a module, and that before a directory.
    """
    path = base.joinpath(*module.split("."))
    return next((file for file in (path / "__init__.py", path.with_suffix(".py")) if file.is_file()), None)


def declared_names(files: Mapping[str, Path]) -> list[DeclaredName]:
    """Reads what the decorators of some modules declare.

    Args:
        files: the file of each module, by the module's name. What cannot be read or parsed is left out.

    Returns:
        The assets, in the order of the modules and of their lines.
    """
    return [found for module, path in files.items() for found in _names_in(module, path)]


def _names_in(module: str, path: Path) -> Iterator[DeclaredName]:
    try:
        source = path.read_text(encoding="utf-8")
        # To parse a file costs much more than to look for a word in it.
        tree = ast.parse(source) if _WORKFLOW in source or _ASSET in source else None
    except (OSError, ValueError, SyntaxError):
        return
    if tree is None:
        return
    reader = _Reader(tree)
    for statement in tree.body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
            for decorator in statement.decorator_list:
                yield from reader.declared(module, statement.name, decorator)


class _Reader:
    """What is needed to read the decorators of one module: its constants, and the names that it imports under."""

    def __init__(self, tree: ast.Module) -> None:
        self._constants: dict[str, object] = {}
        self._imported: dict[str, str] = {}
        for statement in tree.body:
            if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant):
                self._constants |= {
                    target.id: statement.value.value for target in statement.targets if isinstance(target, ast.Name)
                }
            elif isinstance(statement, ast.ImportFrom):
                self._imported |= {alias.asname: alias.name for alias in statement.names if alias.asname}

    def declared(self, module: str, function: str, decorator: ast.expr) -> Iterator[DeclaredName]:
        """Gives what one decorator of a function declares, if anything."""
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        keywords = decorator.keywords if isinstance(decorator, ast.Call) else []
        given = {keyword.arg: self._text(keyword.value) for keyword in keywords if keyword.arg}
        kind = self._name(called)
        if kind == _WORKFLOW:
            table, namespace = given.get("table_name"), given.get("namespace", "raw")
            if table and namespace:
                key = table if namespace == "raw" else f"{namespace}/{table}"
                yield DeclaredName(key, f"{namespace}.{table}", module)
        elif kind == _ASSET:
            name = given.get("key") or given.get("name", function)
            prefix = given.get("key_prefix", "")
            if name is not None and prefix is not None:
                yield DeclaredName(f"{prefix}/{name}" if prefix else name, None, module)

    def _name(self, called: ast.expr) -> str | None:
        if isinstance(called, ast.Attribute):
            return called.attr
        return self._imported.get(called.id, called.id) if isinstance(called, ast.Name) else None

    def _text(self, value: ast.expr) -> str | None:
        if isinstance(value, (ast.List, ast.Tuple)):
            parts = [self._text(part) for part in value.elts]
            return "/".join(part for part in parts if part) if all(parts) else None
        found: object = value.value if isinstance(value, ast.Constant) else None
        if isinstance(value, ast.Name):
            found = self._constants.get(value.id)
        return found if isinstance(found, str) else None
