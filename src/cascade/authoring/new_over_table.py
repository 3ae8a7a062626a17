"""The files of a new quality check or dbt model, which reads a table that a workflow fills."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cascade.authoring.known_tables import describe_table, no_table, workflow_of
from cascade.authoring.new_files import (
    NewFiles,
    Workplace,
    command_for_tests,
    commands_of,
    new_packages,
    path_in_project,
    with_build_files,
    workflows_place,
)
from cascade.exceptions import UsageError
from cascade.scaffold import (
    QualityRequest,
    TransformRequest,
    quality_packages,
    render_quality,
    render_transform,
)
from cascade.scaffold.project import dbt_name, distribution_name
from cascade.terminal.questions import ask_choice

if TYPE_CHECKING:
    from cascade.framework.collect import Collected
    from cascade.ingestion import IngestionWorkflow


def new_quality(workplace: Workplace, domain: str, table: str | None, *, asking: bool) -> NewFiles:
    """Render a quality check.

    Args:
        workplace: the project.
        domain: the subject of the check.
        table: the table to check, or None to find it by the domain.
        asking: whether the user can be asked for the table.

    Raises:
        UsageError: no workflow declares the table.
        SchemaError: the schema of the table's rows cannot be converted to Iceberg.
    """
    config = workplace.config
    package, directory = workflows_place(config)
    workflow = _workflow(workplace, domain, table, asking=asking)
    request = QualityRequest(
        package=f"{package}.quality",
        directory=f"{directory}/quality",
        domain=domain,
        table=describe_table(workflow, workplace.load()[0]),
        taken=_checks_of(workflow, workplace.load()[0], outside=f"{package}.quality.{domain}"),
    )
    files = {**new_packages(config.project_root, quality_packages(request)), **render_quality(request)}
    return NewFiles(
        with_build_files(config.project_root, files),
        request.table.full_name,
        next_commands=(command_for_tests(workplace, domain), _materialize(workplace, workflow)),
    )


def new_transform(workplace: Workplace, domain: str, table: str | None, *, asking: bool) -> NewFiles:
    """Render a dbt model.

    Args:
        workplace: the project.
        domain: the subject of the model.
        table: the table to select from, or None to find it by the domain.
        asking: whether the user can be asked for the table.

    Raises:
        UsageError: no workflow declares the table, or the dbt project already has a model of that name.
        SchemaError: the schema of the table's rows cannot be converted to Iceberg.
    """
    from cascade.dbt import dbt_is_installed, how_to_install_dbt, read_layout

    config = workplace.config
    workflow = _workflow(workplace, domain, table, asking=asking)
    directory = path_in_project(config, "dbt_project_dir", config.dbt_project_directory)
    layout = read_layout(config.dbt_project_directory)
    described = describe_table(workflow, workplace.load()[0])
    sources = f"{layout.model_directory}/bronze/{domain}_sources.yml"
    request = TransformRequest(
        domain=domain,
        table=described,
        dbt_directory=directory,
        model_directory=layout.model_directory,
        dbt_project=None if layout.exists else dbt_name(distribution_name(config.project_name)),
        source_is_declared=layout.sources.get(described.full_name, sources) != sources,
    )
    model = f"{layout.model_directory}/silver/{request.model}.sql"
    other = layout.models.get(request.model, model)
    if other != model:
        raise UsageError(
            f"The dbt project already has a model {request.model}, in {directory}/{other}.",
            hint="Choose another --domain: it determines the name of the model.",
        )
    installed = (f"dbt is not installed, so its test is skipped. {how_to_install_dbt()}",)
    return NewFiles(
        with_build_files(config.project_root, render_transform(request)),
        described.full_name,
        notices=() if dbt_is_installed() else installed,
        next_commands=(command_for_tests(workplace, domain), commands_of(workplace).validate),
    )


def _workflow(workplace: Workplace, domain: str, table: str | None, *, asking: bool) -> IngestionWorkflow[..., object]:
    """Return the workflow whose table is checked or read."""
    collected, failures = workplace.load()
    found = workplace.find(table) if table is not None else workflow_of(domain, collected)
    if found is None and table is None and asking and collected.workflows:
        tables = {workflow.declaration.table: workflow for workflow in collected.workflows}
        found = tables[ask_choice("Table", dict.fromkeys(tables, ""), next(iter(tables)))]
    if found is None:
        create = f"{workplace.program} create-workflow --type ingestion --domain {domain}"
        if table is not None:
            create += f" --table {table.removeprefix('raw.')}"
        raise no_table(table or f"raw.{domain}_observations", create, collected, failures)
    return found


def _checks_of(workflow: IngestionWorkflow[..., object], collected: Collected, *, outside: str) -> frozenset[str]:
    """Return the names of a table's checks, except those in a module that is about to be written."""
    key = workflow.declaration.asset_key
    plain = (checks for checks, home in collected.with_homes("asset_checks") if home != outside)
    names = {each.name for checks in plain for each in checks.check_keys if tuple(each.asset_key.path) == key}
    declared = (function.declaration for function in collected.quality if collected.home(function) != outside)
    return frozenset(names | {each.name for each in declared if each.asset_key == key})


def _materialize(workplace: Workplace, workflow: IngestionWorkflow[..., object]) -> str:
    from cascade.partitions import default_partition_start, first_key

    with default_partition_start(workplace.config.partition_start):
        partition = first_key(workflow.declaration)
    return commands_of(workplace).materialize("/".join(workflow.declaration.asset_key), partition)
