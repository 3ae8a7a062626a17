"""The targets that provide the Cascade runtime in a resolve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pants.backend.python.dependency_inference.module_mapper import PythonModuleOwners, PythonModuleOwnersRequest
from pants.backend.python.subsystems.setup import PythonSetup
from pants.engine.addresses import Address
from pants.engine.rules import collect_rules, rule
from pants.engine.target import InvalidFieldException

from cascade_pants import engine
from cascade_pants.subsystem import CascadeSubsystem


@dataclass(frozen=True)
class RuntimeOwnersRequest:
    """Find the targets that provide the runtime.

    Args:
        resolve: the name of the resolve that must provide it.
        user: what needs it, for errors, such as `The cascade_project //:dev`.
    """

    resolve: str
    user: str


@dataclass(frozen=True)
class RuntimeOwners:
    """The targets that provide the runtime.

    Args:
        runtime: the targets of its modules, at least one.
        processes: the targets of modules that a project starts as processes, if the resolve has them.
    """

    runtime: tuple[Address, ...]
    processes: tuple[Address, ...]


def owners_of(
    module: str, owners: PythonModuleOwners, *, user: str, resolve: str, lockfile: str, requirement: str
) -> tuple[Address, ...]:
    """Return the targets that provide a module of the runtime.

    Args:
        module: the module.
        owners: the targets that provide it in the resolve.
        user: what needs the runtime, for errors.
        resolve: the name of the resolve.
        lockfile: the lockfile of the resolve.
        requirement: the requirement to add if no target provides the module.

    Raises:
        InvalidFieldException: no target provides the module, or several do.
    """
    if owners.unambiguous:
        return owners.unambiguous
    if owners.ambiguous:
        listed = ", ".join(str(address) for address in owners.ambiguous)
        raise InvalidFieldException(
            f"{user} needs the module {module}, which several targets of the resolve {resolve!r} provide: {listed}. "
            "Keep only one: the runtime is either first-party code or a requirement."
        )
    raise InvalidFieldException(
        f"{user} needs the Cascade runtime, but nothing in its resolve {resolve!r} provides the module {module}.\n"
        f"Add the line `{requirement}` to the requirements of that resolve and regenerate its lockfile {lockfile}. The "
        "package and its module have different names, so set "
        f'`module_mapping={{"{requirement}": ["cascade"]}}` on its `python_requirements`, or `modules=["cascade"]` on '
        f"its `python_requirement`, and set `resolve={resolve!r}`."
    )


@rule(desc="Find the Cascade runtime")
async def find_runtime_owners(
    request: RuntimeOwnersRequest, cascade: CascadeSubsystem, python_setup: PythonSetup
) -> RuntimeOwners:
    asked = (*cascade.runtime_modules, *cascade.process_modules)
    found = await engine.concurrently(
        engine.module_owners(
            PythonModuleOwnersRequest(module, resolve=request.resolve if python_setup.enable_resolves else None)
        )
        for module in asked
    )
    owners = dict(zip(asked, found))
    runtime: set[Address] = set()
    for module in cascade.runtime_modules:
        runtime.update(
            owners_of(
                module,
                owners[module],
                user=request.user,
                resolve=request.resolve,
                lockfile=python_setup.resolves.get(request.resolve, "of the repository"),
                requirement=cascade.runtime_requirement,
            )
        )
    processes = {address for module in cascade.process_modules for address in owners[module].unambiguous}
    return RuntimeOwners(tuple(sorted(runtime)), tuple(sorted(processes)))


if engine.BY_NAME:

    async def runtime_owners(request: RuntimeOwnersRequest) -> RuntimeOwners:
        """Find the targets that provide the runtime, once for all callers."""
        owners: RuntimeOwners = await find_runtime_owners(request, **engine.implicitly())
        return owners

else:
    from cascade_pants.engine.own_rules import own_rule

    runtime_owners = own_rule(RuntimeOwners, RuntimeOwnersRequest)  # type: ignore[assignment]


def rules() -> list[Any]:
    """Return the rules of this module."""
    return list(collect_rules())
