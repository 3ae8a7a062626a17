"""`list`: what the project holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from cascade.cli.context import Invocation
from cascade.cli.options import json_option
from cascade.terminal.output import Output

if TYPE_CHECKING:
    from cascade.declarations import IngestionDeclaration
    from cascade.framework.collect import Collected


@click.command("list", short_help="List the workflows and assets of the project.")
@json_option
@click.pass_obj
def list_assets(invocation: Invocation, out: Output) -> None:
    """List the workflows of the project, and Dagster's own assets, checks, jobs, schedules and sensors beside them.

    What does not load is named on standard error, and is exit code 1.
    """
    collected, failures = invocation.loaded
    workflows = sorted(collected.workflows, key=lambda workflow: workflow.declaration.asset_key)
    others = _others(collected)
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
            out.say(f"Make one: {invocation.program} create-workflow")
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


def _others(collected: Collected) -> list[tuple[str, str, str]]:
    found = [(kind, name, collected.home(value) or "") for kind, name, value in _held_by(collected)]
    # Somebody's Definitions may hold a workflow's asset, and what stands at the level of a module as well.
    known = {("asset", "/".join(workflow.declaration.asset_key)) for workflow in collected.workflows}
    known.update((kind, name) for kind, name, _ in found)
    for definitions in collected.definitions:
        home = collected.home(definitions) or ""
        held = [(kind, name) for kind, name, _ in _held_by(definitions)]
        found.extend((*thing, home) for thing in held if thing not in known)
        known.update(held)
        if not held:
            found.append(("definitions", "", home))
    return found


def _held_by(holder: Any) -> Iterator[tuple[str, str, Any]]:
    """The kind and the name of each thing of Dagster's in what was collected, or in Dagster's `Definitions`."""
    for kind, values in (
        ("asset", holder.assets),
        ("check", holder.asset_checks),
        ("job", holder.jobs),
        ("schedule", holder.schedules),
        ("sensor", holder.sensors),
    ):
        for value in values or ():
            yield from ((kind, name, value) for name in _names(kind, value))


def _names(kind: str, value: Any) -> list[str]:
    if kind == "asset":
        keys = value.keys if hasattr(value, "keys") else [value.key]
        return sorted(key.to_user_string() for key in keys)
    if kind == "check":
        return sorted(f"{key.asset_key.to_user_string()}:{key.name}" for key in value.check_keys)
    return [str(value.name)]
