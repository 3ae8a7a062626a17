"""The decorator that turns a function into a workflow."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Never, ParamSpec, TypeVar, Unpack, cast

from cascade.declarations import DecoratedFunction, IngestionArguments, IngestionDeclaration, decorator_of

if TYPE_CHECKING:
    import dagster as dg
    from dagster import OpDefinition

P = ParamSpec("P")
R = TypeVar("R", covariant=True)


class IngestionWorkflow(DecoratedFunction[IngestionDeclaration, P, R]):
    """A decorated function: calling it calls the function, and `.asset` is its Dagster asset.

    Args:
        declaration: what the decorator recorded.
    """

    @property
    def asset(self) -> dg.AssetsDefinition:
        """The Dagster asset, built on first use and kept."""
        from cascade.ingestion.asset import build_asset

        return self._once(build_asset)

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
    """Declare that a function fetches the rows of a table.

    The function returns a dlt source or resource, an Arrow table or batches, a Polars or pandas frame, dicts, pydantic
    models, a generator of any of these, or None. It takes what it needs by the names of its parameters, all optional:

    - `partition_date`: the key of the partition, a string such as `2013-01-15`.
    - `window`: a `PartitionWindow` with the start and end of the partition, both with a time zone.
    - `context`: Dagster's `AssetExecutionContext`.
    - a parameter annotated with a `ConfigurableResource` (or `dagster.ResourceParam[...]`): the resource of the project
      with the parameter's name, which is a variable of one of its modules or an entry of `Definitions(resources=...)`.

    Args:
        table_name: name of the Iceberg table, and of the asset.
        unique_key: the column or columns that identify a row. Required to merge rows, which is done by these.
        validation_schema: a pydantic model or a pandera DataFrameModel.
        group: Dagster's asset group. Defaults to the domain, which is the name of the function's directory; characters
            that Dagster does not accept become underscores.
        namespace: Iceberg namespace of the table. Defaults to `raw`.
        write_disposition: `"merge"` (default) replaces rows of the same key and inserts the others. `"replace"`
            replaces all rows of the partition, or of the table if it has no partitions, so that rows that are gone from
            the source go from the table. `"append"` adds rows without a key: a run replaces the rows that an earlier
            run of its partition added, unless its source returns only what is new.
        dedup_sort: the column whose largest value marks the newest version of a key, such as `"updated_at"`. An older
            version never replaces a newer one, in a batch and in the table. Defaults to the last row given.
        hard_delete: the column that removes the row's key from the table if it is true, or if it is not null and of
            another type than bool. Defaults to none: keys are never removed.
        cron: when to run, such as `"0 6 * * *"`, in the time zone `partition_timezone`. Defaults to on demand only.
        freshness_hours: hours after which the asset is stale, as `fail` or `(warn, fail)`.
        partitions: `"daily"` (default), `"hourly"`, `"weekly"`, `"monthly"`, or None for a table without partitions.
        partition_start: start of the first partition: the first of a month for monthly partitions, a Sunday for weekly
            ones. Defaults to the setting `partition_start`, or the first partition that begins after it.
        partition_end: end of the last partition, exclusive. Defaults to no end: new partitions keep being added.
        partition_timezone: IANA name of the time zone in which partitions begin. Defaults to `"UTC"`.
        partition_spec: the Iceberg layout: columns, or pairs such as `("observed_at", "month")`.
        partition_column: the column that tells to which partition a row belongs, for `"replace"`: a timestamp with a
            time zone, or a date if a partition is at least a day. Rows outside of the partition are refused.
        deps: workflows, Dagster assets or asset keys that this one depends on.
        owners: e-mail addresses or `team:<name>`.
        tags: Dagster's tags.
        description: shown in the UI. Defaults to the function's docstring.
        max_runtime_seconds: seconds after which a run is stopped. Defaults to no limit.
        max_retries: how many times a failed run is started again. Defaults to 0.
        retry_delay_seconds: seconds before each retry. Defaults to 30.
        lookback: how many partitions before the newest one each tick of `cron` runs again, since rows may come late.
            Defaults to 0.
        validate: False only converts types. Defaults to True.
        on_invalid: `"quarantine"` (default) sets refused rows aside; `"fail"` fails the run and writes nothing.
        refuse_over: how many refused rows are too many: a share of the rows such as 0.05, or a whole number of rows. A
            run with more fails and publishes nothing; its refused rows are in the quarantine. Defaults to no limit.

    Returns:
        A decorator that returns an `IngestionWorkflow`.

    Raises:
        DeclarationError: arguments are wrong. The message lists all of them, with file and line.
    """
    decorator: Any = decorator_of(IngestionDeclaration, IngestionWorkflow[..., object], misplaced, arguments)
    return cast("Callable[[Callable[P, R]], IngestionWorkflow[P, R]]", decorator)
