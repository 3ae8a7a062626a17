"""The decorator that makes a workflow of a function."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, Never, ParamSpec, TypeVar, Unpack, cast

from cascade.declarations import (
    IngestionDeclaration,
    declare_ingestion,
    location_of,
    report,
)
from cascade.declarations.arguments import IngestionArguments
from cascade.exceptions import DeclarationError

if TYPE_CHECKING:
    import dagster as dg
    from dagster import OpDefinition

P = ParamSpec("P")
R = TypeVar("R", covariant=True)


class IngestionWorkflow(Generic[P, R]):
    """A decorated function: calling it calls the function, and `.asset` is its Dagster asset.

    Args:
        declaration: what the decorator recorded.
    """

    declaration: IngestionDeclaration

    def __init__(self, declaration: IngestionDeclaration) -> None:
        functools.update_wrapper(self, declaration.function)
        self.__dict__["_lock"] = threading.Lock()
        self.__dict__["declaration"] = declaration

    def __setattr__(self, name: str, value: object) -> None:
        if "declaration" in self.__dict__:
            raise AttributeError(f"{self!r} is frozen; {name!r} cannot be set.")
        super().__setattr__(name, value)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function."""
        return cast(R, self.declaration.function(*args, **kwargs))

    def __repr__(self) -> str:
        return f"<workflow {self.declaration.table} at {self.declaration.location}>"

    @property
    def asset(self) -> dg.AssetsDefinition:
        """The Dagster asset, built when it is first asked for and kept."""
        with self.__dict__["_lock"]:
            if "_asset" not in self.__dict__:
                from cascade.ingestion.asset import build_asset

                self.__dict__["_asset"] = build_asset(self.declaration)
            return cast("dg.AssetsDefinition", self.__dict__["_asset"])

    @property
    def key(self) -> dg.AssetKey:
        """The asset key."""
        import dagster as dg

        return dg.AssetKey(list(self.declaration.asset_key))

    @property
    def op(self) -> OpDefinition:
        """The op of the asset."""
        return self.asset.op


def cascade_ingestion(
    *misplaced: Never, **arguments: Unpack[IngestionArguments]
) -> Callable[[Callable[P, R]], IngestionWorkflow[P, R]]:
    """Make a workflow of a function that fetches data.

    The function gives a dlt source or resource, an Arrow table or batches, a Polars or pandas frame, dicts, a
    generator of any of these, or None. It may take `partition_date` (the partition's key as text) and `window`
    (a `PartitionWindow` with the aware start and end).

    Args:
        table_name: name of the Iceberg table, and of the asset.
        unique_key: the column or columns by which rows are merged.
        group: Dagster's asset group.
        validation_schema: a pydantic model or a pandera DataFrameModel.
        namespace: Iceberg namespace of the table, `raw` by default.
        cron: when to run, such as `"0 6 * * *"`, read in `partition_timezone`.
        freshness_hours: hours after which the asset is stale, `fail` or `(warn, fail)`.
        partitions: `"daily"` (default), `"hourly"`, `"weekly"`, `"monthly"` or None.
        partition_start: start of the first partition; the configured one by default.
        partition_end: end of the last partition, exclusive; open by default.
        partition_timezone: IANA name, `"UTC"` by default.
        partition_spec: the Iceberg layout: columns, or pairs such as `("observed_at", "month")`.
        deps: workflows, Dagster assets or asset keys that come before.
        owners: e-mail addresses or `team:<name>`.
        tags: Dagster's tags.
        description: shown in the UI; the docstring by default.
        max_runtime_seconds: seconds after which a run is stopped.
        max_retries: how often a failed run starts again, 0 by default.
        retry_delay_seconds: seconds between two of these, 30 by default.
        validate: False converts types and checks nothing else.
        on_invalid: `"quarantine"` (default) sets refused rows aside, `"fail"` lands nothing.

    Returns:
        a decorator that gives an `IngestionWorkflow`.

    Raises:
        DeclarationError: with every wrong argument at once, and file and line.
    """
    if misplaced:
        _refuse_positional(misplaced[0])
        return cast("Callable[[Callable[P, R]], IngestionWorkflow[P, R]]", misplaced[0])

    def decorate(function: Callable[P, R]) -> IngestionWorkflow[P, R]:
        try:
            return IngestionWorkflow(declare_ingestion(function, arguments))
        except DeclarationError as error:
            report(error, function)
            # Only `check` and `validate` come here: they look at what was recorded, not at this value.
            return cast("IngestionWorkflow[P, R]", function)

    return decorate


def _refuse_positional(first: object) -> None:
    """Report `@cascade_ingestion` without a call, or arguments without names."""
    if callable(first) and not isinstance(first, type):
        example = "@cascade_ingestion(table_name=..., unique_key=..., group=..., validation_schema=...)"
        problem, function = f"it needs arguments: {example}.", first
    else:
        problem, function = f"give every argument by name; {first!r} has none.", None
    report(
        DeclarationError("cascade_ingestion", (problem,), location=location_of(first, depth=2)),
        function,
    )
