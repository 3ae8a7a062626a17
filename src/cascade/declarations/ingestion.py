"""The declaration of one ingested table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, ClassVar, Literal, Required, Self, get_args

from cascade.declarations import values
from cascade.declarations.arguments import argument
from cascade.declarations.declaration import Declaration, DeclarationArguments
from cascade.declarations.dispositions import column_problems, disposition_problems
from cascade.declarations.functions import calling_location, parameters_of
from cascade.declarations.partition_bounds import bound_problems
from cascade.declarations.schema_fields import key_problems, layout_problems, schema
from cascade.exceptions import SourceLocation
from cascade.legacy.active import default_partitions
from cascade.table_ref import DEFAULT_NAMESPACE, QUARANTINE_SUFFIX, TableRef

PartitionKind = Literal["hourly", "daily", "weekly", "monthly"]
OnInvalid = Literal["quarantine", "fail"]
WriteDisposition = Literal["merge", "append", "replace"]

PARTITION_PARAMETERS = ("partition_date", "window")


class IngestionArguments(DeclarationArguments, total=False):
    """The arguments of `@cascade_ingestion`, for type checkers. `IngestionDeclaration` defines how each is checked."""

    table_name: Required[str]
    unique_key: str | Sequence[str]
    validation_schema: Required[type]
    namespace: str
    write_disposition: WriteDisposition
    dedup_sort: str | None
    hard_delete: str | None
    cron: str | None
    freshness_hours: float | tuple[float | None, float | None] | None
    partitions: PartitionKind | None
    partition_start: date | datetime | str | None
    partition_end: date | datetime | str | None
    partition_timezone: str
    partition_spec: Sequence[str | tuple[str, str]]
    partition_column: str | None
    max_runtime_seconds: int | None
    max_retries: int
    retry_delay_seconds: float
    lookback: int
    validate: bool
    on_invalid: OnInvalid
    refuse_over: float | None


@dataclass(frozen=True, order=True)
class PartitionField:
    """One field of a table's Iceberg layout.

    Args:
        column: name of a column of the schema.
        transform: Iceberg's name of a transform, such as `identity`, `month` or `bucket[16]`.
    """

    column: str
    transform: str


def _layout(value: object) -> tuple[PartitionField, ...]:
    return tuple(PartitionField(*pair) for pair in values.partition_spec(value))


def _table_name(value: object) -> str:
    name = values.name(value)
    if name.endswith(QUARANTINE_SUFFIX):
        raise ValueError(f'"{name}" ends with {QUARANTINE_SUFFIX}, which is reserved for tables of refused rows.')
    return name


@dataclass(frozen=True, kw_only=True, eq=False)
class IngestionDeclaration(Declaration):
    """The arguments of one `@cascade_ingestion`; see there for the meaning of each.

    Args:
        table_name: name of the Iceberg table, without its namespace.
        unique_key: the columns that identify a row; none for a table without a key.
        validation_schema: a pydantic model or a pandera DataFrameModel.
        namespace: Iceberg namespace of the table.
        write_disposition: how rows are written.
        dedup_sort: the column whose largest value marks the newest version of a key.
        hard_delete: the column whose value removes the key.
        cron: when to run, in the time zone `partition_timezone`; None to run on demand only.
        freshness_hours: `(warn, fail)` in hours.
        partitions: the length of a partition, or None for a table without partitions.
        partition_start: start of the first partition; None for the configured one.
        partition_end: end of the last partition, exclusive; None for no end.
        partition_timezone: IANA name of the time zone of the partitions and of `cron`.
        partition_spec: the Iceberg layout, which is independent of the partitions.
        partition_column: the column that tells to which partition a row belongs.
        max_runtime_seconds: seconds after which a run is stopped.
        max_retries: how many times a failed run is started again.
        retry_delay_seconds: seconds before each retry.
        lookback: how many partitions before the newest one a tick of `cron` runs again.
        validate: whether rows are validated; otherwise only their types are converted.
        on_invalid: what happens to refused rows.
        refuse_over: the largest number of refused rows, or their largest share of all rows if below 1, with which a run
            still publishes; None for no limit.
    """

    decorator: ClassVar[str] = "cascade_ingestion"

    table_name: str = field(metadata=argument(_table_name, required=True))
    unique_key: tuple[str, ...] = field(default=(), metadata=argument(values.names))
    validation_schema: type = field(metadata=argument(schema, required=True))
    namespace: str = field(default=DEFAULT_NAMESPACE, metadata=argument(values.name))
    write_disposition: WriteDisposition = field(
        default="merge", metadata=argument(values.one_of(*get_args(WriteDisposition)))
    )
    dedup_sort: str | None = field(default=None, metadata=argument(values.field_name, may_be_none=True))
    hard_delete: str | None = field(default=None, metadata=argument(values.field_name, may_be_none=True))
    cron: str | None = field(default=None, metadata=argument(values.cron, may_be_none=True))
    freshness_hours: tuple[float | None, float] | None = field(
        default=None, metadata=argument(values.freshness, may_be_none=True)
    )
    partitions: PartitionKind | None = field(
        default="daily", metadata=argument(values.one_of(*get_args(PartitionKind)), may_be_none=True)
    )
    partition_start: date | datetime | None = field(default=None, metadata=argument(values.moment, may_be_none=True))
    partition_end: date | datetime | None = field(default=None, metadata=argument(values.moment, may_be_none=True))
    partition_timezone: str = field(default="UTC", metadata=argument(values.timezone))
    partition_spec: tuple[PartitionField, ...] = field(default=(), metadata=argument(_layout))
    partition_column: str | None = field(default=None, metadata=argument(values.field_name, may_be_none=True))
    max_runtime_seconds: int | None = field(
        default=None, metadata=argument(values.number(least=1, integer=True), may_be_none=True)
    )
    max_retries: int = field(default=0, metadata=argument(values.number(least=0, integer=True)))
    retry_delay_seconds: float = field(default=30.0, metadata=argument(values.number(least=0)))
    lookback: int = field(default=0, metadata=argument(values.number(least=0, integer=True)))
    validate: bool = field(default=True, metadata=argument(values.boolean))
    on_invalid: OnInvalid = field(default="quarantine", metadata=argument(values.one_of(*get_args(OnInvalid))))
    refuse_over: float | None = field(default=None, metadata=argument(values.refusal_limit, may_be_none=True))

    @classmethod
    def declare(cls, function: object, given: Mapping[str, object], *, otherwise: SourceLocation | None = None) -> Self:
        """Check the arguments of a decorator and record them; see `Declaration.declare`."""
        if "partitions" not in given:
            given = {**default_partitions(), **given}
        return super().declare(function, given, otherwise=otherwise or calling_location(1))

    @classmethod
    def required(cls, given: Mapping[str, object]) -> list[str]:
        """Return the names of the arguments that a decorator needs. Only a merge needs a key."""
        merges = given.get("write_disposition", "merge") not in ("append", "replace")
        return [*super().required(given), *(["unique_key"] if merges else [])]

    @classmethod
    def problems_between(cls, function: object, checked: Mapping[str, Any]) -> list[str]:
        """Return the problems of the function, of the key and layout in the schema, and of the partitions' bounds."""
        return [
            *super().problems_between(function, checked),
            *disposition_problems(checked),
            *_refusal_problems(checked),
            *_schema_problems(checked),
            *bound_problems(checked),
            *_lookback_problems(checked),
        ]

    @classmethod
    def passed(cls, checked: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the names of the parameters that the function may take, apart from resources."""
        partitioned = checked.get("partitions", "daily") is not None
        return (*(PARTITION_PARAMETERS if partitioned else ()), *super().passed(checked))

    @property
    def table_ref(self) -> TableRef:
        """The table, on the branch `main`."""
        return TableRef(self.namespace, self.table_name)

    @property
    def table(self) -> str:
        """The full name of the table, such as `raw.flights`."""
        return self.table_ref.full_name

    @property
    def asset_key(self) -> tuple[str, ...]:
        """The parts of the asset key, which leaves out the namespace `raw`."""
        return self.table_ref.asset_key

    @property
    def op_name(self) -> str:
        """The name of the Dagster op, which differs from the asset key."""
        return self.table_ref.op_name

    @property
    def wants(self) -> frozenset[str]:
        """Which of `partition_date` and `window` the function takes."""
        if self.partitions is None:
            return frozenset()
        parameters = parameters_of(self.function)
        return frozenset(name for name in PARTITION_PARAMETERS if name in parameters)

    def __str__(self) -> str:
        return f"workflow {self.table}"


def _refusal_problems(checked: Mapping[str, Any]) -> list[str]:
    if checked.get("refuse_over") is None or checked.get("on_invalid") != "fail":
        return []
    return ['refuse_over: has no effect with on_invalid="fail", which fails the run for any refused row; remove one.']


def _lookback_problems(checked: Mapping[str, Any]) -> list[str]:
    if not checked.get("lookback"):
        return []
    missing = [
        name for name, default in (("cron", None), ("partitions", "daily")) if checked.get(name, default) is None
    ]
    reasons = {"cron": "without cron", "partitions": "with partitions=None"}
    return [f"lookback: has no effect {reasons[name]}; remove it." for name in missing[:1]]


def _schema_problems(checked: Mapping[str, Any]) -> list[str]:
    if "validation_schema" not in checked:
        return []
    declared = checked["validation_schema"]
    layout = [(field.column, field.transform) for field in checked.get("partition_spec", ())]
    return [
        *(f"unique_key: {problem}" for problem in key_problems(declared, checked.get("unique_key", ()))),
        *column_problems(declared, checked),
        *(f"partition_spec: {problem}" for problem in layout_problems(declared, layout)),
    ]
