"""Match the address specs of a project against the workflows of the repository. Pure."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
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
from cascade_pants.util_rules.all_workflows import AllWorkflows, Workflow, WorkflowFile, WorkflowIndex

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
    return _parse(_field_of(project), entries)


def workflows_matching(where: str, entries: Iterable[str], workflows: Sequence[Workflow]) -> frozenset[object]:
    """Select workflows of all resolves, for an option.

    Args:
        where: what has the entries, for errors, such as "The option `[cascade].require_owners`".
        entries: address specs. If every entry excludes, all other workflows are selected.
        workflows: every workflow of the repository.

    Returns:
        Their keys.

    Raises:
        InvalidFieldException: an entry is not an address spec, or matches no workflow.
    """
    everything = workflows if isinstance(workflows, AllWorkflows) else AllWorkflows(workflows)
    specs = _parse(where, entries)
    found: set[object] = set()
    if specs and all(spec.excludes for spec in specs):
        found.update(workflow.key for workflow in everything)
    excluded: set[object] = set()
    for spec in specs:
        matched = _matching(spec.spec, everything.places)
        if not matched:
            raise InvalidFieldException(_matches_nothing(where, spec, everything))
        (excluded if spec.excludes else found).update(workflow.key for workflow in matched)
    return frozenset(found - excluded)


def _parse(where: str, entries: Iterable[str]) -> tuple[WorkflowSpec, ...]:
    parser = SpecsParser()
    parsed = []
    for text in entries:
        excludes = text[:1] in ("!", "-")
        try:
            spec, _ = parser.parse_spec(text[1:] if excludes else text)
        except (SpecsParser.BadSpecError, AddressParseException) as error:
            raise InvalidFieldException(
                f"{_entry(where, text)}, which is not an address spec: {error}\n"
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
    everything = workflows if isinstance(workflows, AllWorkflows) else AllWorkflows(workflows)
    in_resolve = [workflow for workflow in everything if workflow.resolve == resolve]
    if specs is None:
        if not in_resolve:
            raise InvalidFieldException(_no_workflows_at_all(project, resolve, workflows))
        return tuple(in_resolve)

    found = [(spec, _matching(spec.spec, everything.places)) for spec in specs]
    excluding: defaultdict[object, list[Spec]] = defaultdict(list)
    for spec, matched in found:
        if not matched:
            raise InvalidFieldException(_matches_nothing(_field_of(project), spec, workflows))
        for workflow in matched if spec.excludes else ():
            excluding[workflow.key].append(spec.spec)

    # If every entry excludes, the project holds all other workflows of the resolve.
    included: defaultdict[object, list[Mapping[str, str]]] = defaultdict(list)
    if all(spec.excludes for spec in specs):
        included.update((workflow.key, [{}]) for workflow in in_resolve)
    for spec, matched in found:
        if spec.excludes:
            continue
        here = {workflow.address for workflow in matched if workflow.resolve == resolve}
        elsewhere = [
            workflow
            for workflow in matched
            if workflow.address not in here and _without_excluded(workflow, excluding.get(workflow.key, ())) is not None
        ]
        if elsewhere:
            raise InvalidFieldException(_in_another_resolve(project, resolve, spec, elsewhere))
        for address in here:
            included[address, resolve].append(_parameters(spec.spec))

    selected = []
    for workflow in in_resolve:
        if workflow.key in included:
            variants = _with_parameters(workflow, included[workflow.key])
            remaining = _without_excluded(variants, excluding.get(workflow.key, ()))
            if remaining is not None:
                selected.append(remaining)
    if not selected:
        raise InvalidFieldException(
            f"The field `{CascadeProjectWorkflowsField.alias}` of the {CascadeProjectTarget.alias} {project} is "
            f"{[spec.text for spec in specs]!r}, which excludes every workflow. Remove an entry that excludes, add an "
            f"entry that includes, or remove the field to get every workflow of the resolve {resolve!r}."
        )
    return tuple(selected)


def _parameters(spec: Spec) -> Mapping[str, str]:
    return spec.parameters if isinstance(spec, AddressLiteralSpec) else {}


def _with_parameters(workflow: Workflow, wanted: Sequence[Mapping[str, str]]) -> Workflow:
    """Keep the files of the variants that some specs name, if the workflow is parametrized."""
    if not all(wanted):
        return workflow
    files = (file for file in workflow.files if any(_is_variant(file, parameters) for parameters in wanted))
    return dataclasses.replace(workflow, files=tuple(files))


def _is_variant(file: WorkflowFile, parameters: Mapping[str, str]) -> bool:
    return parameters.items() <= file.address.parameters.items()


def _without_excluded(workflow: Workflow, excluding: Iterable[Spec]) -> Workflow | None:
    files = workflow.files
    for spec in excluding:
        if not isinstance(spec, (FileLiteralSpec, FileGlobSpec)):
            files = tuple(file for file in files if not _is_variant(file, _parameters(spec)))
            continue
        matcher = FilespecMatcher((spec.to_glob(),), ())
        files = tuple(file for file in files if not matcher.matches([file.path]))
    return dataclasses.replace(workflow, files=files) if files else None


def _matching(spec: Spec, index: WorkflowIndex) -> list[Workflow]:
    if isinstance(spec, RecursiveGlobSpec):
        return index.below(spec.directory)
    if isinstance(spec, (DirGlobSpec, DirLiteralSpec)):
        return index.at(spec.directory)
    if isinstance(spec, AddressLiteralSpec):
        path = spec.path_component
        return [
            workflow
            for workflow in (index.at(path) or index.with_files([path]))
            if spec.target_component in (None, workflow.address.target_name)
            and any(_is_variant(file, spec.parameters) for file in workflow.files)
        ]
    if isinstance(spec, FileLiteralSpec):
        return index.with_files([spec.file])
    if isinstance(spec, FileGlobSpec):
        return index.with_files(FilespecMatcher((spec.to_glob(),), ()).matches(index.paths))
    return []


def _matches_nothing(where: str, spec: WorkflowSpec, workflows: Sequence[Workflow]) -> str:
    addresses = sorted({str(workflow.address) for workflow in workflows})
    written = spec.text[1:] if spec.excludes else spec.text
    directory = written.rstrip(":").partition(":")[0].strip("/")
    around = [workflow for workflow in workflows if f"{directory}/".startswith(f"{workflow.address.spec_path}/")]
    if around:
        hint = f"It is inside the workflow {around[0].address}. An entry stands for whole workflows, so name that one."
    elif not addresses:
        hint = "The repository has none. `pants tailor ::` adds one for each directory with a decorated function."
    else:
        meant = nearest(written, [*addresses, *(address.partition(":")[0] for address in addresses)])
        hint = f"Did you mean {meant!r}?" if meant else f"The repository has {_listed(addresses)}."
    return (
        f"{_entry(where, spec.text)}, which matches no {CascadeWorkflowTarget.alias}. {hint}\n"
        "Specs are relative to the root of the repository, and the directory of a workflow needs "
        f"`{CascadeWorkflowTarget.alias}()` in its BUILD file."
    )


def _in_another_resolve(project: Address, resolve: str, spec: WorkflowSpec, others: Sequence[Workflow]) -> str:
    listed = _listed(f"{workflow.address} (resolve {workflow.resolve!r})" for workflow in others)
    return (
        f"{_entry(_field_of(project), spec.text)}, which matches workflows of another resolve: {listed}. The project "
        f"is in the resolve {resolve!r}.\n"
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


def _field_of(project: Address) -> str:
    return f"The field `{CascadeProjectWorkflowsField.alias}` of the {CascadeProjectTarget.alias} {project}"


def _entry(where: str, text: str) -> str:
    return f"{where} has the entry {text!r}"


def _listed(items: Iterable[str]) -> str:
    found = list(items)
    rest = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return ", ".join(found[:_SHOWN]) + rest
