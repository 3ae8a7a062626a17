"""Load the modules of a project, and collect what they contain and the errors of those that did not load."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from cascade.collector import collector_paused
from cascade.contributor import LoadedProject
from cascade.exceptions import CascadeError, DiscoveryError, SourceLocation, asks_for_the_end
from cascade.framework.broken import BrokenAsset, find_broken_assets
from cascade.framework.collect import Collected, gather
from cascade.framework.conflicts import duplicate_tables
from cascade.framework.defs_folder import DefsFolder, find_defs_folder, load_defs_folder
from cascade.framework.frames import location_of_error
from cascade.framework.loading import LoadedModules, hint_for, load_modules
from cascade.framework.modules import project_modules
from cascade.framework.old_asset_keys import with_new_keys
from cascade.framework.repositories import definitions_of
from cascade.framework.ruling import LeftOut, apply_rulers, loads_folder_of
from cascade.legacy.active import active_project

if TYPE_CHECKING:
    from cascade.config import CascadeConfig


@dataclass(frozen=True)
class Contents:
    """The contents of a project.

    Args:
        collected: its workflows and Dagster definitions.
        failures: one error for each module, and each function of Dagster's `@definitions`, that did not load.
        modules: the modules.
        broken: the assets of the modules that did not load, as far as their source shows.
        left_out: what the `Definitions` of a package do not list, and so is not part of the project.
    """

    collected: Collected
    failures: tuple[CascadeError, ...] = ()
    modules: LoadedModules = field(default_factory=LoadedModules)
    broken: tuple[BrokenAsset, ...] = ()
    left_out: tuple[LeftOut, ...] = ()

    def project(self, config: CascadeConfig, *, with_dbt: bool = True) -> LoadedProject:
        """Return the project as contributors see it.

        Args:
            config: the settings.
            with_dbt: whether the dbt project adds assets.
        """
        return LoadedProject(
            config,
            self.modules.modules,
            self.collected.decorated,
            dbt_assets_directory=config.dbt_project_directory if with_dbt else None,
        )


def load_contents(modules: Iterable[str] | None, config: CascadeConfig, *, keep_going: bool = False) -> Contents:
    """Load the modules of a project and gather their contents.

    Args:
        modules: their names; None for those under the configured `workflows_path`, and the folder of Dagster's own
            definitions.
        config: the settings.
        keep_going: leave out the second workflow of a table and report it among the failures.

    Returns:
        What loaded, and the errors of the rest.

    Raises:
        DeclarationError: two workflows declare the same table, and `keep_going` is not set.
        DiscoveryError: the directory of workflows does not exist, or cannot be imported.
    """
    names = project_modules(modules, config)
    with collector_paused():
        loaded = load_modules(names)
    collected = gather(loaded.modules)
    failures = list(loaded.failures)
    duplicates = duplicate_tables(collected.workflows)
    if duplicates:
        if not keep_going:
            raise duplicates[0]
        firsts = {workflow.declaration.table_ref: workflow for workflow in reversed(collected.workflows)}
        kept = tuple(workflow for workflow in collected.workflows if firsts[workflow.declaration.table_ref] is workflow)
        collected = replace(collected, workflows=kept)
        failures.extend(duplicates)
    collected, errors = resolve_definitions(collected)
    failures.extend(errors)
    folder = find_defs_folder(config) if modules is None else None
    if folder is not None:
        collected, errors = with_defs_folder(collected, folder)
        failures.extend(errors)
    collected, left_out = apply_rulers(collected)
    why = {name: loaded.failure_of(name) for name in names}
    broken = find_broken_assets({name: failure for name, failure in why.items() if failure is not None})
    return Contents(collected, tuple(failures), loaded, broken, left_out)


def resolve_definitions(collected: Collected) -> tuple[Collected, list[CascadeError]]:
    """Call the functions of Dagster's `@definitions`, which return `Definitions`, and convert repositories.

    Args:
        collected: what was gathered.

    Returns:
        The same objects, with `Definitions` in place of functions and repositories, and one error for each function
        that fails.
    """
    resolved: list[Any] = []
    homes = dict(collected.homes)
    errors: list[CascadeError] = []
    all_homes = {collected.home(definitions) or "" for definitions in collected.definitions}
    for definitions in collected.definitions:
        home = collected.home(definitions) or ""
        if getattr(definitions, "has_context_arg", False) and loads_folder_of(home, all_homes):
            continue
        try:
            made = definitions_of(definitions() if callable(definitions) else definitions)
        except CascadeError as error:
            errors.append(error)
        except BaseException as error:
            if asks_for_the_end(error):
                raise
            errors.append(_refusal(home, definitions, error))
        else:
            resolved.append(made)
            homes[id(made)] = home
    whole = replace(collected, definitions=tuple(resolved), homes=homes)
    return (whole if active_project() is None else with_new_keys(whole)), errors


def _refusal(home: str, definitions: Any, error: BaseException) -> DiscoveryError:
    code = definitions.load_fn.__code__
    first_line = SourceLocation(code.co_filename, code.co_firstlineno)
    location = location_of_error(error, (home.partition(".")[0],))
    if definitions.has_context_arg:
        return DiscoveryError(
            f"@definitions: {code.co_name} takes a context, which only Dagster's own loader can pass.",
            location=first_line,
            hint="Move its file into the folder that [tool.dg] configures, which is <root_module>/defs by default.",
        )
    return DiscoveryError(
        f"@definitions: {code.co_name} fails: {type(error).__name__}: {error}",
        location=location or first_line,
        hint=hint_for(error),
    )


def with_defs_folder(collected: Collected, folder: DefsFolder) -> tuple[Collected, list[CascadeError]]:
    """Let Dagster load the folder of its own definitions.

    Args:
        collected: what was gathered elsewhere.
        folder: the folder.

    Returns:
        The same objects and the folder's definitions, and the error if the folder does not load.
    """
    if folder.is_empty:
        return collected, []
    try:
        made = load_defs_folder(folder)
    except CascadeError as error:
        return collected, [error]
    homes = {**collected.homes, id(made): folder.module}
    return replace(collected, definitions=(*collected.definitions, made), homes=homes), []
