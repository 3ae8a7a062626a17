"""Find everything that is wrong with a project, each problem with file and line.

This is what `cascade validate` and `pants check` report. It reads no settings, opens no catalog and writes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cascade.contributor import LoadedProject, Problem, problems_of
from cascade.declarations import collecting_problems, is_broken
from cascade.exceptions import CascadeError, SourceLocation
from cascade.framework.assembly import assemble
from cascade.framework.collect import Collected, gather
from cascade.framework.conflicts import duplicate_tables, find_conflicts
from cascade.framework.contents import resolve_definitions, with_defs_folder
from cascade.framework.contributors import Contributed, contribute, contributed_problems
from cascade.framework.defs_folder import DefsFolder
from cascade.framework.loading import LoadedModules, load_modules
from cascade.framework.ruling import apply_rulers
from cascade.framework.schema_modules import unusable_schemas
from cascade.framework.unlisted import UnlistedModule, unlisted_modules

if TYPE_CHECKING:
    from cascade.config import CascadeConfig

_SHOWN = 3


@dataclass(frozen=True)
class RestOfProject:
    """What else is in the project of the modules that are checked.

    Args:
        modules: its other modules.
        defs_folder: the folder of Dagster's own definitions, if the project has one.
    """

    modules: Sequence[str]
    defs_folder: DefsFolder | None = None


def find_problems(
    modules: Iterable[str],
    known: Iterable[str] = (),
    *,
    listed_only: bool = True,
    defs_folder: DefsFolder | None = None,
    schemas: bool = False,
    dbt_directory: Path | None = None,
    complete: bool = False,
    rest: RestOfProject | None = None,
    lacking: Callable[[str], None] | None = None,
    filling: Callable[[Any], None] = lambda workflow: None,
    starting: Callable[[str], None] = lambda step: None,
) -> tuple[Problem, ...]:
    """Load modules and check everything that they declare.

    Args:
        modules: the modules that a project loads.
        known: modules that others load, which may declare workflows although `modules` does not list them.
        listed_only: whether the modules come from a list, so that a module next to them which declares a workflow
            without being listed is a problem. A directory of workflows leaves modules out on purpose.
        defs_folder: the folder of Dagster's own definitions, if the project has one.
        schemas: also check the schemas of modules without workflows, which no workflow may use.
        dbt_directory: the dbt project to parse, None to parse none.
        complete: whether `modules` are all of the project's, so that a resource which they lack is an error.
        rest: what else the project has. It is loaded only if the modules lack a resource, which may be there.
        lacking: called with the file of each workflow that takes a resource which the modules lack, if it is unknown
            what else is in their project. Then `missing_resources` says whether the project has it.
        filling: called with each workflow that is loaded.
        starting: called with what is checked next: each module, the definitions, the dbt project.

    Returns:
        Every problem, in the order of files and lines.
    """
    with collecting_problems() as wrong_decorators:
        loaded = load_modules(modules, starting=starting)
        starting("the definitions")
        collected, refused = resolve_definitions(gather(loaded.modules))
        if defs_folder is not None:
            collected, more = with_defs_folder(collected, defs_folder)
            refused += more
        unlisted = unlisted_modules(loaded.modules, collected, known) if listed_only else []
        collected, _ = apply_rulers(collected)
    for workflow in collected.workflows:
        filling(workflow)
    errors: list[CascadeError] = [
        *wrong_decorators,
        *(failure for failure in (*loaded.failures, *refused) if not _follows_from_a_decorator(failure)),
        *duplicate_tables(collected.workflows),
        *(unusable_schemas(loaded.modules.values()) if schemas else ()),
    ]
    elsewhere = [*known, *(rest.modules if rest is not None else ())]
    project = LoadedProject(
        _plain_settings(),
        loaded.modules,
        collected.decorated,
        dbt_directory,
        # What a module declares that does not load is unknown.
        complete=complete and not loaded.failures,
        neighbours=_fillers_elsewhere(collected, [name for name in elsewhere if name not in loaded.modules]),
    )
    contributed = contribute(collected, project)
    errors += contributed.failures
    if complete:
        errors += contributed.missing_resources
    elif lacking is not None:
        for error in contributed.missing_resources:
            if error.location is not None:
                lacking(error.location.file)
    elif rest is not None and contributed.missing_resources:
        starting("the resources of the project")
        asked = {error.location for error in contributed.missing_resources}
        errors += [error for error in _missing_from_all(loaded, rest) if error.location in asked]
    is_clean = not errors and not unlisted
    starting("the dbt project" if dbt_directory else "schemas and plugins")
    problems = [
        *(problem for error in (*errors, *contributed.plugin_failures) for problem in problems_of(error)),
        *_of_unlisted(unlisted),
        *(_of_the_whole(contributed, project.config) if is_clean else ()),
        *contributed_problems(project),
    ]
    return tuple(sorted(dict.fromkeys(problems), key=lambda problem: problem.order))


def missing_resources(modules: Iterable[str], rest: RestOfProject) -> tuple[Problem, ...]:
    """Find the resources that workflows take and their project does not have. Nothing else is checked.

    Args:
        modules: the modules of these workflows.
        rest: what else the project has.

    Returns:
        Every problem, in the order of files and lines. Nothing if a module fails to load: it may have the resource.
    """
    with collecting_problems():
        loaded = load_modules(modules)
    if loaded.failures:
        return ()
    files = {module.__file__ for module in loaded.modules.values()}
    found = [error for error in _missing_from_all(loaded, rest) if error.location and error.location.file in files]
    problems = (problem for error in found for problem in problems_of(error))
    return tuple(sorted(dict.fromkeys(problems), key=lambda problem: problem.order))


def _fillers_elsewhere(collected: Collected, modules: Iterable[str]) -> tuple[Any, ...]:
    """Return the workflows of other modules, if checks name tables that the checked modules do not fill."""
    filled = {workflow.declaration.table for workflow in collected.workflows}
    declarations = [function.declaration for function in collected.quality]
    if all(declaration.schema is not None or declaration.table in filled for declaration in declarations):
        return ()
    # The problems of other modules are not asked for.
    with collecting_problems():
        return gather(load_modules(modules).modules).workflows


def _missing_from_all(loaded: LoadedModules, rest: RestOfProject) -> tuple[CascadeError, ...]:
    """Return the errors of a project about the resources that its workflows take."""
    # The problems of other modules are not asked for.
    with collecting_problems():
        others = load_modules(rest.modules)
        modules = {**others.modules, **loaded.modules}
        collected, refused = resolve_definitions(gather(modules))
        if rest.defs_folder is not None:
            collected, more = with_defs_folder(collected, rest.defs_folder)
            refused += more
        if others.failures or refused:
            # What does not load may have the resource.
            return ()
        project = LoadedProject(_plain_settings(), modules, collected.decorated, None)
        return contribute(collected, project).missing_resources


def _follows_from_a_decorator(failure: CascadeError) -> bool:
    """Return whether code failed only because a wrong decorator left its function undecorated, without `key`."""
    cause = failure.__cause__
    return isinstance(cause, AttributeError) and is_broken(cause.obj)


def _of_unlisted(unlisted: Iterable[UnlistedModule]) -> Iterator[Problem]:
    """Report the modules of each directory in one problem, which shows the field to set."""
    by_directory: defaultdict[Path, list[UnlistedModule]] = defaultdict(list)
    for module in unlisted:
        by_directory[module.directory].append(module)
    for directory, modules in by_directory.items():
        what = "; ".join(f"{module.name} declares {_shortened(module.declared)}" for module in modules)
        files = ", ".join(f'"{module.path.relative_to(directory).as_posix()}"' for module in modules)
        yield Problem(
            f"{what}. That comes from a factory, so Pants cannot see it and no project loads it. List the "
            f"{'files' if len(modules) > 1 else 'file'} in the cascade_workflow: load=[{files}].",
            "UnlistedModule",
            SourceLocation(str(modules[0].path), 1),
        )


def _shortened(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _of_the_whole(contributed: Contributed, config: CascadeConfig) -> list[Problem]:
    """Check the definitions as a whole, for example for two assets with one key, or a job with an unknown asset."""
    import dagster as dg

    conflicts = find_conflicts(contributed.workflows, contributed.contributions)
    if conflicts:
        return [problem for error in conflicts for problem in problems_of(error)]
    try:
        dg.Definitions.validate_loadable(assemble(contributed, config))
    except CascadeError as error:
        return problems_of(error)
    except Exception as error:
        why = f"{error}: {error.__cause__}" if error.__cause__ else str(error)
        homes = ", ".join(dict.fromkeys(home for each in contributed.contributions for home in each.homes.values()))
        return [Problem(f"Dagster refuses the definitions of {homes}: {why}", type(error).__name__)]
    return []


def _plain_settings() -> CascadeConfig:
    from cascade.config import CascadeConfig

    # Constructed without reading any source, because a check must not depend on the machine.
    return CascadeConfig.model_construct(partition_start=date(2020, 1, 1), automation=False, executor="in_process")
