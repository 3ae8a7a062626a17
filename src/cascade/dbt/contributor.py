"""Contribute the assets of the dbt project, and the problems that dbt's parser finds."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from cascade.collector import collector_paused
from cascade.contributor import Contribution, Contributor, LoadedProject, Problem
from cascade.dbt.fillers import Filler, write_fillers
from cascade.dbt.layout import PROJECT_FILE
from cascade.declarations import IngestionDeclaration
from cascade.exceptions import CascadeError, SourceLocation

if TYPE_CHECKING:
    import dagster as dg


class DbtContributor(Contributor):
    """Contributes the assets and the problems of the project's dbt directory."""

    def contribute(self, project: LoadedProject) -> Contribution:
        """Build the assets of the models, seeds and snapshots. dbt parses the project first, if a file has changed.

        Args:
            project: the project. Without `dbt_assets_directory`, without dbt, without a model, and with assets of
                dagster-dbt in its own modules, nothing is built.
        """
        directory = project.dbt_assets_directory
        if directory is None or not has_nodes(directory) or not can_build_assets() or _has_own_assets(project):
            return Contribution()
        declarations = _declarations(project)
        try:
            # dagster-dbt and the assets of many models are objects that stay, too.
            with collector_paused():
                from cascade.dbt.assets import build_dbt_assets

                write_fillers(project.config, _fillers(project))
                assets = build_dbt_assets(project.config, declarations)
                marts, failures = _marts(project, declarations)
        except CascadeError as error:
            return Contribution(failures=(error,))
        except Exception as error:
            failure = CascadeError(f"The dbt project cannot be loaded: {type(error).__name__}: {error}")
            failure.location = SourceLocation(str(directory / PROJECT_FILE), 1)
            failure.__cause__ = error
            return Contribution(failures=(failure,))
        return Contribution(assets=tuple(each for each in (assets, marts) if each is not None), failures=failures)

    def problems(self, project: LoadedProject) -> tuple[Problem, ...]:
        """Let dbt parse its project, and compare its sources with the workflows.

        This takes about four seconds, and dbt stops at its first error.

        Args:
            project: the project; without a `dbt_directory`, nothing is parsed.

        Returns:
            Every problem, in the order of files and lines.

        Raises:
            UsageError: dbt is not installed; see `cascade.dbt.dbt_is_installed`.
        """
        from cascade.dbt.parse import parse_project
        from cascade.dbt.sources import source_problems

        if project.dbt_directory is None:
            return ()
        parsed = parse_project(project.dbt_directory)
        problems = list(parsed.problems)
        if project.complete:
            # Otherwise a workflow elsewhere may fill a source.
            problems += source_problems(parsed, project.dbt_directory, _declarations(project))
        found = (
            Problem(problem.message, "DbtProblem", SourceLocation(str(problem.file), problem.line))
            for problem in problems
        )
        return tuple(sorted(found, key=lambda problem: problem.order))


def _declarations(project: LoadedProject) -> list[IngestionDeclaration]:
    found = (workflow.declaration for workflow in project.workflows)
    return [declaration for declaration in found if isinstance(declaration, IngestionDeclaration)]


def _fillers(project: LoadedProject) -> Iterator[Filler]:
    homes: dict[int, str] = {}
    for name, module in project.modules.items():
        for value in vars(module).values():
            homes.setdefault(id(value), name)
    for workflow in project.workflows:
        declaration = workflow.declaration
        if isinstance(declaration, IngestionDeclaration):
            module_name = homes.get(id(workflow), declaration.function.__module__)
            yield Filler(declaration.table, "/".join(declaration.asset_key), module_name)


def _marts(
    project: LoadedProject, declarations: list[IngestionDeclaration]
) -> tuple[dg.AssetsDefinition | None, tuple[CascadeError, ...]]:
    """Return the assets of the marts. An error in what a model says about publishing leaves the models themselves."""
    from cascade.dbt.mart_assets import build_mart_assets

    try:
        return build_mart_assets(project.config, declarations), ()
    except CascadeError as error:
        return None, (error,)


def can_build_assets() -> bool:
    """Return whether dbt and dagster-dbt are installed."""
    from cascade.dbt.parse import dbt_is_installed

    return dbt_is_installed() and importlib.util.find_spec("dagster_dbt") is not None


def has_nodes(directory: Path) -> bool:
    """Return whether a directory is a dbt project with a model, a seed or a snapshot.

    Args:
        directory: the directory in the project's settings.
    """
    if not (directory / PROJECT_FILE).is_file():
        return False
    found = (path for kind in (".sql", ".py", ".csv", ".yml", ".yaml") for path in directory.rglob(f"*{kind}"))
    return any(path.name != PROJECT_FILE and "dbt_packages" not in path.parts for path in found)


def _has_own_assets(project: LoadedProject) -> bool:
    """Return whether a module of the project already makes assets with dagster-dbt."""
    if "dagster_dbt" not in sys.modules:
        return False
    import dagster as dg

    values = [value for module in project.modules.values() for value in vars(module).values()]
    values += [asset for value in values if isinstance(value, dg.Definitions) for asset in value.assets or ()]
    return any(
        "dagster_dbt/manifest" in metadata
        for value in values
        if isinstance(value, dg.AssetsDefinition)
        for metadata in value.metadata_by_key.values()
    )


def has_dbt_project(directory: Path) -> bool:
    """Return whether there is something for dbt to parse: a `dbt_project.yml`, or models that lack one.

    Args:
        directory: the directory in the project's settings.
    """
    return (directory / PROJECT_FILE).is_file() or any((directory / "models").rglob("*.sql"))
