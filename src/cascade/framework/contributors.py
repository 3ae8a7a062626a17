"""Everything that contributes to a project: Cascade's rooms, the project's own modules, and plugins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from cascade.contributor import Contribution, Contributor, LoadedProject, Problem, problems_of
from cascade.exceptions import CascadeError
from cascade.framework.collect import Collected, named_definitions
from cascade.framework.resources import LAKEHOUSE
from cascade.framework.user_resources import user_resources
from cascade.plugins import Plugin, PluginError, find_plugins

if TYPE_CHECKING:
    import dagster as dg

    from cascade.config import CascadeConfig
    from cascade.ingestion import IngestionWorkflow


@dataclass(frozen=True)
class Contributed:
    """What all contributors add to a project.

    Args:
        contributions: one for each contributor that adds something.
        workflows: the project's workflows.
        failures: errors of the project's own parts, such as a workflow whose asset cannot be built.
        plugin_failures: errors of plugins, which never stop the project.
        missing_resources: errors of workflows that take a resource which the project does not have. They fail when they
            run.
    """

    contributions: tuple[Contribution, ...] = ()
    workflows: tuple[IngestionWorkflow[..., object], ...] = ()
    failures: tuple[CascadeError, ...] = ()
    plugin_failures: tuple[CascadeError, ...] = ()
    missing_resources: tuple[CascadeError, ...] = ()


def contribute(collected: Collected, project: LoadedProject) -> Contributed:
    """Ask every contributor what it adds to a project.

    Args:
        collected: what the project's modules hold.
        project: the project.
    """
    own = (*(room.contribute(project) for room in _rooms()), collected)
    plugins = plugin_contributions(project, own)
    contributions = (*own, *plugins.contributions)
    taken = user_resources(collected.workflows, project.modules, contributions)
    return Contributed(
        contributions=(*contributions, Contribution(resources=taken.resources)),
        workflows=collected.workflows,
        failures=tuple(failure for contribution in own for failure in contribution.failures),
        plugin_failures=plugins.plugin_failures,
        missing_resources=taken.errors,
    )


def plugin_contributions(project: LoadedProject, own: Iterable[Contribution] = ()) -> Contributed:
    """Ask the plugins alone what they add to a project.

    Args:
        project: the project.
        own: the contributions of the project itself. A plugin that adds a name which is in these is left out.
    """
    contributions: list[Contribution] = []
    failures: list[CascadeError] = []
    taken = {("resource", LAKEHOUSE), *(name for contribution in own for name in _names_in(contribution))}
    for plugin in (*find_plugins("contributor"), *find_plugins("resource")):
        try:
            contribution = _contribution_of(plugin, project)
            names = _names_in(contribution)
            for kind, name in sorted(names & taken):
                raise plugin.error(f'is left out, because the {kind} "{name}" already exists in the project')
        except PluginError as failure:
            failures.append(failure)
        else:
            taken |= names
            contributions.append(contribution)
            failures.extend(contribution.failures)
    return Contributed(tuple(contributions), plugin_failures=tuple(failures))


def contributed_problems(project: LoadedProject) -> Iterator[Problem]:
    """Ask every contributor what is wrong with a project. A plugin that fails is a problem itself.

    Args:
        project: the project.
    """
    for room in _rooms():
        yield from room.problems(project)
    for plugin in find_plugins("contributor"):
        try:
            found = _problems_of(plugin, project)
        except PluginError as failure:
            yield from problems_of(failure)
        else:
            yield from found


def _problems_of(plugin: Plugin, project: LoadedProject) -> tuple[Problem, ...]:
    contributor = _contributor(plugin)
    return plugin.run(lambda: tuple(contributor.problems(project)), "fails")


def _rooms() -> tuple[Contributor, ...]:
    from cascade.dbt.contributor import DbtContributor
    from cascade.ingestion.contributor import IngestionContributor

    return (IngestionContributor(), DbtContributor())


def _contributor(plugin: Plugin) -> Contributor:
    loaded = plugin.load()
    contributor = plugin.run(loaded, "cannot be created") if isinstance(loaded, type) else loaded
    missing = [name for name in ("contribute", "problems") if not callable(getattr(contributor, name, None))]
    if missing:
        raise plugin.error(f"is not a cascade.contributor.Contributor: it lacks {' and '.join(missing)}")
    return cast("Contributor", contributor)


def _contribution_of(plugin: Plugin, project: LoadedProject) -> Contribution:
    if plugin.kind == "resource":
        return Contribution(resources={plugin.name: _resource(plugin, project.config)})
    contributor = _contributor(plugin)
    contribution = plugin.run(lambda: contributor.contribute(project), "fails")
    if not isinstance(contribution, Contribution):
        raise plugin.error(f"returns {type(contribution).__name__} from contribute, which must return a Contribution")
    values = (
        value
        for holder in _holders(contribution)
        for value in (*(each for _, _, each in named_definitions(holder)), holder)
    )
    return replace(contribution, homes=dict.fromkeys(map(id, values), str(plugin)))


def _resource(plugin: Plugin, config: CascadeConfig) -> Any:
    import dagster as dg

    loaded = plugin.load()
    if isinstance(loaded, (dg.ResourceDefinition, dg.ConfigurableResource)):
        return loaded
    if not callable(loaded):
        raise plugin.error(f"is a {type(loaded).__name__}, not a Dagster resource or a function of CascadeConfig")
    made = plugin.run(lambda: loaded(config), "fails")
    if made is None:
        raise plugin.error("returns None, not a resource")
    return made


def _names_in(contribution: Contribution) -> set[tuple[str, str]]:
    """Return kind and name of everything in a contribution that must be unique in a project."""
    names: set[tuple[str, str]] = set()
    for holder in _holders(contribution):
        names.update((kind, name) for kind, name, _ in named_definitions(holder))
        names.update(("resource", key) for key in holder.resources or ())
    return names


def _holders(contribution: Contribution) -> tuple[Contribution | dg.Definitions, ...]:
    return (contribution, *contribution.definitions)
