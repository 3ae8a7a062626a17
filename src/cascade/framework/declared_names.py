"""The names of a project's assets and tables, read from its source.

Nothing of the user's is imported, and neither Dagster nor pydantic: a shell asks for these names at each press of Tab.
What only shows when a module runs, such as the product of a factory, is not found.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cascade.reader.modules import declarations_in


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
    """Read the assets that some modules declare from their source.

    Args:
        files: the file of each module, by the module's name. A file that cannot be read is left out.

    Returns:
        The assets, in the order of the modules and of their lines.
    """
    return [found for module, path in files.items() for found in _names_in(module, path)]


def _names_in(module: str, path: Path) -> Iterator[DeclaredName]:
    try:
        content = path.read_bytes()
    except OSError:
        return
    for declaration in declarations_in(content):
        if declaration.asset_key and not declaration.in_factory:
            yield DeclaredName("/".join(declaration.asset_key), declaration.table, module)
