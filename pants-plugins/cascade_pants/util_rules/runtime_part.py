"""A package of the runtime that Pants runs as a module, with no more of the runtime than it imports itself."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

from pants.backend.python.dependency_inference.module_mapper import PythonModuleOwnersRequest
from pants.backend.python.target_types import PythonRequirementsField, PythonSourceField
from pants.engine.addresses import Address, Addresses
from pants.engine.target import Dependencies, DependenciesRequest, Target

from cascade_pants import engine


@dataclass(frozen=True)
class RuntimePart:
    """What a process needs to run a package of the runtime.

    Args:
        sources: its sources, and those of what it imports.
        requirements: the requirements to install.
    """

    sources: tuple[Target, ...]
    requirements: tuple[Address, ...]


def _common_directory(targets: Iterable[Target]) -> str:
    files = [target[PythonSourceField].file_path for target in targets if target.has_field(PythonSourceField)]
    return os.path.dirname(min(files)) if files else ""


def _is_inside(target: Target, package: str) -> bool:
    if not target.has_field(PythonSourceField) or not target.has_field(Dependencies):
        return False
    return target[PythonSourceField].file_path.startswith(f"{package}/")


async def _with_direct_needs(owners: tuple[Address, ...]) -> RuntimePart:
    """Collect the package and everything that it imports, split into sources and requirements.

    Imports are followed inside the package only. What it imports from outside is light by the runtime's own rules, but
    the `__init__.py` above it names the whole runtime for type checkers and would lead to everything.
    """
    seen: dict[Address, Target] = {}
    package: str | None = None
    waiting = owners
    while waiting:
        targets = await engine.targets_from_addresses(Addresses(waiting))
        seen.update((target.address, target) for target in targets)
        if package is None:
            package = _common_directory(targets)
        inside = [target for target in targets if _is_inside(target, package)]
        needed = await engine.concurrently(
            engine.direct_dependencies(DependenciesRequest(target[Dependencies])) for target in inside
        )
        waiting = tuple(sorted({address for addresses in needed for address in addresses} - set(seen)))
    requirements = tuple(address for address, target in seen.items() if target.has_field(PythonRequirementsField))
    return RuntimePart(tuple(target for address, target in seen.items() if address not in requirements), requirements)


async def find_runtime_part(module: str, resolve: str | None) -> RuntimePart | None:
    """Find a package of the runtime in a resolve.

    Args:
        module: the package, which has a `__main__`.
        resolve: the name of the resolve, if resolves are enabled.

    Returns:
        What its process needs, or None if the resolve does not provide it.
    """
    found = await engine.concurrently(
        engine.module_owners(PythonModuleOwnersRequest(one, resolve=resolve)) for one in (module, f"{module}.__main__")
    )
    owners = sorted({address for owner in found for address in (*owner.unambiguous, *owner.ambiguous)})
    return await _with_direct_needs(tuple(owners)) if owners else None
