"""Which projects a goal works on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pants.base.glob_match_error_behavior import GlobMatchErrorBehavior
from pants.base.specs import AddressLiteralSpec, DirLiteralSpec, RawSpecs, RecursiveGlobSpec, Specs
from pants.engine.addresses import Address
from pants.engine.target import Target
from pants.util.docutil import bin_name

from cascade_pants import engine
from cascade_pants.target_types import CascadeProjectManifestField, CascadeProjectTarget

WRONG_USE = 2
"""The exit code of a goal whose command line is wrong."""


class NoProjectError(Exception):
    """It is unclear which project is meant. The message lists the projects of the repository."""


async def projects_in(specs: RawSpecs) -> tuple[Target, ...]:
    """Find the projects that specs match, sorted by address."""
    targets = await engine.targets_from_raw_specs(specs)
    found = (target for target in targets if target.has_field(CascadeProjectManifestField))
    return tuple(sorted(found, key=lambda target: target.address))


async def projects_at_root() -> tuple[Target, ...]:
    """Find the projects in the BUILD file at the root of the repository."""
    return await projects_in(
        RawSpecs(
            description_of_origin="the root of the repository",
            dir_literals=(DirLiteralSpec(""),),
            unmatched_glob_behavior=GlobMatchErrorBehavior.ignore,
        )
    )


async def all_projects() -> tuple[Target, ...]:
    """Find the projects of the repository, sorted by address."""
    return await projects_in(
        RawSpecs(
            description_of_origin="the repository",
            recursive_globs=(RecursiveGlobSpec(""),),
            unmatched_glob_behavior=GlobMatchErrorBehavior.ignore,
        )
    )


async def chosen_projects(specs: Specs, goal: str) -> tuple[Target, ...]:
    """Find the projects that a command works on.

    Args:
        specs: the specs of the command line. Without specs, the only project at the root of the repository.
        goal: the name of the goal, for errors.

    Returns:
        At least one project, in the order of the command line.

    Raises:
        NoProjectError: the specs match no project, or without specs there is not exactly one at the root.
    """
    if specs.includes:
        included = await projects_in(specs.includes)
        ignored = {target.address for target in await projects_in(specs.ignores)} if specs.ignores else set()
        chosen = tuple(target for target in included if target.address not in ignored)
    else:
        chosen = await projects_at_root()
    if chosen and (specs.includes or len(chosen) == 1):
        return in_order(specs.includes.address_literals, chosen)
    everywhere = await all_projects()
    raise NoProjectError(which_project((target.address for target in everywhere), goal, given=bool(specs.includes)))


def in_order(literals: Sequence[AddressLiteralSpec], projects: Iterable[Target]) -> tuple[Target, ...]:
    """Sort projects as the command line names them. Those that a directory or a glob matched come last.

    Args:
        literals: the addresses on the command line.
        projects: the projects, sorted by address.
    """
    order = [(spec.path_component, spec.target_component) for spec in literals]

    def position(target: Target) -> int:
        place = (target.address.spec_path, target.address.target_name)
        return order.index(place) if place in order else len(order)

    return tuple(sorted(projects, key=position))


def which_project(addresses: Iterable[Address], goal: str, *, given: bool) -> str:
    """Explain which projects the command line can name.

    Args:
        addresses: the addresses of all projects of the repository.
        goal: the name of the goal.
        given: whether the command line has specs. If so, they matched no project.
    """
    alias = CascadeProjectTarget.alias
    listed = [address.spec for address in addresses]
    if not listed:
        return f'This repository has no {alias}. Add one to the BUILD file at its root:\n\n    {alias}(name="dev")'
    problem = (
        f"The command line matches no {alias}."
        if given
        else f"There is not exactly one {alias} at the root of this repository, so name the one that you mean."
    )
    lines = "".join(f"\n  {bin_name()} {goal} {spec}" for spec in listed)
    together = f"\nAll of them together: {bin_name()} {goal} ::" if len(listed) > 1 else ""
    return f"{problem} This repository has:{lines}{together}"
