"""Contribute the asset of each `@cascade_ingestion` to a project."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cascade.contributor import Contribution, Contributor, LoadedProject, Problem, problems_of
from cascade.exceptions import CascadeError
from cascade.ingestion.decorator import IngestionWorkflow

if TYPE_CHECKING:
    import dagster as dg


class IngestionContributor(Contributor):
    """Contributes the assets of ingestion workflows."""

    def contribute(self, project: LoadedProject) -> Contribution:
        """Build the asset of each workflow, with the checks that the project declares for its table.

        A workflow whose asset cannot be built is reported as a failure, and an asset that fails stands in for it.
        """
        from cascade.ingestion.asset import build_asset
        from cascade.ingestion.broken import broken_ingestion
        from cascade.partitions import default_partition_start
        from cascade.quality.contributor import distinct_checks

        assets: list[dg.AssetsDefinition] = []
        failures: list[CascadeError] = []
        by_table = distinct_checks(project).by_table
        with default_partition_start(project.config.partition_start):
            for workflow in _workflows(project):
                checks = by_table.get(workflow.declaration.table, [])
                try:
                    # The workflow's own asset stays as it is: another project may have other checks of its table.
                    assets.append(build_asset(workflow.declaration, checks) if checks else workflow.asset)
                except Exception as error:
                    failures.append(_failure(workflow, error))
                    assets.append(broken_ingestion(workflow.declaration, failures[-1]))
        return Contribution(assets=tuple(assets), failures=tuple(failures))

    def problems(self, project: LoadedProject) -> Iterator[Problem]:
        """Check the parameters of each workflow, and convert its schema, with its key, to columns."""
        from cascade.ingestion.dispositions import check_partition_column, table_schema
        from cascade.schemas import declared_schema

        for workflow in _workflows(project):
            declaration = workflow.declaration
            unclear = declaration.unclear_parameters()
            if unclear:
                yield from problems_of(declaration.error(*unclear))
            try:
                table_schema(declaration)
                check_partition_column(declaration, declared_schema(declaration.validation_schema))
            except CascadeError as error:
                yield from problems_of(error, declaration.location)


def _workflows(project: LoadedProject) -> Iterator[IngestionWorkflow[..., object]]:
    return (workflow for workflow in project.workflows if isinstance(workflow, IngestionWorkflow))


def _failure(workflow: IngestionWorkflow[..., object], error: Exception) -> CascadeError:
    """Return the error of a workflow whose asset cannot be built, such as one with an owner that Dagster refuses."""
    if isinstance(error, CascadeError):
        error.location = error.location or workflow.declaration.location
        return error
    failure = workflow.declaration.error(str(error))
    failure.__cause__ = error
    return failure
