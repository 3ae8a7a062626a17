"""The dbt project of a `cascade_project`: its files, and the requirements that run it."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass

from pants.backend.python.subsystems.setup import PythonSetup
from pants.backend.python.target_types import PythonRequirementsField, PythonResolveField
from pants.core.target_types import FileSourceField, ResourceSourceField
from pants.engine.addresses import Address
from pants.engine.fs import FileContent
from pants.engine.target import InvalidFieldException, Target

from cascade_pants.spelling import nearest
from cascade_pants.target_types import CascadeProjectDbtField, CascadeProjectTarget
from cascade_pants.target_types.dbt import CascadeDbtDependenciesField, CascadeDbtProjectTarget, CascadeDbtSourceField
from cascade_pants.util_rules.dbt_graph import spec_of

# Those of the runtime's extras `dbt` and `trino`, and adapters of the user's own profile.
_REQUIREMENT = re.compile(r"\s*(dagster[-_.]dbt|dbt[-_.])", re.IGNORECASE)
_FILE_FIELDS = (ResourceSourceField, FileSourceField)


@dataclass(frozen=True)
class DbtProject:
    """The dbt project of a project.

    Args:
        directory: its directory, from the root of the repository.
        files: its files, and those that it depends on outside of its directory, sorted.
    """

    directory: str
    files: tuple[str, ...]


def find_dbt_project(project: Address, field: CascadeProjectDbtField, targets: Iterable[Target]) -> DbtProject | None:
    """Find the dbt project of a `cascade_project`.

    Args:
        project: its address.
        field: its field `dbt_project`.
        targets: all targets of the repository.

    Returns:
        The dbt project, or None if the field has no value.

    Raises:
        InvalidFieldException: there is no such `cascade_dbt_project`.
    """
    if not field.value:
        return None
    (given,) = field.value
    owned: dict[str, list[Target]] = {}
    dbt_projects: dict[str, Address] = {}
    for target in targets:
        if not any(target.has_field(one) for one in _FILE_FIELDS):
            continue
        generator = target.address.maybe_convert_to_target_generator()
        owned.setdefault(generator.spec, []).append(target)
        if target.has_field(CascadeDbtSourceField):
            dbt_projects.setdefault(generator.spec, generator)
    spec = spec_of(given, project.spec_path)
    if spec not in dbt_projects:
        _refuse_unknown(project, given, dbt_projects)
    return DbtProject(dbt_projects[spec].spec_path, tuple(sorted(_files(spec, owned))))


def _refuse_unknown(project: Address, given: str, known: dict[str, Address]) -> None:
    short = sorted(
        spec if address.target_name != os.path.basename(address.spec_path) else address.spec_path
        for spec, address in known.items()
    )
    meant = nearest(given, short)
    raise InvalidFieldException(
        f"The field `{CascadeProjectDbtField.alias}` of the {CascadeProjectTarget.alias} {project} is {given!r}, which "
        f"is not a {CascadeDbtProjectTarget.alias} with files."
        + (f" Did you mean {meant!r}?" if meant else "")
        + (
            f"\nThose of the repository: {', '.join(short)}"
            if short
            else "\nThe repository has none. To add one beside each dbt_project.yml, type: pants tailor ::"
        )
    )


def _files(spec: str, owned: dict[str, list[Target]]) -> set[str]:
    found: set[str] = set()
    waiting, seen = [spec], {spec}
    while waiting:
        for target in owned.get(waiting.pop(), ()):
            found.update(target[one].file_path for one in _FILE_FIELDS if target.has_field(one))
            if not target.has_field(CascadeDbtDependenciesField):
                continue
            needed = target[CascadeDbtDependenciesField].value or ()
            directory = target.address.spec_path
            more = {spec_of(one, directory) for one in needed if not one.startswith("!")} - seen
            seen |= more
            waiting += more
    return found


def dbt_requirements(targets: Iterable[Target], resolve: str, python_setup: PythonSetup) -> tuple[Address, ...]:
    """Return the targets of a resolve that provide dbt, its adapters and dagster-dbt, which nothing imports.

    Args:
        targets: all targets of the repository.
        resolve: the name of the resolve.
        python_setup: the options of `[python]`.
    """
    return tuple(
        target.address
        for target in targets
        if target.has_field(PythonRequirementsField)
        and any(_REQUIREMENT.match(str(one)) for one in target[PythonRequirementsField].value)
        and target[PythonResolveField].normalized_value(python_setup) == resolve
    )


def content_digest(files: Iterable[FileContent]) -> str:
    """Return a short text that changes with the name or the content of any file.

    Args:
        files: the files.
    """
    digest = hashlib.sha256()
    for file in sorted(files, key=lambda one: one.path):
        digest.update(f"{file.path}\0{len(file.content)}\0".encode())
        digest.update(file.content)
    return digest.hexdigest()[:16]
