"""A project as Dagster's `Definitions`: what a workspace file, the code server and the command line load.

Dagster's own commands find a project without Pants by this module, in its directory:

    dagster asset materialize -m cascade.framework.definitions --select weather_observations --partition 2024-01-15
    dagster dev -w workspace.yaml   # load_from: [{python_module: {module_name: cascade.framework.definitions, …}}]
    dg dev                          # [tool.dg.project] code_location_target_module = "cascade.framework.definitions"

`defs` is made when it is first asked for, so that importing this module costs nothing and reads nothing. It is a
`Definitions` and not a function with `@definitions`, so that a project's own code can merge it.

Those commands write into the same tables as Cascade's own, and keep their runs where `DAGSTER_HOME` says. To see them
in `cascade dev`, and its runs in them, name the home of both, which `cascade dev` makes when it first starts:

    export DAGSTER_HOME="$PWD/.cascade/dagster"
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cascade.exceptions import CascadeError, DiscoveryError
from cascade.framework.collect import Collected
from cascade.framework.contents import load_contents
from cascade.framework.cycles import refuse_cycles
from cascade.framework.loading import LoadedModules
from cascade.framework.resources import build_resources
from cascade.framework.shared_keys import refuse_shared_checks, refuse_shared_keys

if TYPE_CHECKING:
    import dagster as dg

    from cascade.config import CascadeConfig
    from cascade.ingestion import IngestionWorkflow

    defs: dg.Definitions

__all__ = ["assemble", "build_definitions", "defs"]

KEEP_GOING_VARIABLE = "CASCADE_KEEP_GOING"
"""Set by `dev`: a module that fails to import is shown and does not hide the others."""

_FIRST_ON_PATH = sys.path[0] if sys.path else ""
"""While it imports this module, Dagster puts the code location's `working_directory` there."""

SENSOR_NAME = "cascade_automation"

_SLOW_SECONDS = 10
"""How long a module may take to import before a word is said. On a cold disk Dagster and dlt alone take a few."""


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
    keep_going = bool(os.environ.get(KEEP_GOING_VARIABLE))
    with _once():
        contents = load_contents(modules, config, keep_going=keep_going)
    if contents.failures and not keep_going:
        raise combined(contents.failures)
    if keep_going:
        _warn(contents.modules, contents.failures)
    return assemble(contents.collected, config, failures=contents.failures)


_building: ContextVar[bool] = ContextVar("cascade_building", default=False)


@contextmanager
def _once() -> Iterator[None]:
    """A module of the project that builds the project's definitions would load itself, without end."""
    if _building.get():
        raise DiscoveryError(
            "The definitions of the project are asked for by one of the modules that they are made of.",
            hint="Move what calls build_definitions out of the directory of the workflows.",
        )
    token = _building.set(True)
    try:
        yield
    finally:
        _building.reset(token)


def _warn(modules: LoadedModules, failures: Sequence[CascadeError]) -> None:
    # The code server's standard error is what a person who edits a workflow has before the eyes.
    for failure in failures:
        print(f"warning: not loaded: {failure}", file=sys.stderr, flush=True)
    for name, seconds in modules.seconds.items():
        if seconds >= _SLOW_SECONDS:
            print(
                f"warning: {name} takes {seconds:.0f} s to import, at every reload and every run. What it does belongs "
                "into the function of the workflow.",
                file=sys.stderr,
                flush=True,
            )


def combined(failures: Sequence[CascadeError]) -> CascadeError:
    """Makes one error of several, so that a person sees them all at once."""
    if len(failures) == 1:
        return failures[0]
    return DiscoveryError("\n".join([f"{len(failures)} modules could not be loaded:", *map(str, failures)]))


def assemble(collected: Collected, config: CascadeConfig, failures: Sequence[CascadeError] = ()) -> dg.Definitions:
    """Makes definitions of what was collected.

    Args:
        collected: the objects of the project's modules, the functions of `@definitions` resolved.
        config: the settings.
        failures: the modules that did not load, for the metadata of the code location.

    Returns:
        Dagster's definitions.

    Raises:
        DeclarationError: Dagster refuses the asset of a workflow, two assets have one key, or some need each other.
        DiscoveryError: two checks of an asset have one name.
    """
    import dagster as dg

    from cascade.partitions import default_partition_start

    with default_partition_start(config.partition_start):
        assets = [_asset(workflow) for workflow in collected.workflows]
    others = collected.definitions
    refuse_shared_keys(collected, assets)
    refuse_shared_checks(collected)
    refuse_cycles(collected, assets)
    sensors = [*collected.sensors, *_automation_sensor(collected, config)]
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


def _asset(workflow: IngestionWorkflow[..., object]) -> dg.AssetsDefinition:
    import dagster as dg

    try:
        return workflow.asset
    except dg.DagsterError as error:
        raise workflow.declaration.error(str(error)) from error


def _executor(config: CascadeConfig) -> dg.ExecutorDefinition:
    import dagster as dg

    return dg.in_process_executor if config.executor == "in_process" else dg.multiprocess_executor


def _automation_sensor(collected: Collected, config: CascadeConfig) -> list[dg.AutomationConditionSensorDefinition]:
    import dagster as dg

    theirs = [
        sensor
        for sensor, _ in collected.with_homes("sensors")
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


def _failure_metadata(failures: Sequence[CascadeError]) -> dict[str, Any]:
    import dagster as dg

    if not failures:
        return {}
    return {"cascade/not_loaded": dg.MetadataValue.md("\n\n".join(f"```\n{failure}\n```" for failure in failures))}


def __getattr__(name: str) -> Any:
    if name == "defs":
        _enter_project()
        # A class of our own would not be found by Dagster, which looks for this very type.
        globals()["defs"] = build_definitions()
        return globals()["defs"]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _enter_project() -> None:
    """A workspace may name a project by a `working_directory` that is not the one in which Dagster was started."""
    from cascade.config.root import ROOT_VARIABLE, find_project_root, has_cascade_table

    directory = Path(_FIRST_ON_PATH).absolute()
    if ROOT_VARIABLE in os.environ or not has_cascade_table(directory / "pyproject.toml"):
        return
    if find_project_root() != directory:
        # For everything in this process that asks for the project, and for the runs that it starts.
        os.environ[ROOT_VARIABLE] = str(directory)


def __dir__() -> list[str]:
    return sorted([*globals(), "defs"])
