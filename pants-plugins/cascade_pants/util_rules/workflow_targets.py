"""Generate the targets of a `cascade_workflow`, one for each file."""

from __future__ import annotations

import glob
import logging
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pants.backend.python.target_types import (
    PythonSourceTarget,
    PythonTestsGeneratingSourcesField,
    PythonTestTarget,
    PythonTestUtilsGeneratingSourcesField,
)
from pants.core.target_types import ResourceTarget
from pants.engine.addresses import Address
from pants.engine.fs import GlobMatchErrorBehavior, PathGlobs
from pants.engine.rules import collect_rules, rule
from pants.engine.target import (
    GeneratedTargets,
    GenerateTargetsRequest,
    InvalidFieldException,
    SourcesPathsRequest,
    Target,
)
from pants.engine.unions import UnionMembership, UnionRule
from pants.source.filespec import FilespecMatcher

from cascade_pants import engine
from cascade_pants.reader.contract_files import DIRECTORY, contract_table
from cascade_pants.spelling import nearest
from cascade_pants.target_types import (
    CascadeContractTarget,
    CascadeWorkflowDataField,
    CascadeWorkflowLoadField,
    CascadeWorkflowOverridesField,
    CascadeWorkflowSourceLoadField,
    CascadeWorkflowSourcesField,
    CascadeWorkflowSourceTarget,
    CascadeWorkflowTarget,
)

logger = logging.getLogger(__name__)

_NOT_IN_ADDRESSES = re.compile(r"[#:\x00-\x1f]|^!")
_TESTS = FilespecMatcher(PythonTestsGeneratingSourcesField.default, ())
_TEST_UTILS = FilespecMatcher(PythonTestUtilsGeneratingSourcesField.default, ())


class GenerateWorkflowTargetsRequest(GenerateTargetsRequest):  # type: ignore[type-arg]
    """Generate the targets of one `cascade_workflow`."""

    generate_from = CascadeWorkflowTarget


def target_type_of(path: str) -> type[Target]:
    """Return the target type of a file of a workflow.

    Args:
        path: any path. Its last part decides, as for `python_tests` and `python_test_utils`.

    Returns:
        The target of a test, the plain Python target of a test helper, or the workflow's own target.
    """
    name = [os.path.basename(path)]
    if _TESTS.matches(name):
        return PythonTestTarget
    if _TEST_UTILS.matches(name):
        return PythonSourceTarget
    return CascadeWorkflowSourceTarget


def loaded_files(address: Address, patterns: Sequence[str], files: Iterable[str]) -> frozenset[str]:
    """Find the files that the field `load` matches.

    Args:
        address: the address of the `cascade_workflow`.
        patterns: the value of the field, names and globs relative to the BUILD file.
        files: the workflow's files, relative to the BUILD file.

    Raises:
        InvalidFieldException: an entry matches no file, or a test.
    """
    sources = [path for path in files if target_type_of(path) is CascadeWorkflowSourceTarget]
    loaded: set[str] = set()
    for pattern in patterns:
        matched = FilespecMatcher((pattern,), ()).matches(sources)
        if not matched:
            raise InvalidFieldException(
                f"The field `{CascadeWorkflowLoadField.alias}` of {address} has the entry {pattern!r}, which matches "
                f"no source file of this workflow. Use file names or globs relative to the BUILD file. "
                f"{_meant(pattern, sources)}"
            )
        loaded.update(matched)
    return frozenset(loaded)


def overrides_for(
    address: Address, path: str, overrides: Mapping[str, Mapping[Address, Mapping[str, Any]]]
) -> dict[Address, dict[str, Any]]:
    """Merge the entries of the field `overrides` that apply to one file.

    Args:
        address: the address to generate the target from unless an override is parametrized.
        path: the file, relative to the BUILD file.
        overrides: for each key of the field, the fields to override, by the address that `parametrize` returns.

    Returns:
        The fields to override, by the address to generate from. If no entry applies, `address` with no fields.

    Raises:
        InvalidFieldException: two keys set the same field, or two keys match and one of them is parametrized.
    """
    matching = [key for key in overrides if FilespecMatcher((key,), ()).matches([path])]
    if len(matching) == 1:
        return {at: dict(fields) for at, fields in overrides[matching[0]].items()}
    merged: dict[str, Any] = {}
    for key in matching:
        if len(overrides[key]) != 1:
            raise InvalidFieldException(
                f"Several keys of the field `{CascadeWorkflowOverridesField.alias}` of {address} match {path!r}: "
                f"{', '.join(map(repr, matching))}. One of them uses `parametrize(..)`, so merge them into one key."
            )
        (fields,) = overrides[key].values()
        for field in sorted(merged.keys() & fields.keys()):
            raise InvalidFieldException(
                f"The field `{CascadeWorkflowOverridesField.alias}` of {address} sets `{field}` of {path!r} twice, to "
                f"{merged[field]!r} and to {fields[field]!r}. Remove one of the keys {', '.join(map(repr, matching))}."
            )
        merged.update(fields)
    return {address: merged}


def data_globs(directory: str, patterns: Iterable[str]) -> tuple[str, ...]:
    """Return the field `data` as globs from the root of the repository."""
    base = glob.escape(directory)
    return tuple(f"!{os.path.join(base, one[1:])}" if one[:1] == "!" else os.path.join(base, one) for one in patterns)


