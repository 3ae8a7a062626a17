"""Give the workflows' own keys to what names assets as before version 1.0: `dlt_<table>`, which is now `<table>`.

Without this, a check or an asset of an old project would refer to an asset that does not exist, and never run.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cascade.framework.collect import Collected
from cascade.legacy.project import LegacyProjectWarning

if TYPE_CHECKING:
    import dagster as dg

OLD_PREFIX = "dlt_"


def with_new_keys(collected: Collected) -> Collected:
    """Replace the old keys of workflows in Dagster's assets and checks.

    Args:
        collected: what the modules of an old project contain, with `Definitions` in place of functions.

    Returns:
        The same objects, with new ones in place of those that name an old key.
    """
    import dagster as dg

    keys = {workflow.key for workflow in collected.workflows}
    own = {dg.AssetKey([f"{OLD_PREFIX}{key.path[-1]}"]): key for key in keys if len(key.path) == 1}
    homes = dict(collected.homes)
    for sensors in (collected.sensors, *(each.sensors for each in collected.definitions)):
        for sensor in sensors or ():
            _warn_of_sensor(sensor, own)

    def renewed(value: Any) -> Any:
        made = _renewed(value, own)
        if made is not value:
            homes[id(made)] = homes.get(id(value), "")
        return made

    return replace(
        collected,
        assets=tuple(map(renewed, collected.assets)),
        asset_checks=tuple(map(renewed, collected.asset_checks)),
        definitions=tuple(map(renewed, collected.definitions)),
        homes=homes,
    )


def _renewed(value: Any, keys: Mapping[dg.AssetKey, dg.AssetKey]) -> Any:
    """Return an asset, a check or a `Definitions` with new keys, or the same object if it names no old one."""
    import dagster as dg

    if isinstance(value, dg.AssetsDefinition):
        deps = {key for keys_of in value.asset_deps.values() for key in keys_of}
        named = {*deps, *value.keys_by_input_name.values(), *(key.asset_key for key in value.check_keys)}
        # `with_attributes` returns the base class, also of checks; both have the same computation.
        return value.with_attributes(asset_key_replacements=keys) if named & keys.keys() else value
    if isinstance(value, dg.Definitions):
        assets = _all_renewed(value.assets, keys)
        checks = _all_renewed(value.asset_checks, keys)
        if assets is None and checks is None:
            return value
        return dg.Definitions(
            assets=value.assets if assets is None else assets,
            asset_checks=value.asset_checks if checks is None else checks,
            jobs=value.jobs,
            schedules=value.schedules,
            sensors=value.sensors,
            resources=value.resources,
            executor=value.executor,
            loggers=value.loggers,
            metadata=value.metadata,
        )
    return value


def _all_renewed(values: Iterable[Any] | None, keys: Mapping[dg.AssetKey, dg.AssetKey]) -> list[Any] | None:
    """Return the values with new keys, or None if none of them names an old one."""
    before = list(values or ())
    after = [_renewed(value, keys) for value in before]
    return after if any(one is not other for one, other in zip(before, after, strict=True)) else None


def _warn_of_sensor(sensor: Any, keys: Mapping[dg.AssetKey, dg.AssetKey]) -> None:
    """Warn of a sensor that waits for an asset under its old key, which Dagster cannot replace."""
    import dagster as dg

    if isinstance(sensor, dg.AssetSensorDefinition) and sensor.asset_key in keys:
        old, new = sensor.asset_key.to_user_string(), keys[sensor.asset_key].to_user_string()
        warnings.warn(
            f'The sensor {sensor.name} waits for the asset "{old}", which is "{new}" since version 1.0. '
            f'It never runs until you change its key to AssetKey(["{new}"]).',
            LegacyProjectWarning,
            stacklevel=2,
        )
