"""Everything that contributes to a project: Cascade's packages, the project's own modules, and plugins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from cascade.contributor import Contribution, Contributor, LoadedProject, Problem, problems_of
from cascade.exceptions import CascadeError
from cascade.framework.collect import Collected, named_definitions
from cascade.framework.user_resources import taken_variables, user_resources
from cascade.ingestion.parameters import LAKEHOUSE, refuse_runs
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
        plugins: the plugins among the contributors.
        failures: errors of the project's own parts, such as a workflow whose asset cannot be built.
        plugin_failures: errors of plugins, which never stop the project.
        missing_resources: errors of workflows that take a resource which the project does not have, or has with another
            class. They fail when they run.
    """

    contributions: tuple[Contribution, ...] = ()
    workflows: tuple[IngestionWorkflow[..., object], ...] = ()
    plugins: tuple[Plugin, ...] = ()
    failures: tuple[CascadeError, ...] = ()
    plugin_failures: tuple[CascadeError, ...] = ()
    missing_resources: tuple[CascadeError, ...] = ()


def contribute(
    collected: Collected, project: LoadedProject, *, left_out: Mapping[Plugin, PluginError] = MappingProxyType({})
) -> Contributed:
    """Ask every contributor what it adds to a project.

    Args:
        collected: what the project's modules contain.
        project: the project.
        left_out: plugins to skip, each with the error to report for it.
    """
    own = (*(contributor.contribute(project) for contributor in _built_in()), collected)
    plugins = plugin_contributions(project, own, left_out=left_out)
    contributions = (*own, *plugins.contributions)
    taken = user_resources(collected.workflows, project.modules, contributions)
    refuse_runs(taken.wrong, (workflow.declaration for workflow in collected.workflows))
    failures = [failure for contribution in own for failure in contribution.failures]
    # Cascade's packages report the plugins that they ask themselves.
    of_plugins = [failure for failure in failures if isinstance(failure, PluginError)]
    return Contributed(
        contributions=(*contributions, Contribution(resources=taken.resources)),
        workflows=collected.workflows,
        plugins=plugins.plugins,
        failures=tuple(failure for failure in failures if not isinstance(failure, PluginError)),
        plugin_failures=(*of_plugins, *plugins.plugin_failures),
        missing_resources=taken.errors,
    )


def plugin_contributions(
    project: LoadedProject,
    own: Iterable[Contribution] = (),
    *,
    left_out: Mapping[Plugin, PluginError] = MappingProxyType({}),
) -> Contributed:
    """Ask the plugins alone what they add to a project.

    Args:
        project: the project.
        own: the contributions of the project itself. A plugin that adds a name which these already use is left out.
        left_out: plugins to skip, each with the error to report for it.
    """
    plugins: list[Plugin] = []
    contributions: list[Contribution] = []
    failures: list[CascadeError] = []
    taken = {("resource", LAKEHOUSE), *(name for contribution in own for name in _names_in(contribution))}
    taken |= {("resource", name) for name in taken_variables(project.workflows, project.modules)}
    for plugin in (*find_plugins("contributor"), *find_plugins("resource")):
        try:
            if plugin in left_out:
                raise left_out[plugin]
            contribution, names = _contribution_of(plugin, project)
            for kind, name in sorted(names & taken):
                raise plugin.error(f'is left out, because the {kind} "{name}" already exists in the project')
        except PluginError as failure:
            failures.append(failure)
        else:
            taken |= names
            plugins.append(plugin)
            contributions.append(contribution)
            failures.extend(contribution.failures)
    return Contributed(tuple(contributions), plugins=tuple(plugins), plugin_failures=tuple(failures))


def contributed_problems(project: LoadedProject) -> Iterator[Problem]:
    """Ask every contributor what is wrong with a project. A plugin that fails is itself a problem.

    Args:
        project: the project.
    """
    for contributor in _built_in():
        yield from contributor.problems(project)
    for plugin in find_plugins("contributor"):
        try:
            found = _problems_of(plugin, project)
        except PluginError as failure:
            yield from problems_of(failure)
        else:
            yield from found


