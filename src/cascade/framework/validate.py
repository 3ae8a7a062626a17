"""Everything that is wrong with the declarations of some modules, each with file and line.

This is what `cascade validate` and `pants check` report. It reads no settings, opens no catalog and writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from cascade.declarations import collecting_problems, is_broken
from cascade.exceptions import CascadeError, DeclarationError, SchemaConversionError, SourceLocation
from cascade.framework.collect import Collected, duplicate_tables, gather
from cascade.framework.contents import resolve_definitions, with_defs_folder
from cascade.framework.cycles import refuse_cycles
from cascade.framework.defs_folder import DefsFolder
from cascade.framework.loading import load_modules
from cascade.framework.schema_modules import unusable_schemas
from cascade.framework.unlisted import unlisted_workflows

if TYPE_CHECKING:
    from cascade.config import CascadeConfig
    from cascade.ingestion import IngestionWorkflow


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Args:
        message: what it is, and what to do.
        kind: the class of the error.
        location: where, None where no file is to blame.
    """

    message: str
    kind: str
    location: SourceLocation | None = None

    def render(self, base: Path | None = None) -> str:
        """Gives the line `path:line: message`.

        Args:
            base: the directory to which the path is made relative; paths outside it stay as they are.
        """
        if self.location is None:
            return self.message
        return f"{relative_path(self.location.file, base)}:{self.location.line}: {self.message}"


def relative_path(file: str, base: Path | None) -> str:
    """Gives a path relative to a directory, or as it is where it is not under it."""
    path = Path(file)
    for directory in (base, base.resolve() if base else None):
        if directory is not None and path.is_relative_to(directory):
            return str(path.relative_to(directory))
    return file


def find_problems(
    modules: Iterable[str],
    known: Iterable[str] = (),
    *,
    listed_only: bool = True,
    defs_folder: DefsFolder | None = None,
    schemas: bool = False,
) -> tuple[Problem, ...]:
    """Loads modules and checks all that they declare.

    Args:
        modules: the modules that a project loads.
        known: modules that others load, which may declare workflows without being among these.
        listed_only: whether the modules come from a list, so that one beside them which declares a workflow and is
            not in it is a problem. Where they come from a directory, it was left out on purpose.
        defs_folder: the folder of Dagster's own definitions, where the project has one.
        schemas: whether every schema of a module without workflows is checked, and not only those that workflows name.

    Returns:
        Every problem of every module, in the order of their files and lines.
    """
    with collecting_problems() as wrong_decorators:
        loaded = load_modules(modules)
        unlisted = unlisted_workflows(loaded.modules, known) if listed_only else []
        collected, refused = resolve_definitions(gather(loaded.modules))
        if defs_folder is not None:
            collected, more = with_defs_folder(collected, defs_folder)
            refused += more
    problems = [
        *(problem for error in wrong_decorators for problem in _of_decorator(error)),
        *(_of_error(failure) for failure in (*loaded.failures, *refused) if not _follows_from_a_decorator(failure)),
        *(problem for workflow in collected.workflows for problem in _of_workflow(workflow)),
        *(problem for error in duplicate_tables(collected.workflows) for problem in _of_decorator(error)),
        *(_of_unlisted(name, path, workflow) for name, path, workflow in unlisted),
        *(_of_error(error) for error in (unusable_schemas(loaded.modules.values()) if schemas else ())),
    ]
    if not problems:
        problems.extend(_of_definitions(collected))
    return tuple(sorted(dict.fromkeys(problems), key=_order))


def has_dbt_project(directory: Path) -> bool:
    """Tells whether there is something for dbt to parse: a `dbt_project.yml`, or models that lack one.

    Args:
        directory: where the project's settings say that it is.
    """
    return (directory / "dbt_project.yml").is_file() or any((directory / "models").rglob("*.sql"))


