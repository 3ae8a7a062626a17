"""The plugins that a `cascade_project` names: distributions whose entry points the runtime reads.

Nothing imports a plugin, so the project must name it. One that is a requirement brings the metadata of its entry points
along. A `python_distribution` of the repository is not built: its code is in the project as any other code, and its
metadata is generated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pants.backend.python.subsystems.setup import PythonSetup
from pants.backend.python.target_types import (
    PythonProvidesField,
    PythonRequirementsField,
    PythonResolveField,
)
from pants.engine.addresses import Address, Addresses
from pants.engine.fs import FileContent
from pants.engine.target import Dependencies, DependenciesRequest, InvalidFieldException, Target
from pants.util.frozendict import FrozenDict

from cascade_pants import engine
from cascade_pants.requirement_names import requirement_name
from cascade_pants.spelling import nearest
from cascade_pants.target_types import CascadeProjectPluginsField, CascadeProjectTarget
from cascade_pants.target_types.project import is_address
from cascade_pants.util_rules.dbt_graph import spec_of
from cascade_pants.util_rules.plugin_metadata import distribution_name, entry_points_of, metadata_of

METADATA_DIRECTORY = "__cascade_plugins"
"""The directory of the import path, in a sandbox, that has the metadata of plugins of the repository."""


@dataclass(frozen=True)
class NamedPlugins:
    """The plugins of one project or several.

    Args:
        requirements: the targets of those that are requirements of the resolve.
        distributions: the `python_distribution` targets of the others.
    """

    requirements: tuple[Address, ...] = ()
    distributions: tuple[Target, ...] = ()

    @property
    def metadata(self) -> dict[str, str]:
        """The text of each file of metadata of the distributions, by its path from a directory of the import path."""
        return {path: text for one in self.distributions for path, text in metadata_of(one).items()}


@dataclass(frozen=True, order=True)
class PluginCode:
    """What a process needs to load plugins.

    Args:
        addresses: the targets of their code and requirements.
        metadata: the path of each file of metadata, from a directory of the import path, with its text.
    """

    addresses: tuple[Address, ...] = ()
    metadata: tuple[tuple[str, str], ...] = ()

    def with_other(self, other: PluginCode) -> PluginCode:
        """Return what a process needs to load the plugins of both."""
        return PluginCode(
            tuple(sorted({*self.addresses, *other.addresses})), tuple(sorted({*self.metadata, *other.metadata}))
        )

    @property
    def files(self) -> list[FileContent]:
        """The files of metadata, below `METADATA_DIRECTORY`."""
        return [FileContent(f"{METADATA_DIRECTORY}/{path}", text.encode()) for path, text in self.metadata]


NO_PLUGINS = PluginCode()


def find_plugins(
    project: Address,
    field: CascadeProjectPluginsField,
    resolve: str,
    targets: Iterable[Target],
    python_setup: PythonSetup,
) -> NamedPlugins:
    """Find the plugins that a project names.

    Args:
        project: its address.
        field: its field `plugins`.
        resolve: the name of its resolve.
        targets: all targets of the repository.
        python_setup: the options of `[python]`.

    Raises:
        InvalidFieldException: there is no such distribution, it is of another resolve, or it adds nothing to Cascade.
    """
    if not field.value:
        return NamedPlugins()
    requirements: dict[str, dict[str, list[Address]]] = {}
    distributions: dict[str, Target] = {}
    for target in targets:
        if target.has_field(PythonRequirementsField):
            of = target[PythonResolveField].normalized_value(python_setup)
            for one in target[PythonRequirementsField].value:
                requirements.setdefault(requirement_name(one) or "", {}).setdefault(of, []).append(target.address)
        elif target.has_field(PythonProvidesField):
            distributions[target.address.spec] = target
    wanted: list[Address] = []
    own: dict[str, Target] = {}
    for given in field.value:
        if is_address(given):
            spec = spec_of(given, project.spec_path)
            if spec not in distributions:
                raise _unknown(project, given, resolve, requirements, distributions, python_setup.enable_resolves)
            if not entry_points_of(distributions[spec]):
                raise InvalidFieldException(
                    f"{_field(project)} names {given!r}, a python_distribution without entry points of Cascade. Name "
                    "them in its field `entry_points`, such as "
                    '`entry_points={"cascade.plugins.commands": {"costs": "acme.cli:costs"}}`.'
                )
            own[spec] = distributions[spec]
            continue
        found = requirements.get(requirement_name(given) or given, {})
        if resolve not in found:
            raise _unknown(project, given, resolve, requirements, distributions, python_setup.enable_resolves)
        wanted += found[resolve]
    return NamedPlugins(tuple(sorted(set(wanted))), tuple(own[spec] for spec in sorted(own)))


def _field(project: Address) -> str:
    return f"The field `{CascadeProjectPluginsField.alias}` of the {CascadeProjectTarget.alias} {project}"


def _unknown(
    project: Address,
    given: str,
    resolve: str,
    requirements: Mapping[str, Mapping[str, list[Address]]],
    distributions: Mapping[str, Target],
    has_resolves: bool,
) -> InvalidFieldException:
    name = requirement_name(given) or given
    by_name = {requirement_name(distribution_name(one)): spec for spec, one in distributions.items()}
    if not is_address(given) and name in by_name:
        return InvalidFieldException(
            f"{_field(project)} names {given!r}, which this repository builds itself. Write its address: "
            f"{by_name[name]!r}."
        )
    elsewhere = sorted(requirements.get(name, {}))
    if elsewhere:
        listed = ", ".join(map(repr, elsewhere))
        return InvalidFieldException(
            f"{_field(project)} names {given!r}, which is a requirement of {listed}, but not of the resolve "
            f"{resolve!r} of the project. Add {given} to the requirements of {resolve!r}, and lock them again."
        )
    place = f"the requirements of the resolve {resolve!r}" if has_resolves else "the requirements of the repository"
    plugins = [spec for spec, one in distributions.items() if entry_points_of(one)]
    known = [*(one for one, resolves in requirements.items() if resolve in resolves), *plugins]
    meant = nearest(given, known)
    what = (
        "which is not a python_distribution of the repository." if is_address(given) else f"which is not among {place}."
    )
    return InvalidFieldException(
        f"{_field(project)} names {given!r}, {what}"
        + (f" Did you mean {meant!r}?" if meant else "")
        + (
            f"\nDistributions of the repository with entry points of Cascade: {', '.join(sorted(plugins))}"
            if plugins
            else ""
        )
        + ("" if is_address(given) else f"\nTo add it, write {given} into {place}, and lock them again.")
    )


async def plugin_dependencies(plugins: NamedPlugins) -> tuple[Address, ...]:
    """Return the targets that a project needs for its plugins.

    Args:
        plugins: the plugins.
    """
    # The distributions themselves would be built as wheels.
    found = await engine.concurrently(
        engine.direct_dependencies(DependenciesRequest(one[Dependencies])) for one in plugins.distributions
    )
    return (*plugins.requirements, *sorted({address for addresses in found for address in addresses}))


async def plugins_by_project(targets: Iterable[Target], python_setup: PythonSetup) -> dict[Address, PluginCode]:
    """Return what processes need to load the plugins of each project that names any.

    Args:
        targets: all targets of the repository.
        python_setup: the options of `[python]`.

    Raises:
        InvalidFieldException: a project names a plugin that does not exist.
    """
    everything = tuple(targets)
    projects = []
    for target in everything:
        if not target.has_field(CascadeProjectPluginsField) or not target[CascadeProjectPluginsField].value:
            continue
        resolve, field = target[PythonResolveField].normalized_value(python_setup), target[CascadeProjectPluginsField]
        projects.append((target.address, find_plugins(target.address, field, resolve, everything, python_setup)))
    needed = await engine.concurrently(plugin_dependencies(named) for _, named in projects)
    return {
        address: PluginCode(addresses, tuple(sorted(named.metadata.items())))
        for (address, named), addresses in zip(projects, needed)
    }


async def plugins_by_resolve(
    targets: Iterable[Target], python_setup: PythonSetup
) -> FrozenDict[str | None, PluginCode]:
    """Return what processes need to load the plugins of all projects of each resolve.

    Args:
        targets: all targets of the repository.
        python_setup: the options of `[python]`.

    Returns:
        The plugins by the name of the resolve; None is that of a repository without resolves.

    Raises:
        InvalidFieldException: a project names a plugin that does not exist.
    """
    everything = tuple(targets)
    code = await plugins_by_project(everything, python_setup)
    found: dict[str | None, PluginCode] = {}
    for target in everything:
        if target.address in code:
            resolve = (
                target[PythonResolveField].normalized_value(python_setup) if python_setup.enable_resolves else None
            )
            found[resolve] = found.get(resolve, NO_PLUGINS).with_other(code[target.address])
    return FrozenDict(found)


async def light_part(plugins: PluginCode, runtime: str | None) -> tuple[tuple[Target, ...], tuple[Address, ...]]:
    """Return the code of plugins and their requirements, without what they import of the runtime.

    Args:
        plugins: the plugins.
        runtime: the directory of the runtime, if it is in the repository.

    Returns:
        The targets of the sources, and those of the requirements.
    """
    seen: dict[Address, Target] = {}
    waiting = plugins.addresses
    while waiting:
        targets = await engine.targets_from_addresses(Addresses(waiting))
        found = [target for target in targets if runtime is None or not _is_below(target, runtime)]
        seen.update((target.address, target) for target in found)
        followed = [target for target in found if not target.has_field(PythonRequirementsField)]
        needed = await engine.concurrently(
            engine.direct_dependencies(DependenciesRequest(target[Dependencies]))
            for target in followed
            if target.has_field(Dependencies)
        )
        known = {*seen, *(target.address for target in targets)}
        waiting = tuple(sorted({address for addresses in needed for address in addresses} - known))
    requirements = tuple(address for address, target in seen.items() if target.has_field(PythonRequirementsField))
    return tuple(target for address, target in seen.items() if address not in requirements), requirements


def _is_below(target: Target, directory: str) -> bool:
    return target.address.spec_path == directory or target.address.spec_path.startswith(f"{directory}/")
