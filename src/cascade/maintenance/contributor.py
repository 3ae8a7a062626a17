"""Contribute the daily job that maintains the tables of a project."""

from __future__ import annotations

from cascade.contributor import Contribution, Contributor, LoadedProject
from cascade.declarations import IngestionDeclaration


class MaintenanceContributor(Contributor):
    """Contributes a job and its schedule to a project that fills tables."""

    def contribute(self, project: LoadedProject) -> Contribution:
        """Build the job, with a schedule that runs from the first start where automation is on."""
        declared = (getattr(workflow, "declaration", None) for workflow in project.workflows)
        declarations = [each for each in declared if isinstance(each, IngestionDeclaration)]
        if not declarations:
            return Contribution()
        from cascade.maintenance.job import maintenance_job, maintenance_schedule
        from cascade.maintenance.project_tables import tasks_of

        job = maintenance_job(tasks_of(declarations, project.config.orphan_age_hours))
        schedule = maintenance_schedule(job, running=project.config.automation)
        return Contribution(jobs=(job,), schedules=(schedule,))
