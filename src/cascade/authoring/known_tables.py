"""The tables that a project's workflows declare: whether a new one may have a name, and what a check reads."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cascade.exceptions import CascadeError, UsageError
from cascade.framework.declared_names import declared_names, module_files
from cascade.scaffold.table import DeclaredTable, TableColumn

if TYPE_CHECKING:
    from cascade.framework.collect import Collected
    from cascade.ingestion import IngestionWorkflow

_NAMESPACE = "raw"
"""The namespace of a workflow that names none."""

_KINDS = {
    **dict.fromkeys(("int", "long", "float", "double"), "number"),
    "string": "text",
    "date": "day",
    "timestamp": "instant",
    "timestamptz": "instant",
}


def taken_tables(workflows_directory: Path, outside: Path) -> dict[str, str]:
    """Find the tables that workflows declare, in their source: nothing of the user's runs.

    Args:
        workflows_directory: of the project.
        outside: a file that does not count, because it is about to be written.

    Returns:
        For each table, such as `raw.weather_observations`, the module that declares it.
    """
    if not workflows_directory.is_dir():
        return {}
    files = {name: path for name, path in module_files(workflows_directory).items() if path != outside}
    return {declared.table: declared.module for declared in declared_names(files) if declared.table}


def check_table(table: str, taken: Mapping[str, str]) -> tuple[str, ...]:
    """Say why a new workflow cannot fill a table.

    Args:
        table: its name, without namespace.
        taken: what `taken_tables` gave.

    Returns:
        One sentence, or nothing.
    """
    full = f"{_NAMESPACE}.{table}"
    if full not in taken:
        return ()
    return (
        f"The table {full} is declared already, in {taken[full]}, and each would replace the rows of the other. "
        f"Use another, {free_table(table, taken)!r} for instance.",
    )


def free_table(table: str, taken: Mapping[str, str]) -> str:
    """Give the name of a table that no workflow fills: this one if it is free, or one near to it.

    Args:
        table: its name, without namespace.
        taken: what `taken_tables` gave.
    """
    if f"{_NAMESPACE}.{table}" not in taken:
        return table
    subject, _, rest = table.rpartition("_")
    daily = f"{subject}_daily_{rest}" if subject else f"daily_{rest}"
    chosen, number = daily, 2
    while f"{_NAMESPACE}.{chosen}" in taken:
        chosen, number = f"{daily}_{number}", number + 1
    return chosen


def workflow_of(domain: str, collected: Collected) -> IngestionWorkflow[..., object] | None:
    """Find the workflow that a check or a model of a domain is about.

    Args:
        domain: the subject.
        collected: what the project's modules hold.

    Returns:
        The workflow of the table `raw.<domain>_observations`, else the only one of the domain; None if there is none
        or more than one.
    """
    of_domain = []
    for workflow in collected.workflows:
        if workflow.declaration.table == f"{_NAMESPACE}.{domain}_observations":
            return workflow
        module = collected.home(workflow) or ""
        if domain in module.split(".") or workflow.declaration.group == domain:
            of_domain.append(workflow)
    return of_domain[0] if len(of_domain) == 1 else None


def no_table(table: str, create: str, collected: Collected, failures: tuple[CascadeError, ...]) -> UsageError:
    """Make the error for a check or a model without a table.

    Args:
        table: the table that was asked for or guessed.
        create: the command that makes a workflow for it.
        collected: what the project's modules hold.
        failures: the modules that did not load, where it may be.
    """
    from cascade.framework.project import unknown_name

    known = sorted(workflow.declaration.table for workflow in collected.workflows)
    short = [name.removeprefix(f"{_NAMESPACE}.") for name in known]
    message = unknown_name("table", table, [*known, *short], failures, "").message
    hint = f"Make it: {create}"
    if known:
        hint += "\nOr name another with --table: " + ", ".join(known)
    return UsageError(message, hint=hint)


def describe_table(workflow: IngestionWorkflow[..., object], collected: Collected) -> DeclaredTable:
    """Say of a workflow's table what the templates must know.

    Args:
        workflow: the workflow.
        collected: what the project's modules hold.

    Raises:
        SchemaError: the schema of its rows cannot become a table's.
    """
    from cascade.schemas import to_iceberg_schema

    declaration = workflow.declaration
    schema = to_iceberg_schema(declaration.validation_schema, declaration.unique_key)
    module = collected.home(workflow)
    held = vars(sys.modules[module]) if module in sys.modules else {}
    attribute = next((name for name, value in held.items() if value is workflow), None)
    return DeclaredTable(
        namespace=declaration.namespace,
        name=declaration.table_name,
        asset_key=declaration.asset_key,
        unique_key=declaration.unique_key,
        columns=tuple(
            TableColumn(
                field.name, _kind(str(field.field_type)), field.required, str(field.field_type) == "timestamptz"
            )
            for field in schema.fields
        ),
        # The product of a factory may stand in a list, without a name of its own.
        module=module if attribute else None,
        attribute=attribute,
    )


def _kind(iceberg_type: str) -> str:
    return _KINDS.get(iceberg_type, "number" if re.match(r"decimal\(", iceberg_type) else "other")