def _problems_of(plugin: Plugin, project: LoadedProject) -> tuple[Problem, ...]:
    contributor = load_contributor(plugin)
    found = plugin.run(lambda: tuple(contributor.problems(project)), "fails")
    wrong = [value for value in found if not isinstance(value, Problem)]
    if wrong:
        raise plugin.error(f"returns {type(wrong[0]).__name__} from problems, which must return Problem objects")
    return found


def _built_in() -> tuple[Contributor, ...]:
    from cascade.contracts.contributor import ContractContributor
    from cascade.dbt.contributor import DbtContributor
    from cascade.ingestion.contributor import IngestionContributor
    from cascade.maintenance.contributor import MaintenanceContributor
    from cascade.quality.contributor import QualityContributor

    return (
        IngestionContributor(),
        QualityContributor(),
        DbtContributor(),
        MaintenanceContributor(),
        ContractContributor(),
    )


def load_contributor(plugin: Plugin) -> Contributor:
    """Import the contributor of a plugin.

    Args:
        plugin: the plugin.

    Raises:
        PluginError: it does not load, or is not a contributor.
    """
    contributor = plugin.instance()
    missing = [name for name in ("contribute", "problems") if not callable(getattr(contributor, name, None))]
    if missing:
        raise plugin.error(f"is not a cascade.contributor.Contributor: it lacks {' and '.join(missing)}")
    return cast("Contributor", contributor)


def _contribution_of(plugin: Plugin, project: LoadedProject) -> tuple[Contribution, set[tuple[str, str]]]:
    """Return the contribution of a plugin, and the kind and name of everything in it that must be unique."""
    if plugin.kind == "resource":
        contribution = Contribution(resources={plugin.name: _resource(plugin, project.config)})
        return contribution, _names_in(contribution)
    contributor = load_contributor(plugin)
    contribution = plugin.run(lambda: contributor.contribute(project), "fails")
    if not isinstance(contribution, Contribution):
        raise plugin.error(f"returns {type(contribution).__name__} from contribute, which must return a Contribution")
    # Its fields may contain anything.
    return plugin.run(lambda: _with_homes(contribution, str(plugin)), "returns a Contribution that cannot be read")


def _with_homes(contribution: Contribution, home: str) -> tuple[Contribution, set[tuple[str, str]]]:
    values = (
        value
        for holder in _holders(contribution)
        for value in (*(each for _, _, each in named_definitions(holder)), holder)
    )
    found = replace(contribution, homes=dict.fromkeys(map(id, values), home), failures=tuple(contribution.failures))
    wrong = [failure for failure in found.failures if not isinstance(failure, CascadeError)]
    if wrong:
        raise TypeError(f"{wrong[0]!r} among its failures is not a CascadeError")
    return found, _names_in(found)


def load_resource(plugin: Plugin) -> Any:
    """Import the resource of a plugin, or the function that makes it.

    Args:
        plugin: the plugin.

    Raises:
        PluginError: it does not load, or is neither.
    """
    loaded = plugin.load()
    if not _is_resource(loaded) and not callable(loaded):
        raise plugin.error(
            f"is of the type {type(loaded).__name__}, not a Dagster resource or a function of CascadeConfig"
        )
    return loaded


def _is_resource(loaded: object) -> bool:
    import dagster as dg

    return isinstance(loaded, (dg.ResourceDefinition, dg.ConfigurableResource))


def _resource(plugin: Plugin, config: CascadeConfig) -> Any:
    loaded = load_resource(plugin)
    if _is_resource(loaded):
        return loaded
    made = plugin.run(lambda: loaded(config), "fails")
    if made is None:
        raise plugin.error("returns None, not a resource")
    return made


def _names_in(contribution: Contribution) -> set[tuple[str, str]]:
    """Return the kind and name of everything in a contribution that must be unique in a project."""
    names: set[tuple[str, str]] = set()
    for holder in _holders(contribution):
        names.update((kind, name) for kind, name, _ in named_definitions(holder))
        names.update(("resource", key) for key in holder.resources or ())
    return names


def _holders(contribution: Contribution) -> tuple[Contribution | dg.Definitions, ...]:
    return (contribution, *contribution.definitions)
