"""The code of a project: the files and requirements that each of its modules depends on, for the versions of assets."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePath
from typing import Any

from pants.backend.python.subsystems.setup import PythonSetup
from pants.backend.python.target_types import PythonRequirementsField, PythonSourceField
from pants.engine.addresses import Address, Addresses
from pants.engine.fs import PathGlobs
from pants.engine.rules import collect_rules, rule
from pants.engine.target import Dependencies, DependenciesRequest, SingleSourceField, Target
from pants.source.source_root import SourceRootsRequest
from pants.util.frozendict import FrozenDict
from pants.util.logging import LogLevel

from cascade_pants import engine
from cascade_pants.reader.fingerprint import TEST_DATA, VERSION, fingerprint, fingerprint_of_tree, parsed
from cascade_pants.requirement_names import requirement_name
from cascade_pants.subsystem import CascadeSubsystem
from cascade_pants.util_rules.locked_versions import LockedVersionsRequest, locked_versions
from cascade_pants.util_rules.project import CascadeProject

BYTES = "bytes:"
"""What the fingerprint of a Python file begins with if Pants' own Python cannot parse it, so that its bytes count."""


@dataclass(frozen=True)
class ProjectCodeRequest:
    """Find the code of a project.

    Args:
        addresses: the targets of the modules that it loads.
        modules: their names.
        resolve: the name of its resolve.
    """

    addresses: tuple[Address, ...]
    modules: tuple[str, ...]
    resolve: str

    @classmethod
    def of(cls, project: CascadeProject, resolve: str) -> ProjectCodeRequest:
        """Request the code of a project."""
        return cls(project.addresses, project.modules, resolve)


@dataclass(frozen=True)
class ProjectCode:
    """The code of a project.

    Args:
        files: the fingerprint of each file, by its path from its source root.
        closures: the places in `files` of those that each module depends on.
        requirements: the names and versions of the requirements that each module depends on.
    """

    files: FrozenDict[str, str]
    closures: FrozenDict[str, tuple[int, ...]]
    requirements: FrozenDict[str, tuple[str, ...]]

    def manifest_field(self) -> dict[str, object]:
        """Return the field `code` of the manifest."""
        return {
            "rules": VERSION,
            "files": dict(self.files),
            "closures": {module: list(places) for module, places in self.closures.items()},
            "requirements": {module: list(needed) for module, needed in self.requirements.items() if needed},
        }


def fingerprint_of(content: bytes, *, is_python: bool) -> str:
    """Return the fingerprint of a file for the manifest.

    Args:
        content: the file.
        is_python: whether it is Python source.
    """
    return _of_source(content) if is_python else fingerprint(content, is_python=False)


# An edit of one file must not cost the time of all.
@lru_cache(maxsize=20_000)
def _of_source(content: bytes) -> str:
    tree = parsed(content)
    return BYTES + fingerprint(content, is_python=False) if tree is None else fingerprint_of_tree(tree)


def reachable(start: Address, needed: Mapping[Address, Iterable[Address]]) -> set[Address]:
    """Return a target and all that it depends on.

    Args:
        start: the target.
        needed: the direct dependencies of each target.
    """
    found: set[Address] = set()
    waiting = [start]
    while waiting:
        address = waiting.pop()
        if address not in found:
            found.add(address)
            waiting.extend(needed.get(address, ()))
    return found


def requirements_of(target: Target, versions: Mapping[str, tuple[str, ...]], runtime: str) -> tuple[str, ...]:
    """Return the requirements of a target as names and versions.

    Args:
        target: a `python_requirement`.
        versions: the locked versions by normalized name. A requirement without one is taken as it is written.
        runtime: the name of the distribution of Cascade, whose version makes no table stale.
    """
    found = []
    for requirement in target[PythonRequirementsField].value:
        name = requirement_name(requirement)
        if name != requirement_name(runtime):
            locked = versions.get(name or "")
            found.append(f"{name}=={','.join(locked)}" if locked else str(requirement))
    return tuple(found)


