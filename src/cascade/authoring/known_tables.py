"""The tables that a project's workflows declare: the names that are taken, and descriptions for checks and models."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cascade.exceptions import CascadeError, UsageError
from cascade.framework.declared_names import declared_names, module_files
from cascade.reader.tables import DEFAULT_NAMESPACE
from cascade.scaffold.table import DeclaredTable, TableColumn

if TYPE_CHECKING:
    from cascade.framework.collect import Collected
    from cascade.ingestion import IngestionWorkflow

_KINDS = {
    **dict.fromkeys(("int", "long", "float", "double"), "number"),
    "string": "text",
    "date": "day",
    "timestamp": "instant",
    "timestamptz": "instant",
}


def taken_tables(workflows_directory: Path, outside: Path) -> dict[str, str]:
    """Return the tables that workflows declare, read from their source without running it.

    Args:
        workflows_directory: the directory of the project's workflows.
        outside: a file to skip, because it is about to be written.

    Returns:
        For each table, such as `raw.weather_observations`, the module that declares it.
    """
    if not workflows_directory.is_dir():
        return {}
    files = {name: path for name, path in module_files(workflows_directory).items() if path != outside}
    return {declared.table: declared.module for declared in declared_names(files) if declared.table}


def workflow_of(domain: str, collected: Collected) -> IngestionWorkflow[..., object] | None:
    """Return the workflow for a check or a model of a domain.

    Args:
        domain: the subject.
        collected: the contents of the project's modules.

    Returns:
        The workflow of the table `raw.<domain>_observations`, else the only workflow of the domain, else None.
    """
    of_domain = []
    for workflow in collected.workflows:
        if workflow.declaration.table == f"{DEFAULT_NAMESPACE}.{domain}_observations":
            return workflow
        module = collected.home(workflow) or ""
        if domain in module.split(".") or workflow.declaration.group == domain:
            of_domain.append(workflow)
    return of_domain[0] if len(of_domain) == 1 else None


def no_table(table: str, create: str, collected: Collected, failures: tuple[CascadeError, ...]) -> UsageError:
    """Return the error for a check or a model whose table no workflow declares.

    Args:
        table: the requested or default table.
        create: the command that creates a workflow for it.
        collected: the contents of the project's modules.
        failures: the errors of modules that did not load, and may declare the table.
    """
    from cascade.framework.project import unknown_name

    known = sorted(workflow.declaration.table for workflow in collected.workflows)
    short = [name.removeprefix(f"{DEFAULT_NAMESPACE}.") for name in known]
    message = unknown_name("table", table, [*known, *short], failures, "").message
    hint = f"Create it: {create}"
    if known:
        hint += "\nOr choose another with --table: " + ", ".join(known)
    return UsageError(message, hint=hint)


def describe_table(workflow: IngestionWorkflow[..., object], collected: Collected) -> DeclaredTable:
    """Describe a workflow's table for the templates.

    Args:
        workflow: the workflow.
        collected: the contents of the project's modules.

    Raises:
        SchemaError: the schema of its rows cannot be converted to Iceberg.
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
        # A workflow from a factory may be in a list, without a name in the module.
        module=module if attribute else None,
        attribute=attribute,
    )


def _kind(iceberg_type: str) -> str:
    return _KINDS.get(iceberg_type, "number" if re.match(r"decimal\(", iceberg_type) else "other")
