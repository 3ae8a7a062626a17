"""Match the address specs of a project against the workflows of the repository. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pants.base.specs import (
    AddressLiteralSpec,
    DirGlobSpec,
    DirLiteralSpec,
    FileGlobSpec,
    FileLiteralSpec,
    RecursiveGlobSpec,
    Spec,
)
from pants.base.specs_parser import SpecsParser
from pants.build_graph.address import AddressParseException
from pants.engine.addresses import Address
from pants.engine.target import InvalidFieldException
from pants.source.filespec import FilespecMatcher

from cascade_pants.spelling import nearest
from cascade_pants.target_types import CascadeProjectTarget, CascadeProjectWorkflowsField, CascadeWorkflowTarget
from cascade_pants.util_rules.all_workflows import Workflow

_SHOWN = 5


@dataclass(frozen=True)
class WorkflowSpec:
    """One entry of the field `workflows`.

    Args:
        text: the entry as written.
        spec: the parsed spec, without the sign that excludes.
        excludes: whether the entry excludes workflows.
    """

    text: str
    spec: Spec
    excludes: bool


def parse_workflow_specs(project: Address, entries: Iterable[str]) -> tuple[WorkflowSpec, ...]:
    """Parse the field `workflows`.

    Raises:
        InvalidFieldException: an entry is not an address spec.
    """
    parser = SpecsParser()
    parsed = []
    for text in entries:
        excludes = text[:1] in ("!", "-")
        try:
            spec, _ = parser.parse_spec(text[1:] if excludes else text)
        except (SpecsParser.BadSpecError, AddressParseException) as error:
            raise InvalidFieldException(
                f"{_entry(project, text)}, which is not an address spec: {error}\n"
                "Use a directory (`src/workflows/weather`), a directory and everything below (`src/workflows::`) or an "
                "address (`src/workflows/weather:weather`), relative to the root of the repository."
            ) from None
        parsed.append(WorkflowSpec(text, spec, excludes))
    return tuple(parsed)


def select_workflows(
    project: Address, resolve: str, specs: Sequence[WorkflowSpec] | None, workflows: Sequence[Workflow]
) -> tuple[Workflow, ...]:
    """Select the workflows of a project.

    Args:
        project: the address of the project, for errors.
        resolve: the name of its resolve.
        specs: the field `workflows`, or None for every workflow of the resolve.
        workflows: every workflow of the repository.

    Returns:
        Workflows of that resolve, in the order of `workflows`, without the files that a spec excludes.

    Raises:
        InvalidFieldException: a spec matches no workflow or only workflows of other resolves, or no workflow remains.
    """
    in_resolve = [workflow for workflow in workflows if workflow.resolve == resolve]
    if specs is None:
        if not in_resolve:
            raise InvalidFieldException(_no_workflows_at_all(project, resolve, workflows))
        return tuple(in_resolve)

    # If every entry excludes, the project holds all other workflows of the resolve.
    included = {workflow.address for workflow in in_resolve} if all(spec.excludes for spec in specs) else set()
    for spec in specs:
        matched = [workflow for workflow in workflows if _matches(spec.spec, workflow)]
        if not matched:
            raise InvalidFieldException(_matches_nothing(project, spec, workflows))
        if spec.excludes:
            continue
        here = {workflow.address for workflow in matched if workflow.resolve == resolve}
        elsewhere = [
            workflow
            for workflow in matched
            if workflow.address not in here and _without_excluded(workflow, specs) is not None
        ]
        if elsewhere:
            raise InvalidFieldException(_in_another_resolve(project, resolve, spec, elsewhere))
        included |= here

    selected = []
    for workflow in in_resolve:
        if workflow.address in included:
            remaining = _without_excluded(workflow, specs)
            if remaining is not None:
                selected.append(remaining)
    if not selected:
        raise InvalidFieldException(
            f"The field `{CascadeProjectWorkflowsField.alias}` of the {CascadeProjectTarget.alias} {project} is "
            f"{[spec.text for spec in specs]!r}, which excludes every workflow. Remove an entry that excludes, add an "
            f"entry that includes, or remove the field to get every workflow of the resolve {resolve!r}."
        )
    return tuple(selected)


def _without_excluded(workflow: Workflow, specs: Iterable[WorkflowSpec]) -> Workflow | None:
    files = workflow.files
    for spec in specs:
        if not spec.excludes or not _matches(spec.spec, workflow):
            continue
        if not isinstance(spec.spec, (FileLiteralSpec, FileGlobSpec)):
            return None
        matcher = FilespecMatcher((spec.spec.to_glob(),), ())
        files = tuple(file for file in files if not matcher.matches([file.path]))
    return dataclasses.replace(workflow, files=files) if files else None


def _matches(spec: Spec, workflow: Workflow) -> bool:
    directory = workflow.address.spec_path
    if isinstance(spec, RecursiveGlobSpec):
        return not spec.directory or directory == spec.directory or directory.startswith(f"{spec.directory}/")
    if isinstance(spec, (DirGlobSpec, DirLiteralSpec)):
        return directory == spec.directory
    if isinstance(spec, AddressLiteralSpec):
        of_file = any(file.path == spec.path_component for file in workflow.files)
        return (of_file or directory == spec.path_component) and spec.target_component in (
            None,
            workflow.address.target_name,
        )
    if isinstance(spec, (FileLiteralSpec, FileGlobSpec)):
        return bool(FilespecMatcher((spec.to_glob(),), ()).matches([file.path for file in workflow.files]))
    return False


def _matches_nothing(project: Address, spec: WorkflowSpec, workflows: Sequence[Workflow]) -> str:
    addresses = sorted({str(workflow.address) for workflow in workflows})
    written = spec.text[1:] if spec.excludes else spec.text
    directory = written.rstrip(":").partition(":")[0].strip("/")
    around = [workflow for workflow in workflows if f"{directory}/".startswith(f"{workflow.address.spec_path}/")]
    if around:
        hint = f"It is inside the workflow {around[0].address}. A project takes whole workflows, so name that one."
    elif not addresses:
        hint = "The repository has none. `pants tailor ::` adds one for each directory with a decorated function."
    else:
        meant = nearest(written, [*addresses, *(address.partition(":")[0] for address in addresses)])
        hint = f"Did you mean {meant!r}?" if meant else f"The repository has {_listed(addresses)}."
    return (
        f"{_entry(project, spec.text)}, which matches no {CascadeWorkflowTarget.alias}. {hint}\n"
        "Specs are relative to the root of the repository, and the directory of a workflow needs "
        f"`{CascadeWorkflowTarget.alias}()` in its BUILD file."
    )


def _in_another_resolve(project: Address, resolve: str, spec: WorkflowSpec, others: Sequence[Workflow]) -> str:
    listed = _listed(f"{workflow.address} (resolve {workflow.resolve!r})" for workflow in others)
    return (
        f"{_entry(project, spec.text)}, which matches workflows of another resolve: {listed}. The project is in the "
        f"resolve {resolve!r}.\n"
        f"A project runs in one resolve. Set `resolve={others[0].resolve!r}` on the project, set "
        f"`resolve={resolve!r}` on the workflow, or exclude it with "
        f"`{CascadeProjectWorkflowsField.alias}=[..., '!{others[0].address.spec_path}']`."
    )


def _no_workflows_at_all(project: Address, resolve: str, workflows: Sequence[Workflow]) -> str:
    others = sorted({workflow.resolve for workflow in workflows})
    known = (
        f"The repository has workflows in {_listed(map(repr, others))}: set `resolve={others[0]!r}` on the project."
        if others
        else "`pants cascade-scaffold src/workflows/NAME` writes one, and `pants tailor ::` adds the target to a "
        "directory with a decorated function."
    )
    return (
        f"The {CascadeProjectTarget.alias} {project} has no workflows, because its resolve {resolve!r} has no "
        f"{CascadeWorkflowTarget.alias}. {known}"
    )


def _entry(project: Address, text: str) -> str:
    return (
        f"The field `{CascadeProjectWorkflowsField.alias}` of the {CascadeProjectTarget.alias} {project} has the entry "
        f"{text!r}"
    )


def _listed(items: Iterable[str]) -> str:
    found = list(items)
    rest = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return ", ".join(found[:_SHOWN]) + rest
