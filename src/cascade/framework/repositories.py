"""Dagster's repositories, the older form of `Definitions`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import dagster as dg


def definitions_of(made: dg.Definitions | dg.RepositoryDefinition) -> dg.Definitions:
    """Return the `Definitions` with everything in a repository.

    Args:
        made: a repository, such as `@repository` or `create_repository_using_definitions_args` makes. `Definitions` are
            returned as they are.
    """
    import dagster as dg

    if not isinstance(made, dg.RepositoryDefinition):
        return made
    automations: list[Any] = [*made.schedule_defs, *made.sensor_defs]
    targets = [target for one in automations for target in (one.targets if hasattr(one, "targets") else [one.target])]
    # Dagster creates these again.
    implicit = {*made.get_implicit_asset_job_names(), *(one.job_name for one in targets if one.has_job_def)}
    assets: list[Any] = [*made.assets_defs_by_key.values(), *made.source_assets_by_key.values()]
    return dg.Definitions(
        # An asset with several keys is listed at each of them.
        assets=list({id(asset): asset for asset in assets}.values()),
        asset_checks=list({id(checks): checks for checks in made.asset_checks_defs_by_key.values()}.values()),
        jobs=[job for job in made.get_all_jobs() if job.name not in implicit],
        schedules=made.schedule_defs,
        sensors=made.sensor_defs,
        # Its resources are bound to all of these already, and Dagster refuses to bind a key again.
    )