def code_of(
    request: ProjectCodeRequest,
    needed: Mapping[Address, Iterable[Address]],
    files: Mapping[Address, tuple[str, str]],
    requirements: Mapping[Address, tuple[str, ...]],
) -> ProjectCode:
    """Combine what is known of the targets of a project.

    Args:
        request: the project.
        needed: the direct dependencies of each target.
        files: the path and the fingerprint of the file of each target.
        requirements: the names and versions of each requirement.
    """
    by_path = dict(sorted(files.values()))
    places = {path: place for place, path in enumerate(by_path)}
    closures: dict[str, tuple[int, ...]] = {}
    wanted: dict[str, tuple[str, ...]] = {}
    for address, module in zip(request.addresses, request.modules):
        closure = reachable(address, needed)
        closures[module] = tuple(sorted({places[files[one][0]] for one in closure if one in files}))
        wanted[module] = tuple(sorted({name for one in closure for name in requirements.get(one, ())}))
    return ProjectCode(FrozenDict(by_path), FrozenDict(closures), FrozenDict(wanted))


@rule(desc="Find the code of Cascade project", level=LogLevel.DEBUG)
async def find_project_code(
    request: ProjectCodeRequest, cascade: CascadeSubsystem, python_setup: PythonSetup
) -> ProjectCode:
    targets: dict[Address, Target] = {}
    needed: dict[Address, tuple[Address, ...]] = {}
    stripped: dict[Address, str] = {}
    waiting = tuple(sorted(set(request.addresses)))
    while waiting:
        found = await engine.targets_from_addresses(Addresses(waiting))
        targets.update((target.address, target) for target in found)
        paths = {target.address: path for target in found if (path := _file_of(target))}
        roots = await engine.source_roots(SourceRootsRequest.for_files(sorted(set(paths.values()))))
        for address, path in paths.items():
            stripped[address] = str(PurePath(path).relative_to(roots.path_to_root[PurePath(path)].path))
        followed = [target for target in found if _is_followed(target, stripped.get(target.address, ""))]
        answers = await engine.concurrently(
            engine.direct_dependencies(DependenciesRequest(target[Dependencies])) for target in followed
        )
        needed.update((target.address, tuple(answer)) for target, answer in zip(followed, answers))
        waiting = tuple(sorted({one for answer in answers for one in answer} - targets.keys()))

    own = {address: path for address, path in stripped.items() if not (_is_runtime(path) or _is_test_data(path))}
    lock = python_setup.resolves.get(request.resolve)
    versions = await locked_versions(LockedVersionsRequest(lock or "no lockfile"))
    contents = await engine.path_globs_contents(PathGlobs(sorted({glob.escape(_path(targets[one])) for one in own})))
    by_path = {file.path: file.content for file in contents}
    return code_of(
        request,
        needed,
        {
            address: (
                path,
                fingerprint_of(
                    by_path[_path(targets[address])], is_python=targets[address].has_field(PythonSourceField)
                ),
            )
            for address, path in own.items()
            if _path(targets[address]) in by_path
        },
        {
            address: requirements_of(target, versions.by_name, cascade.runtime_requirement)
            for address, target in targets.items()
            if target.has_field(PythonRequirementsField)
        },
    )


def _file_of(target: Target) -> str | None:
    if not target.has_field(SingleSourceField) or target.has_field(PythonRequirementsField):
        return None
    return _path(target) if target[SingleSourceField].value else None


def _path(target: Target) -> str:
    # A generated target escapes the characters of globs in its field, but not in its address.
    if target.address.is_generated_target and target.address.relative_file_path is not None:
        return target.address.filename
    return str(target[SingleSourceField].file_path)


def _is_followed(target: Target, path: str) -> bool:
    return target.has_field(Dependencies) and not (target.has_field(PythonRequirementsField) or _is_runtime(path))


def _is_runtime(path: str) -> bool:
    return path.startswith("cascade/")


def _is_test_data(path: str) -> bool:
    return TEST_DATA in PurePath(path).parent.parts


if engine.BY_NAME:

    async def project_code(request: ProjectCodeRequest) -> ProjectCode:
        """Find the code of a project, once for all callers."""
        code: ProjectCode = await find_project_code(request, **engine.implicitly())
        return code

else:
    from cascade_pants.engine.own_rules import own_rule

    project_code = own_rule(ProjectCode, ProjectCodeRequest)  # type: ignore[assignment]


def rules() -> list[Any]:
    """Return the rules of this module."""
    return list(collect_rules())