def find_dbt_problems(directory: Path) -> tuple[Problem, ...]:
    """Lets dbt parse its project and gives what it complains of. It takes about four seconds.

    Args:
        directory: of the dbt project.

    Returns:
        Every problem, in the order of their files and lines. dbt stops at its first error.

    Raises:
        UsageError: dbt is not installed; see `cascade.dbt.dbt_is_installed`.
    """
    from cascade.dbt import parse_project

    problems = (
        Problem(problem.message, "DbtProblem", SourceLocation(str(problem.file), problem.line))
        for problem in parse_project(directory).problems
    )
    return tuple(sorted(problems, key=_order))


def _order(problem: Problem) -> tuple[str, int]:
    return (problem.location.file, problem.location.line) if problem.location else ("", 0)


def _follows_from_a_decorator(failure: CascadeError) -> bool:
    """A function that a wrong decorator left as it was has no `key`: whoever asks for it made no mistake."""
    cause = failure.__cause__
    return isinstance(cause, AttributeError) and is_broken(cause.obj)


def _of_decorator(error: DeclarationError) -> list[Problem]:
    return [
        Problem(f"@{error.decorator}: {problem}", type(error).__name__, error.location) for problem in error.problems
    ]


def _of_error(error: CascadeError, location: SourceLocation | None = None) -> Problem:
    message = error.message
    if error.hint:
        message += f"{'' if message.endswith(('.', '?', '!', ':')) else '.'} {error.hint}"
    return Problem(message, type(error).__name__, error.location or location)


def _of_workflow(workflow: IngestionWorkflow[..., object]) -> list[Problem]:
    from cascade.partitions import default_partition_start
    from cascade.schemas import to_iceberg_schema

    declaration = workflow.declaration
    try:
        to_iceberg_schema(declaration.validation_schema, declaration.unique_key)
        with default_partition_start(_ANY_DAY):
            workflow.asset  # noqa: B018 - building it is the check.
    except SchemaConversionError as error:
        return [_of_error(each, declaration.location) for each in (error, *error.others)]
    except CascadeError as error:
        return [_of_error(error, declaration.location)]
    except Exception as error:
        # Dagster's own rules, for owners and tags for example.
        return [Problem(f"{declaration.table}: {error}", type(error).__name__, declaration.location)]
    return []


_ANY_DAY = date(2020, 1, 1)
"""Stands for the configured start of partitions, which no check depends on."""


def _of_unlisted(name: str, path: Path, workflow: IngestionWorkflow[..., object]) -> Problem:
    return Problem(
        f"The module {name} declares {workflow.declaration.table}, but its decorator shows only when it runs, "
        f'so that no project loads it. Name the file in its cascade_workflow: load=["{path.name}"].',
        "UnlistedModule",
        SourceLocation(str(path), 1),
    )


def _of_definitions(collected: Collected) -> list[Problem]:
    """What Dagster says of the whole, once all parts are right: two assets of one key, a job of an unknown asset."""
    import dagster as dg

    from cascade.framework.definitions import assemble

    others = ("assets", "asset_checks", "jobs", "schedules", "sensors", "definitions")
    try:
        if any(getattr(collected, kind) for kind in others):
            dg.Definitions.validate_loadable(assemble(collected, _plain_settings()))
        else:
            # Workflows alone were checked one by one.
            refuse_cycles(collected, [workflow.asset for workflow in collected.workflows])
    except DeclarationError as error:
        return _of_decorator(error)
    except CascadeError as error:
        return [_of_error(error)]
    except Exception as error:
        why = f"{error}: {error.__cause__}" if error.__cause__ else str(error)
        homes = ", ".join(dict.fromkeys(collected.homes.values()))
        return [Problem(f"Dagster refuses the definitions of {homes}: {why}", type(error).__name__)]
    return []


def _plain_settings() -> CascadeConfig:
    from cascade.config import CascadeConfig

    # Constructed without reading any source: a check must not depend on the machine that it runs on.
    return CascadeConfig.model_construct(partition_start=_ANY_DAY, automation=False, executor="in_process")
