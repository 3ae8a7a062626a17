"""What the modules of a project hold: workflows, and Dagster's own definitions beside them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, cast

from cascade.exceptions import DeclarationError

if TYPE_CHECKING:
    import dagster as dg

    from cascade.ingestion import IngestionWorkflow


@dataclass(frozen=True)
class Collected:
    """Everything that was found, each object once, in the order of the modules.

    Args:
        workflows: the workflows of `@cascade_ingestion`.
        assets: Dagster's own assets and asset specs.
        asset_checks: Dagster's asset checks.
        jobs: Dagster's jobs.
        schedules: Dagster's schedules.
        sensors: Dagster's sensors.
        definitions: whole `Definitions` objects.
        homes: the module in which each of these was found, by `id`.
    """

    workflows: tuple[IngestionWorkflow[..., object], ...] = ()
    assets: tuple[Any, ...] = ()
    asset_checks: tuple[Any, ...] = ()
    jobs: tuple[Any, ...] = ()
    schedules: tuple[Any, ...] = ()
    sensors: tuple[Any, ...] = ()
    definitions: tuple[dg.Definitions, ...] = ()
    homes: Mapping[int, str] = field(default_factory=dict)

    def home(self, value: object) -> str | None:
        """Names the module in which an object was found."""
        return self.homes.get(id(value))

    def with_homes(self, kind: Literal["assets", "asset_checks", "sensors"]) -> Iterator[tuple[Any, str]]:
        """Gives what Dagster's own definitions of a kind are, those within whole `Definitions` included.

        Args:
            kind: what to list. The assets of workflows are not among them.

        Yields:
            each object with the module in which it, or the `Definitions` that hold it, was found. An object that stands
            in both comes twice.
        """
        for value in getattr(self, kind):
            yield value, self.home(value) or "another module"
        for definitions in self.definitions:
            home = self.home(definitions) or "another module"
            yield from ((value, home) for value in getattr(definitions, kind) or ())


def gather(modules: Mapping[str, ModuleType]) -> Collected:
    """Gathers what stands at module level, also in lists and tuples there.

    What a module merely imports from one that is not of the project stays out: a dependency on another project's
    workflow does not make it part of this one.

    Args:
        modules: loaded modules, by name.

    Returns:
        The objects, each once.
    """
    found: dict[str, list[Any]] = {kind: [] for kind in _KINDS}
    homes: dict[int, str] = {}
    for name, module in modules.items():
        for value in _values(module):
            kind = _kind(value)
            if kind is None or id(value) in homes or is_imported(value, name, modules):
                continue
            homes[id(value)] = name
            found[kind].append(value)
    return Collected(**{kind: tuple(values) for kind, values in found.items()}, homes=homes)


def duplicate_tables(workflows: Iterable[IngestionWorkflow[..., object]]) -> list[DeclarationError]:
    """Gives one error for each workflow whose table an earlier one has declared already."""
    first: dict[tuple[str, str], IngestionWorkflow[..., object]] = {}
    errors = []
    for workflow in workflows:
        declaration = workflow.declaration
        other = first.setdefault(declaration.identifier, workflow).declaration
        if other is not declaration:
            problem = f"the table {declaration.table} is declared already, at {other.location}. Rename one of the two."
            errors.append(declaration.error(problem))
    return errors


def workflows_in(module: ModuleType) -> list[IngestionWorkflow[..., object]]:
    """Lists the workflows at the level of one module, wherever they were made."""
    values = (value for value in _values(module) if _kind(value) == "workflows")
    return [cast("IngestionWorkflow[..., object]", value) for value in values]


def _values(module: ModuleType) -> Iterable[object]:
    for value in list(vars(module).values()):
        # Exactly these: several of Dagster's own types are tuples that refuse to be read as such.
        if type(value) in (list, tuple):
            yield from cast("list[object]", value)
        else:
            yield value


_KINDS = ("workflows", "assets", "asset_checks", "jobs", "schedules", "sensors", "definitions")


def _kind(value: object) -> str | None:
    from cascade.ingestion import IngestionWorkflow

    # The value's class and not its `__class__`, which a proxy answers by waking what it stands for.
    cls = type(value)
    if issubclass(cls, IngestionWorkflow):
        return "workflows"
    if issubclass(cls, type) or not any(base.__module__.startswith("dagster") for base in cls.__mro__):
        # Whoever has not imported Dagster has nothing of it, and need not pay for it here.
        return None
    if cls.__name__ in _UNEXPORTED:
        return _UNEXPORTED[cls.__name__]
    return next((kind for types, kind in _dagster_kinds() if issubclass(cls, types)), None)


# Types without a public name: what `define_asset_job`, `build_schedule_from_partitioned_job` and `@definitions` give.
_UNEXPORTED = {
    "UnresolvedAssetJobDefinition": "jobs",
    "UnresolvedPartitionedAssetScheduleDefinition": "schedules",
    "LazyDefinitions": "definitions",
}


def _dagster_kinds() -> tuple[tuple[tuple[type, ...], str], ...]:
    import dagster as dg

    return (
        # A definition of checks is one of assets as well, so that it has to come first.
        ((dg.AssetChecksDefinition,), "asset_checks"),
        ((dg.AssetsDefinition, dg.AssetSpec, dg.SourceAsset), "assets"),
        ((dg.JobDefinition,), "jobs"),
        ((dg.ScheduleDefinition,), "schedules"),
        ((dg.SensorDefinition,), "sensors"),
        ((dg.Definitions,), "definitions"),
    )


def is_imported(value: object, name: str, modules: Iterable[str] = ()) -> bool:
    """Tells whether an object in a module was imported there from one that is not among `modules`."""
    home = _module_of(value)
    if home is None or home == name or home in modules:
        return False
    origin = sys.modules.get(home)
    # A factory's product is made of a function of the factory's module, and yet is not found there.
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
