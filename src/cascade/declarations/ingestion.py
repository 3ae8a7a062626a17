"""The declaration of one ingested table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from cascade.declarations.arguments import OnInvalid, PartitionKind
from cascade.declarations.functions import parameters_of
from cascade.exceptions import SourceLocation

QUARANTINE_SUFFIX = "__quarantine"
PASSED_ARGUMENTS = ("partition_date", "window")


@dataclass(frozen=True, order=True)
class PartitionField:
    """One field of a table's Iceberg layout.

    Args:
        column: name of a column of the schema.
        transform: Iceberg's own text for it, such as `identity`, `month` or `bucket[16]`.
    """

    column: str
    transform: str


@dataclass(frozen=True, kw_only=True, eq=False)
class IngestionDeclaration:
    """What `@cascade_ingestion` recorded: a function and the checked arguments.

    Args:
        function: the decorated function.
        location: file and line of the decorated function.
        table_name: name of the Iceberg table, without its namespace.
        unique_key: the columns by which rows are merged.
        group: Dagster's asset group.
        validation_schema: a pydantic model or a pandera DataFrameModel.
        namespace: Iceberg namespace of the table.
        cron: when to run, read in `partition_timezone`; None to run on demand only.
        freshness_hours: `(warn, fail)` in hours.
        partitions: the length of a partition, or None for a table without.
        partition_start: start of the first partition; None for the configured one.
        partition_end: end of the last partition, exclusive; None while it is open.
        partition_timezone: IANA name of the time zone in which partitions begin and `cron` is read.
        partition_spec: the Iceberg layout, which is independent of the partitions.
        deps: workflows, Dagster assets or asset keys that come before.
        owners: e-mail addresses or `team:<name>`.
        tags: Dagster's tags.
        description: shown in the UI; the function's docstring when none was given.
        max_runtime_seconds: seconds after which a run is stopped.
        max_retries: how often a failed run starts again.
        retry_delay_seconds: seconds between two of these.
        validate: whether rows are validated; otherwise only their types are converted.
        on_invalid: what to do with refused rows.
    """

    function: Callable[..., object]
    location: SourceLocation
    table_name: str
    unique_key: tuple[str, ...]
    group: str
    validation_schema: type
    namespace: str = "raw"
    cron: str | None = None
    freshness_hours: tuple[float | None, float] | None = None
    partitions: PartitionKind | None = "daily"
    partition_start: date | datetime | None = None
    partition_end: date | datetime | None = None
    partition_timezone: str = "UTC"
    partition_spec: tuple[PartitionField, ...] = ()
    deps: tuple[object, ...] = ()
    owners: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    description: str | None = None
    max_runtime_seconds: int | None = None
    max_retries: int = 0
    retry_delay_seconds: float = 30.0
    validate: bool = True
    on_invalid: OnInvalid = "quarantine"

    @property
    def asset_key(self) -> tuple[str, ...]:
        """The asset key's parts: the namespace `raw` is left out."""
        return (self.table_name,) if self.namespace == "raw" else (self.namespace, self.table_name)

    @property
    def op_name(self) -> str:
        """The name of the Dagster op, which differs from the key's."""
        return "dlt_" + "__".join(self.asset_key)

    @property
    def table(self) -> str:
        """The full name of the table, such as `raw.flights`."""
        return f"{self.namespace}.{self.table_name}"

    @property
    def identifier(self) -> tuple[str, str]:
        """Namespace and table, as a catalog takes them."""
        return (self.namespace, self.table_name)

    @property
    def quarantine_identifier(self) -> tuple[str, str]:
        """Namespace and name of the table of refused rows."""
        return (self.namespace, self.table_name + QUARANTINE_SUFFIX)

    @property
    def wants(self) -> frozenset[str]:
        """Which of `partition_date` and `window` the function takes."""
        if self.partitions is None:
            return frozenset()
        parameters = parameters_of(self.function)
        return frozenset(name for name in PASSED_ARGUMENTS if name in parameters)
