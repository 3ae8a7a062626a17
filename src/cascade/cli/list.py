"""`list`: the workflows and assets of the project."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from cascade.cli.context import Invocation
from cascade.cli.options import json_option
from cascade.framework.collect import Collected, declared_checks, named_definitions
from cascade.framework.declared_names import PlainSettings, plain_settings
from cascade.framework.project import Project, require_project_root
from cascade.program import typed
from cascade.terminal.output import Output

if TYPE_CHECKING:
    from cascade.contributor import Contribution
    from cascade.dbt.listing import DbtListing
    from cascade.declarations import IngestionDeclaration
    from cascade.exceptions import CascadeError
    from cascade.framework.listing import Listing


@click.command("list", short_help="List the workflows and assets of the project.")
@json_option
@click.pass_obj
def list_assets(invocation: Invocation, out: Output) -> None:
    """List the workflows of the project, its plain Dagster assets, checks, jobs, schedules and sensors, and its models.

    Models, seeds and snapshots are those that dbt found when it last parsed the project. If a file has changed since,
    they are read from its files without dbt, which alone knows what macros compute.

    Modules that do not load are reported on standard error, with exit code 1.
    """
    # Without the validation of all settings, which takes as long as the rest.
    settings = plain_settings(require_project_root()) if invocation.given is None else None
    project = invocation.given or Project(settings.project_name if settings else "", None)
    listing, others = _listed(invocation, settings)
    workflows = sorted(listing.declarations, key=lambda declaration: declaration.asset_key)
    models, wrong = _dbt(invocation, settings, listing.declarations)
    failures = (*listing.failures, *wrong)
    out.json(
        {
            "project": project.name,
            "address": project.address,
            "workflows": [_document(declaration) for declaration in workflows],
            "others": [{"kind": kind, "name": name, "module": module} for kind, name, module in others],
            "dbt": {"is_parsed": models.is_parsed, "nodes": [asdict(node) for node in models.nodes]},
            "failures": [str(failure) for failure in failures],
        }
    )
    if workflows:
        out.table(
            ("asset", "partitions", "cron", "group", "key", "table", "where"),
            [_row(declaration) for declaration in workflows],
            whole=True,
        )
    if others:
        if workflows:
            out.say()
        out.table(("kind", "name", "module"), others, whole=True)
    if models.nodes:
        if workflows or others:
            out.say()
        rows = [(node.kind, node.name, node.group or "", node.file) for node in models.nodes]
        out.table(("kind", "name", "group", "file"), rows, whole=True)
        if not models.is_parsed:
            out.say(
                "dbt has not parsed the project as it is now, so this is what its files show. To let it, type: "
                f"{typed('dbt parse')}"
            )
    if not workflows and not others and not models.nodes:
        out.say("There are no workflows yet.")
        if not project.generated:
            out.say(f"Create one: {invocation.program} create-workflow")
    for failure in failures:
        out.warn(f"not loaded: {failure}")
    if failures:
        raise click.exceptions.Exit(1)


def _listed(invocation: Invocation, settings: PlainSettings | None) -> tuple[Listing, list[tuple[str, str, str]]]:
    """List the project, and import only the modules whose source does not show what they contain."""
    from cascade.framework.listing import Listing, list_modules
    from cascade.legacy.layout import is_legacy_package
    from cascade.plugins import has_plugins

    is_legacy = settings is not None and is_legacy_package(settings.workflows_directory)
    names = None if is_legacy or has_plugins("contributor", "resource") else _module_names(invocation, settings)
    listing = list_modules(names) if names is not None else None
    if listing is not None:
        return listing, _others((listing.collected,), listing.declarations)
    from cascade.framework.contributors import plugin_contributions

    collected, failures = invocation.loaded
    plugins = plugin_contributions(invocation.contents.project(invocation.config), (collected,))
    declarations = tuple(workflow.declaration for workflow in collected.workflows)
    listing = Listing(declarations, collected, (*failures, *plugins.plugin_failures))
    return listing, _others((collected, *plugins.contributions), declarations)


def _dbt(
    invocation: Invocation, settings: PlainSettings | None, declarations: Sequence[IngestionDeclaration]
) -> tuple[DbtListing, tuple[CascadeError, ...]]:
    """List the nodes of the dbt project, under Cascade's names if the user's translator does not load."""
    from cascade.config.dbt_directory import dbt_directory
    from cascade.dbt.layout import PROJECT_FILE
    from cascade.dbt.listing import DbtListing, list_nodes
    from cascade.dbt.translated import Translated
    from cascade.exceptions import CascadeError

    # Most projects are spared the validation of all settings.
    if settings is not None:
        directory = dbt_directory(settings.project_root, settings.dbt_project_dir)
        if not (directory / PROJECT_FILE).is_file():
            return DbtListing(), ()
    if invocation.config.dbt_translator is not None:
        tables = {declaration.table_ref.identifier: declaration.asset_key for declaration in declarations}
        try:
            return list_nodes(invocation.config, Translated(invocation.config, tables)), ()
        except CascadeError as error:
            return list_nodes(invocation.config), (error,)
    return list_nodes(invocation.config), ()


def _module_names(invocation: Invocation, settings: PlainSettings | None) -> tuple[str, ...] | None:
    """Return the modules of the project, or None if Dagster's loader finds some of them."""
    from cascade.framework.defs_folder import find_defs_folder
    from cascade.framework.modules import project_modules

    if settings is None:
        return invocation.module_names
    folder = find_defs_folder(settings)
    return None if folder is not None and not folder.is_empty else project_modules(None, settings)


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


def _others(
    contributions: Sequence[Contribution], declarations: Sequence[IngestionDeclaration]
) -> list[tuple[str, str, str]]:
    """List the kind, name and home of the Dagster definitions other than workflows."""
    found: list[tuple[str, str, str]] = []
    # The project's `Definitions` may contain the asset of a workflow, or objects that are also at module level.
    known = {("asset", "/".join(declaration.asset_key)) for declaration in declarations}
    for contribution in contributions:
        for kind, name, value in named_definitions(contribution):
            found.append((kind, name, contribution.home(value) or ""))
            known.add((kind, name))
        if isinstance(contribution, Collected):
            found += [("check", name, contribution.home(value) or "") for name, value in declared_checks(contribution)]
    for contribution in contributions:
        for definitions in contribution.definitions:
            home = contribution.home(definitions) or ""
            held = [(kind, name) for kind, name, _ in named_definitions(definitions)]
            found.extend((*thing, home) for thing in held if thing not in known)
            known.update(held)
            if not held:
                found.append(("definitions", "", home))
    return found
