"""Assemble what all parts of a project contribute into one Dagster `Definitions`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cascade.config.secrets import mask_secrets
from cascade.contributor import Contribution, LoadedProject
from cascade.exceptions import CascadeError
from cascade.framework.broken import BrokenAsset, stand_ins
from cascade.framework.collect import Collected, named_definitions
from cascade.framework.conflicts import find_conflicts
from cascade.framework.contributors import Contributed, contribute
from cascade.framework.resources import build_resources

if TYPE_CHECKING:
    import dagster as dg

    from cascade.config import CascadeConfig

SENSOR_NAME = "cascade_automation"


def contribute_what_loads(collected: Collected, project: LoadedProject) -> Contributed:
    """Ask every contributor what it adds to a project, and leave out each plugin whose definitions are refused.

    An asset of a plugin that requires a resource which does not exist, for example, would break the whole project.

    Args:
        collected: what the project's modules contain.
        project: the project.
    """
    contributed = contribute(collected, project)
    if not contributed.plugins or _refusal(contributed, project.config) is None:
        return contributed
    left_out = {plugin: plugin.error("is left out") for plugin in contributed.plugins}
    if _refusal(contribute(collected, project, left_out=left_out), project.config) is not None:
        # The project itself is wrong, whatever its plugins add.
        return contributed
    for plugin in contributed.plugins:
        del left_out[plugin]
        why = _refusal(contribute(collected, project, left_out=left_out), project.config)
        if why is not None:
            left_out[plugin] = plugin.error(f"is left out, because its definitions are refused: {why.rstrip('.')}")
    return contribute(collected, project, left_out=left_out)


def with_stand_ins(contributed: Contributed, broken: tuple[BrokenAsset, ...], project: LoadedProject) -> Contributed:
    """Add an asset that fails for each asset whose module did not load.

    Args:
        contributed: what loaded.
        broken: the assets of the modules that did not load.
        project: the project.

    Returns:
        What loaded, with the stand-ins as far as Dagster accepts them: their dependencies may form a cycle.
    """
    from cascade.partitions import default_partition_start

    taken: set[str] = set()
    for contribution in contributed.contributions:
        taken.update(name for kind, name, _ in named_definitions(contribution) if kind == "asset")
        for definitions in contribution.definitions:
            taken.update(name for kind, name, _ in named_definitions(definitions) if kind == "asset")
    with default_partition_start(project.config.partition_start):
        for linked in (True, False):
            found = stand_ins(broken, project.modules, linked=linked)
            added = Contribution(assets=tuple(found[key] for key in found if "/".join(key) not in taken))
            completed = replace(contributed, contributions=(*contributed.contributions, added))
            if _refusal(completed, project.config) is None:
                return completed
    return contributed


def _refusal(contributed: Contributed, config: CascadeConfig) -> str | None:
    """Return why Cascade or Dagster refuses the definitions, or None if they load."""
    import dagster as dg

    try:
        dg.Definitions.validate_loadable(assemble(contributed, config))
    except Exception as error:
        return mask_secrets(f"{error}: {error.__cause__}" if error.__cause__ else str(error))
    return None


def assemble(contributed: Contributed, config: CascadeConfig, failures: Sequence[CascadeError] = ()) -> dg.Definitions:
    """Merge what was contributed into one `Definitions`.

    Args:
        contributed: what Cascade's packages, the project's modules and the plugins add.
        config: the settings.
        failures: errors of parts that did not load, for the metadata of the code location.

    Returns:
        Dagster's definitions.

    Raises:
        DeclarationError: a workflow has the asset key of another asset, or depends on itself.
        DiscoveryError: two checks of an asset have the same name.
    """
    import dagster as dg

    conflicts = find_conflicts(contributed.workflows, contributed.contributions)
    if conflicts:
        raise conflicts[0]
    if config.log_format == "json":
        from cascade.framework.json_logs import write_json_logs

        write_json_logs()
    contributions = contributed.contributions
    others = [definitions for contribution in contributions for definitions in contribution.definitions]
    ours = dg.Definitions(
        assets=_all("assets", contributions),
        asset_checks=_all("asset_checks", contributions),
        jobs=_all("jobs", contributions),
        schedules=_all("schedules", contributions),
        sensors=[*_all("sensors", contributions), _automation_sensor(contributions, config)],
        resources={
            **{key: value for contribution in contributions for key, value in contribution.resources.items()},
            **build_resources(config),
        },
        executor=_executor(config) if not any(other.executor for other in others) else None,
        metadata=_failure_metadata(failures),
    )
    return dg.Definitions.merge(ours, *others) if others else ours


def _all(kind: str, contributions: Iterable[Contribution]) -> list[Any]:
    return [value for contribution in contributions for value in getattr(contribution, kind)]


def _executor(config: CascadeConfig) -> dg.ExecutorDefinition:
    import dagster as dg

    return dg.in_process_executor if config.executor == "in_process" else dg.multiprocess_executor


def _automation_sensor(
    contributions: Iterable[Contribution], config: CascadeConfig
) -> dg.AutomationConditionSensorDefinition:
    import dagster as dg

    target: dg.AssetSelection = dg.AssetSelection.all() | dg.AssetSelection.all_asset_checks()
    for contribution in contributions:
        for sensor, _ in contribution.with_homes("sensors"):
            if isinstance(sensor, dg.AutomationConditionSensorDefinition):
                # An asset that a sensor of the project watches must not tick twice.
                target = target - sensor.asset_selection
    status = dg.DefaultSensorStatus.RUNNING if config.automation else dg.DefaultSensorStatus.STOPPED
    return dg.AutomationConditionSensorDefinition(
        SENSOR_NAME,
        target=target,
        default_status=status,
        description="Runs each asset when its automation condition or `cron` is due.",
    )


def _failure_metadata(failures: Sequence[CascadeError]) -> dict[str, Any]:
    import dagster as dg

    if not failures:
        return {}
    return {"cascade/not_loaded": dg.MetadataValue.md("\n\n".join(f"```\n{failure}\n```" for failure in failures))}
