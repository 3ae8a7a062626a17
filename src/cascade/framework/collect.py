"""Collect the workflows and the Dagster definitions in the modules of a project."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from cascade.contributor import Contribution

if TYPE_CHECKING:
    import dagster as dg

    from cascade.declarations import DecoratedFunction, TableChecks
    from cascade.ingestion import IngestionWorkflow


@dataclass(frozen=True)
class Collected(Contribution):
    """Everything that was found, each object once, in the order of the modules.

    Args:
        workflows: the functions that fill tables.
        quality: the functions that declare checks of tables.
    """

    workflows: tuple[IngestionWorkflow[..., object], ...] = ()
    quality: tuple[DecoratedFunction[TableChecks, ..., object], ...] = ()

    @property
    def decorated(self) -> tuple[DecoratedFunction[Any, ..., object], ...]:
        """The decorated functions of every kind."""
        return (*self.workflows, *self.quality)


def gather(modules: Mapping[str, ModuleType]) -> Collected:
    """Gather the objects at module level, and those in lists and tuples there.

    An object that a module imports from outside the project is left out: depending on another project's workflow does
    not make it part of this project.

    Args:
        modules: loaded modules, by name.

    Returns:
        The objects, each once.
    """
    found: dict[str, Any] = {kind: [] for kind in _KINDS}
    homes: dict[int, str] = {}
    for name, module in modules.items():
        for value in _values(module):
            kind = _kind(value)
            if kind is None or id(value) in homes or is_imported(value, name, modules):
                continue
            homes[id(value)] = name
            found[kind].append(value)
    kinds: dict[str, Any] = {kind: tuple(values) for kind, values in found.items()}
    return Collected(**kinds, homes=homes)


def workflows_in(module: ModuleType) -> list[IngestionWorkflow[..., object]]:
    """List the workflows at the level of one module, including imported ones."""
    values = (value for value in _values(module) if _kind(value) == "workflows")
    return [cast("IngestionWorkflow[..., object]", value) for value in values]


def named_definitions(holder: Contribution | dg.Definitions) -> Iterator[tuple[str, str, Any]]:
    """List Dagster's definitions that a contribution, or a `Definitions`, holds directly.

    Args:
        holder: the contribution or `Definitions`.

    Yields:
        the kind ("asset", "check", "job", "schedule" or "sensor"), the name, and the definition.
    """
    for kind, values in (
        ("asset", holder.assets),
        ("check", holder.asset_checks),
        ("job", holder.jobs),
        ("schedule", holder.schedules),
        ("sensor", holder.sensors),
    ):
        for value in values or ():
            yield from ((kind, name, value) for name in _names(kind, value))


def declared_checks(collected: Collected) -> Iterator[tuple[str, object]]:
    """List the checks that `@cascade_quality` and `@cascade_check` declare.

    Args:
        collected: what a project's modules contain.

    Yields:
        the name, such as `flights:plausible__not_null_id`, and the decorated function.
    """
    for function in collected.quality:
        declaration = function.declaration
        for name in declaration.check_names:
            yield f"{'/'.join(declaration.asset_key)}:{name}", function


def _names(kind: str, value: Any) -> list[str]:
    if kind == "asset":
        keys = value.keys if hasattr(value, "keys") else [value.key]
        return sorted(key.to_user_string() for key in keys)
    if kind == "check":
        return sorted(f"{key.asset_key.to_user_string()}:{key.name}" for key in value.check_keys)
    return [str(value.name)]


def _values(module: ModuleType) -> Iterable[object]:
    for value in list(vars(module).values()):
        # Exactly these types: several of Dagster's own are tuples that raise when they are iterated.
        if type(value) in (list, tuple):
            yield from cast("list[object]", value)
        else:
            yield value


_KINDS = ("workflows", "quality", "assets", "asset_checks", "jobs", "schedules", "sensors", "definitions")


def _kind(value: object) -> str | None:
    from cascade.declarations import DecoratedFunction, TableChecks

    # Not `__class__`, which would load the object behind a proxy.
    cls = type(value)
    if issubclass(cls, DecoratedFunction):
        return "quality" if isinstance(vars(value)["declaration"], TableChecks) else "workflows"
    if issubclass(cls, type) or not any(base.__module__.startswith("dagster") for base in cls.__mro__):
        # This is not a Dagster object, so Dagster does not have to be imported.
        return None
    if cls.__name__ in _UNEXPORTED:
        return _UNEXPORTED[cls.__name__]
    return next((kind for types, kind in _dagster_kinds() if issubclass(cls, types)), None)


# `define_asset_job`, `build_schedule_from_partitioned_job` and `@definitions` return types without a public name.
_UNEXPORTED = {
    "UnresolvedAssetJobDefinition": "jobs",
    "UnresolvedPartitionedAssetScheduleDefinition": "schedules",
    "LazyDefinitions": "definitions",
}


def _dagster_kinds() -> tuple[tuple[tuple[type, ...], str], ...]:
    import dagster as dg

    return (
        # This must come first, because it is a subclass of AssetsDefinition.
        ((dg.AssetChecksDefinition,), "asset_checks"),
        ((dg.AssetsDefinition, dg.AssetSpec, dg.SourceAsset), "assets"),
        ((dg.JobDefinition,), "jobs"),
        ((dg.ScheduleDefinition,), "schedules"),
        ((dg.SensorDefinition,), "sensors"),
        ((dg.Definitions, dg.RepositoryDefinition), "definitions"),
    )


def is_imported(value: object, name: str, modules: Iterable[str] = ()) -> bool:
    """Return whether a module imported an object from a module that is not among `modules`."""
    home = _module_of(value)
    if home is None or home == name or home in modules:
        return False
    origin = sys.modules.get(home)
    # The function inside a factory's product belongs to the factory's module, but the product is not found there.
    return origin is not None and any(other is value for other in _values(origin))


def _module_of(value: object) -> str | None:
    declaration = getattr(value, "declaration", None)
    function = getattr(declaration, "function", None)
    if function is None:
        op = getattr(value, "_node_def", None) or getattr(value, "node_def", None)
        compute = getattr(op, "compute_fn", None)
        function = getattr(compute, "decorated_fn", compute)
    module = getattr(function, "__module__", None)
    return module if isinstance(module, str) else None