def contracts_beside(files: Iterable[str], paths: Iterable[str]) -> list[str]:
    """Find the contracts that lie beside files of a workflow, sorted.

    Args:
        files: the workflow's files.
        paths: files in directories that have the name of that of contracts.
    """
    directories = {os.path.dirname(file) for file in files}
    return sorted(
        path
        for path in paths
        if contract_table(path) is not None and os.path.dirname(os.path.dirname(path)) in directories
    )


def with_data(fields: Mapping[str, Any], data: Iterable[Address]) -> dict[str, Any]:
    """Make a target depend on data files.

    Args:
        fields: the fields of the target.
        data: the addresses of the files.
    """
    given = fields.get("dependencies") or ()
    if isinstance(given, str):
        # Pants reports the wrong type.
        return dict(fields)
    return {**fields, "dependencies": [*given, *(address.spec for address in data)]}


@rule
async def generate_workflow_targets(
    request: GenerateWorkflowTargetsRequest, union_membership: UnionMembership
) -> GeneratedTargets:
    generator = request.generator
    directory = generator.address.spec_path
    patterns = generator[CascadeWorkflowDataField].value or ()
    paths, data_paths, contract_paths = await engine.concurrently(
        engine.source_paths(SourcesPathsRequest(generator[CascadeWorkflowSourcesField])),
        engine.path_globs_paths(
            PathGlobs(data_globs(directory, patterns), glob_match_error_behavior=GlobMatchErrorBehavior.ignore)
        ),
        engine.path_globs_paths(
            PathGlobs(
                data_globs(directory, [f"**/{DIRECTORY}/*.yml"]),
                glob_match_error_behavior=GlobMatchErrorBehavior.ignore,
            )
        ),
    )
    files = [os.path.relpath(path, directory) for path in paths.files]
    contracts = contracts_beside(files, (os.path.relpath(path, directory) for path in contract_paths.files))
    data = _addressable(
        generator.address,
        sorted({os.path.relpath(path, directory) for path in data_paths.files} - {*files, *contracts}),
    )
    loaded = loaded_files(generator.address, generator[CascadeWorkflowLoadField].value or (), files)
    _refuse_unused_overrides(generator.address, request.overrides, files)
    if patterns != CascadeWorkflowDataField.default:
        _refuse_unused_data(generator.address, patterns, data)

    def fields_of(target_type: type[Target]) -> dict[str, Any]:
        # The generator takes the fields of sources and of tests; each target gets the fields that its type has.
        aliases = {field.alias for field in target_type.class_field_types(union_membership)}
        return {alias: value for alias, value in request.template.items() if alias in aliases}

    def residence_of(file: str) -> str:
        return os.path.dirname(os.path.join(directory, file))

    resources = [
        ResourceTarget(
            {**fields_of(ResourceTarget), "dependencies": None, "source": glob.escape(file)},
            request.template_address.create_file(file),
            union_membership,
            residence_dir=residence_of(file),
        )
        for file in data
    ]
    addresses = [resource.address for resource in resources]
    targets: list[Target] = []
    for file in files:
        target_type = target_type_of(file)
        template = fields_of(target_type)
        if file in loaded:
            template[CascadeWorkflowSourceLoadField.alias] = True
        for address, fields in overrides_for(request.template_address, file, request.overrides).items():
            targets.append(
                target_type(
                    with_data({**template, **fields, "source": glob.escape(file)}, addresses),
                    address.create_file(file),
                    union_membership,
                    residence_dir=residence_of(file),
                )
            )
    of_contracts = [
        CascadeContractTarget(
            {**fields_of(CascadeContractTarget), "source": file},
            request.template_address.create_file(file),
            union_membership,
            residence_dir=residence_of(file),
        )
        for file in contracts
    ]
    return GeneratedTargets(generator, [*targets, *resources, *of_contracts])


def _addressable(address: Address, data: Iterable[str]) -> list[str]:
    """Leave out files that an address cannot name."""
    data = list(data)
    unnameable = [file for file in data if _NOT_IN_ADDRESSES.search(file)]
    if unnameable:
        logger.warning(
            f"{address} leaves out {', '.join(map(repr, unnameable))}, because an address cannot contain these "
            f"characters. Rename the file, or exclude it with the field `{CascadeWorkflowDataField.alias}`."
        )
    return [file for file in data if file not in unnameable]


def _refuse_unused_data(address: Address, patterns: Iterable[str], data: Sequence[str]) -> None:
    for pattern in patterns:
        if pattern[:1] != "!" and not FilespecMatcher((pattern,), ()).matches(data):
            raise InvalidFieldException(
                f"The field `{CascadeWorkflowDataField.alias}` of {address} has the entry {pattern!r}, which matches "
                f"no file. Use file names or globs relative to the BUILD file. {_meant(pattern, data)}"
            )


def _refuse_unused_overrides(address: Address, overrides: Iterable[str], files: Sequence[str]) -> None:
    for key in overrides:
        if not FilespecMatcher((key,), ()).matches(files):
            raise InvalidFieldException(
                f"The field `{CascadeWorkflowOverridesField.alias}` of {address} has the key {key!r}, which matches no "
                f"file of this workflow. {_meant(key, files)}"
            )


def _meant(pattern: str, files: Sequence[str]) -> str:
    meant = nearest(pattern, files)
    return f"Did you mean {meant!r}?" if meant else f"Its files are {', '.join(sorted(files)) or 'none'}."


def rules() -> list[Any]:
    """Return the rules of this module."""
    return [*collect_rules(), UnionRule(GenerateTargetsRequest, GenerateWorkflowTargetsRequest)]
