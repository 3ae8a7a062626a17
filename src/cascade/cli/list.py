"""`list`: the workflows and assets of the project."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from cascade.cli.context import Invocation
from cascade.cli.options import json_option
from cascade.framework.collect import named_definitions
from cascade.terminal.output import Output

if TYPE_CHECKING:
    from cascade.contributor import Contribution
    from cascade.declarations import IngestionDeclaration


@click.command("list", short_help="List the workflows and assets of the project.")
@json_option
@click.pass_obj
def list_assets(invocation: Invocation, out: Output) -> None:
    """List the workflows of the project, and its plain Dagster assets, checks, jobs, schedules and sensors.

    Modules that do not load are reported on standard error, with exit code 1.
    """
    from cascade.framework.contributors import plugin_contributions

    collected, failures = invocation.loaded
    plugins = plugin_contributions(invocation.contents.project(invocation.config), (collected,))
    failures = (*failures, *plugins.plugin_failures)
    workflows = sorted(collected.workflows, key=lambda workflow: workflow.declaration.asset_key)
    others = _others((collected, *plugins.contributions), collected.workflows)
    out.json(
        {
            "project": invocation.project.name,
            "address": invocation.project.address,
            "workflows": [_document(workflow.declaration) for workflow in workflows],
            "others": [{"kind": kind, "name": name, "module": module} for kind, name, module in others],
            "failures": [str(failure) for failure in failures],
        }
    )
    if workflows:
        out.table(
            ("asset", "partitions", "cron", "group", "key", "table", "where"),
            [_row(workflow.declaration) for workflow in workflows],
            whole=True,
        )
    if others:
        if workflows:
            out.say()
        out.table(("kind", "name", "module"), others, whole=True)
    if not workflows and not others:
        out.say("There are no workflows yet.")
        if not invocation.project.generated:
            out.say(f"Create one: {invocation.program} create-workflow")
    for failure in failures:
        out.warn(f"not loaded: {failure}")
    if failures:
        raise click.exceptions.Exit(1)


def _row(declaration: IngestionDeclaration) -> tuple[object, ...]:
    return (
        "/".join(declaration.asset_key),
        declaration.partitions or "none",
        declaration.cron,
        declaration.group,
        ", ".join(declaration.unique_key),
        declaration.table,
        f"{declaration.function.__module__}:{declaration.location.line}",
    )


def _document(declaration: IngestionDeclaration) -> dict[str, Any]:
    return {
        "asset": "/".join(declaration.asset_key),
        "table": declaration.table,
        "group": declaration.group,
        "unique_key": list(declaration.unique_key),
        "schema": declaration.validation_schema.__name__,
        "partitions": declaration.partitions,
        "partition_start": declaration.partition_start,
        "partition_end": declaration.partition_end,
        "partition_timezone": declaration.partition_timezone,
        "cron": declaration.cron,
        "owners": list(declaration.owners),
        "description": declaration.description,
        "module": declaration.function.__module__,
        "file": declaration.location.file,
        "line": declaration.location.line,
    }


def _others(contributions: Sequence[Contribution], workflows: Sequence[Any]) -> list[tuple[str, str, str]]:
    """List the kind, name and home of the Dagster definitions other than workflows."""
    found: list[tuple[str, str, str]] = []
    # The project's `Definitions` may contain the asset of a workflow, or objects that are also at module level.
    known = {("asset", "/".join(workflow.declaration.asset_key)) for workflow in workflows}
    for contribution in contributions:
        for kind, name, value in named_definitions(contribution):
            found.append((kind, name, contribution.home(value) or ""))
            known.add((kind, name))
    for contribution in contributions:
        for definitions in contribution.definitions:
            home = contribution.home(definitions) or ""
            held = [(kind, name) for kind, name, _ in named_definitions(definitions)]
            found.extend((*thing, home) for thing in held if thing not in known)
            known.update(held)
            if not held:
                found.append(("definitions", "", home))
    return found
