"""The files of a new workflow, check or model: where they go in a project, and what to type next."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from cascade.exceptions import CascadeError, ConfigError, UsageError
from cascade.framework.modules import import_root

if TYPE_CHECKING:
    from cascade.config import CascadeConfig
    from cascade.framework.collect import Collected
    from cascade.ingestion import IngestionWorkflow
    from cascade.scaffold.project_layout import Commands


@dataclass(frozen=True)
class Workplace:
    """The project that new files go into.

    Args:
        config: its settings.
        program: the command that the user types, for hints.
        load: imports the modules; returns their contents, and an error for each that did not load.
        find: returns the workflow of a table or an asset key, or None.
    """

    config: CascadeConfig
    program: str
    load: Callable[[], tuple[Collected, tuple[CascadeError, ...]]]
    find: Callable[[str], IngestionWorkflow[..., object] | None]


@dataclass(frozen=True)
class WorkflowOptions:
    """The options of `create-workflow`. None and an empty key mean that an option was not given.

    Args:
        kind: what to write, or the source of an ingestion.
        domain: the subject of the workflow, such as `weather`.
        source: where an ingestion reads its rows.
        asset: what the rows of an ingestion are, such as `forecasts`.
        table: the table to fill, check or read.
        unique_key: the columns of an ingestion's key, as typed.
        cron: when an ingestion runs.
        group: the Dagster group of an ingestion.
        asking: whether the user can be asked for what is missing.
    """

    kind: str | None = None
    domain: str | None = None
    source: str | None = None
    asset: str | None = None
    table: str | None = None
    unique_key: tuple[str, ...] = ()
    cron: str | None = None
    group: str | None = None
    asking: bool = False


@dataclass(frozen=True)
class NewFiles:
    """The files to write.

    Args:
        files: the text of each file by its path from the root of the project.
        table: the table that is filled, checked or read.
        notices: sentences for the user.
        next_commands: what to type next.
    """

    files: Mapping[str, str]
    table: str
    notices: tuple[str, ...] = ()
    next_commands: tuple[str, ...] = ()


def workflows_place(config: CascadeConfig) -> tuple[str, str]:
    """Return where the workflows of a project are.

    Args:
        config: the settings of the project.

    Returns:
        The package that contains them, such as `workflows`, and its path from the root of the project.

    Raises:
        ConfigError: `workflows_path` is not a directory below the root.
    """
    directory = path_in_project(config, "workflows_path", config.workflows_directory)
    package = config.workflows_directory.relative_to(import_root(config.workflows_directory))
    return ".".join(package.parts), directory


def path_in_project(config: CascadeConfig, setting: str, directory: Path) -> str:
    """Return a configured directory as a path from the root of the project, with forward slashes.

    Args:
        config: the settings of the project.
        setting: the setting that configures the directory.
        directory: the directory.

    Raises:
        ConfigError: the directory is not below the root. New files must be inside the project.
    """
    relative = PurePosixPath(Path(os.path.relpath(directory, config.project_root)).as_posix())
    if relative.parts[:1] in ((), ("..",)):
        where = config.origin_of(setting) or setting
        raise ConfigError(
            f"{where} is {getattr(config, setting)!r}, which is not a directory inside the project "
            f"{config.project_root}.",
            hint=f'Set {setting} under [tool.cascade] in pyproject.toml to a path such as "{setting.split("_")[0]}".',
        )
    return str(relative)


def new_packages(root: Path, files: Mapping[str, str]) -> dict[str, str]:
    """Drop the `__init__.py` of directories that exist: the user decides whether they have one.

    Args:
        root: the root of the project.
        files: the text of each file by its path from the root.
    """
    return {
        path: text
        for path, text in files.items()
        if PurePosixPath(path).name != "__init__.py" or not (root / path).parent.is_dir()
    }


def refuse_hidden_modules(root: Path, paths: Iterable[str]) -> None:
    """Refuse `rain.py` next to a package `rain`: Python imports one of the two, and the other's workflows disappear.

    Args:
        root: the root of the project.
        paths: the paths of the files to write, from the root.

    Raises:
        UsageError: a new file and an existing one would be such a pair. The message lists each pair.
    """
    modules = [PurePosixPath(path) for path in paths if path.endswith(".py")]
    packages = {package for module in modules for package in module.parents[:-2]}
    hidden = {package for package in packages if (root / f"{package}.py").is_file()}
    hidden |= {module.with_suffix("") for module in modules if any((root / module.with_suffix("")).rglob("*.py"))}
    if hidden:
        raise UsageError(
            "\n".join(
                f"{name}.py and the directory {name} would be the same module. Python would import one of them."
                for name in sorted(hidden)
            ),
            hint="Nothing was written. Choose another --domain, or move the existing files.",
        )


def with_build_files(root: Path, files: Mapping[str, str]) -> dict[str, str]:
    """Add BUILD files for new directories if the project is in a repository that Pants builds.

    Args:
        root: the root of the project.
        files: the text of each file by its path from the root.
    """
    from cascade.scaffold.project_pants import build_files, find_repository, place_in

    repository = find_repository(root)
    if repository is None:
        return dict(files)
    builds = build_files(place_in(repository, root), files)
    missing = {path: text for path, text in builds.items() if not any((root / path).parent.glob("BUILD*"))}
    return {**missing, **files}


def commands_of(workplace: Workplace) -> Commands:
    """Return the commands to type for the project."""
    from cascade.scaffold.project_layout import commands_for
    from cascade.scaffold.project_pants import find_repository, place_in

    root = workplace.config.project_root
    repository = find_repository(root)
    return commands_for(place_in(repository, root) if repository else None, workplace.program)


def command_for_tests(workplace: Workplace, domain: str) -> str:
    """Return the command that runs the tests of a domain."""
    commands = commands_of(workplace)
    return f"{commands.test} --workflow {domain}" if commands.cascade == workplace.program else commands.test
