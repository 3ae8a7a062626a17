"""Read the names of a project's assets and tables from its source.

This imports no user code, no Dagster and no pydantic, because a shell needs these names at every press of Tab. Names
that exist only when a module runs, such as those of a factory's workflows, are not found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cascade.reader.packages import declarations_in_package


@dataclass(frozen=True)
class DeclaredName:
    """An asset that a decorator declares.

    Args:
        asset: its key as text, such as `weather_observations` or `gold/weather`.
        table: its table with the namespace, such as `raw.weather_observations`. None for a plain Dagster asset.
        module: the module that declares it.
    """

    asset: str
    table: str | None
    module: str


@dataclass(frozen=True)
class PlainSettings:
    """The settings that say where the workflows of a project are. `CascadeConfig` validates them and all others.

    Args:
        project_root: the project's directory.
        workflows_path: the directory of the workflows in it.
        project_name: the name of the project.
        dbt_project_dir: the directory of the dbt project in it.
    """

    project_root: Path
    workflows_path: str
    project_name: str
    dbt_project_dir: str

    @property
    def workflows_directory(self) -> Path:
        """`workflows_path` as an absolute path."""
        return self.project_root / self.workflows_path

    @property
    def dbt_project_directory(self) -> Path:
        """`dbt_project_dir` as an absolute path."""
        return self.project_root / self.dbt_project_dir


def plain_settings(root: Path) -> PlainSettings:
    """Read the settings that say where the workflows of a project are.

    Args:
        root: the project's directory.

    Raises:
        ConfigError: a source of settings cannot be read.
    """
    from cascade.config.layers import read_layers

    layers = read_layers(root).layers

    def setting(name: str, default: str) -> str:
        return str(next((layer.values[name] for layer in layers if name in layer.values), default))

    return PlainSettings(
        root,
        setting("workflows_path", "workflows"),
        setting("project_name", root.name or "cascade"),
        setting("dbt_project_dir", "transforms/dbt"),
    )


def project_module_files() -> dict[str, Path]:
    """Find the modules of the project in the working directory, without validating its settings.

    Returns:
        The file of each module under `workflows_path`, by the module's name.

    Raises:
        CascadeError: there is no project here, or its settings cannot be read.
    """
    from cascade.framework.modules import has_only_dbt
    from cascade.framework.project import require_project_root

    settings = plain_settings(require_project_root())
    return {} if has_only_dbt(settings) else module_files(settings.workflows_directory)


def module_files(workflows_directory: Path) -> dict[str, Path]:
    """Return the file of each module under a directory of workflows, by the module's name.

    Raises:
        DiscoveryError: the directory does not exist or cannot be imported.
    """
    from cascade.framework.modules import find_modules, import_root

    names = find_modules(workflows_directory)
    base = import_root(workflows_directory)
    return {name: file for name in names if (file := module_file(base, name))}


def module_file(base: Path, module: str) -> Path | None:
    """Find the file of a module under one directory of the import path, without importing anything.

    Args:
        base: the directory.
        module: the module's name.

    Returns:
        The file that the import system would choose, where a package comes before a module; None if neither exists.
    """
    path = base.joinpath(*module.split("."))
    return next((file for file in (path / "__init__.py", path.with_suffix(".py")) if file.is_file()), None)


def declared_names(files: Mapping[str, Path]) -> list[DeclaredName]:
    """Read from their source which assets some modules declare.

    Args:
        files: the file of each module, by the module's name. A file that cannot be read is left out.

    Returns:
        The assets, ordered by module and line.
    """
    contents: dict[str, bytes] = {}
    modules: dict[str, str] = {}
    for module, path in files.items():
        try:
            contents[str(path)] = path.read_bytes()
        except OSError:
            continue
        modules[str(path)] = module
    return [
        DeclaredName("/".join(declaration.asset_key), declaration.table, modules[path])
        for path, declarations in declarations_in_package(contents).items()
        for declaration in declarations
        if declaration.asset_key and not declaration.in_factory
    ]
