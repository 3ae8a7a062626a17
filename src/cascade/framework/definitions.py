"""A project as Dagster's `Definitions`: what a workspace file, the code server and the command line load.

`defs` is made when it is first asked for, so that `code_location_target_module` and `workspace.yaml` can name this
module in a project without Pants.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from cascade.exceptions import CascadeError, DeclarationError, DiscoveryError
from cascade.framework.collect import Collected, collect
from cascade.framework.discovery import load_modules, project_modules
from cascade.framework.resources import build_resources

if TYPE_CHECKING:
    import dagster as dg

    from cascade.config import CascadeConfig

    defs: dg.Definitions

__all__ = ["assemble", "build_definitions", "defs"]

KEEP_GOING_VARIABLE = "CASCADE_KEEP_GOING"
"""Set by `dev`: a module that fails to import is shown and does not hide the others."""

SENSOR_NAME = "cascade_automation"


def build_definitions(modules: Iterable[str] | None = None, config: CascadeConfig | None = None) -> dg.Definitions:
    """Builds the definitions of a project.

    Args:
        modules: names of the modules to load; those under the configured `workflows_path` if absent.
        config: the settings; read from their sources if absent.

    Returns:
        Definitions with every workflow's asset, Dagster's own assets, checks, jobs, schedules and sensors beside them,
        the resources of `build_resources`, and an automation sensor whose default follows the setting `automation`.

    Raises:
        DiscoveryError: a module does not import. Where `CASCADE_KEEP_GOING` is set, as in `dev`, it is a warning and
            stands in the metadata of the code location.
        DeclarationError: a decorator is wrong, or two workflows declare the same table.
    """
    if config is None:
        from cascade.config import CascadeConfig

        config = CascadeConfig.from_user_config()
    loaded = load_modules(project_modules(modules, config))
    if loaded.failures and not os.environ.get(KEEP_GOING_VARIABLE):
        raise combined(loaded.failures)
    for failure in loaded.failures:
        # The code server's standard error is what a person who edits a workflow has before the eyes.
        print(f"warning: not loaded: {failure}", file=sys.stderr, flush=True)
    return assemble(collect(loaded.modules), config, failures=loaded.failures)


def combined(failures: Sequence[CascadeError]) -> CascadeError:
    """Makes one error of several, so that a person sees them all at once."""
    if len(failures) == 1:
        return failures[0]
    return DiscoveryError("\n".join([f"{len(failures)} modules could not be loaded:", *map(str, failures)]))


def assemble(collected: Collected, config: CascadeConfig, failures: Sequence[CascadeError] = ()) -> dg.Definitions:
    """Makes definitions of what was collected.

    Args:
        collected: the objects of the project's modules.
        config: the settings.
        failures: the modules that did not load, for the metadata of the code location.

    Returns:
        Dagster's definitions.
    """
    import dagster as dg

    from cascade.partitions import default_partition_start

    with default_partition_start(config.partition_start):
        assets = [workflow.asset for workflow in collected.workflows]
    others = [_resolved(definitions) for definitions in collected.definitions]
    _refuse_shared_keys(collected, assets)
    sensors = [*collected.sensors, *_automation_sensor(collected, others, config)]
    ours = dg.Definitions(
        assets=[*assets, *collected.assets],
        asset_checks=list(collected.asset_checks),
        jobs=list(collected.jobs),
        schedules=list(collected.schedules),
        sensors=sensors,
        resources=build_resources(config),
        executor=_executor(config) if not any(other.executor for other in others) else None,
        metadata=_failure_metadata(failures),
    )
    return dg.Definitions.merge(ours, *others) if others else ours


def _resolved(definitions: Any) -> dg.Definitions:
    import dagster as dg

    # `@dg.definitions` gives a function that makes them.
    return definitions if isinstance(definitions, dg.Definitions) else definitions()


def _executor(config: CascadeConfig) -> dg.ExecutorDefinition:
    import dagster as dg

    return dg.in_process_executor if config.executor == "in_process" else dg.multiprocess_executor


def _automation_sensor(
    collected: Collected, others: Sequence[dg.Definitions], config: CascadeConfig
) -> list[dg.AutomationConditionSensorDefinition]:
    import dagster as dg

    theirs = [
        sensor
        for sensor in (*collected.sensors, *(sensor for other in others for sensor in other.sensors or ()))
        if isinstance(sensor, dg.AutomationConditionSensorDefinition)
    ]
    target: dg.AssetSelection = dg.AssetSelection.all() | dg.AssetSelection.all_asset_checks()
    for sensor in theirs:
        # What a project's own sensor watches must not tick twice.
        target = target - sensor.asset_selection
    status = dg.DefaultSensorStatus.RUNNING if config.automation else dg.DefaultSensorStatus.STOPPED
    return [
        dg.AutomationConditionSensorDefinition(
            SENSOR_NAME,
            target=target,
            default_status=status,
            description="Runs what the automation conditions and `cron` of the assets ask for.",
        )
    ]


def _refuse_shared_keys(collected: Collected, assets: Sequence[dg.AssetsDefinition]) -> None:
    """A key of a workflow that an asset of Dagster's has as well is an error of one of two people: name both places."""
    import dagster as dg

    places: dict[dg.AssetKey, str] = {}
    for asset in collected.assets:
        keys = asset.keys if isinstance(asset, dg.AssetsDefinition) else [asset.key]
        places.update({key: collected.home(asset) or "another module" for key in keys})
    for workflow, asset in zip(collected.workflows, assets, strict=True):
        if asset.key in places:
            declaration = workflow.declaration
            problem = (
                f"the table {declaration.table} has the asset key {asset.key.to_user_string()}, which an asset in "
                f"{places[asset.key]} has as well. Rename one of the two."
            )
            raise DeclarationError("cascade_ingestion", (problem,), location=declaration.location)


def _failure_metadata(failures: Sequence[CascadeError]) -> dict[str, Any]:
    import dagster as dg

    if not failures:
        return {}
    return {"cascade/not_loaded": dg.MetadataValue.md("\n\n".join(f"```\n{failure}\n```" for failure in failures))}


def __getattr__(name: str) -> Any:
    if name == "defs":
        # A class of our own would not be found by Dagster, which looks for this very type.
        globals()["defs"] = build_definitions()
        return globals()["defs"]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), "defs"])
