"""The documents of the API, for its description in OpenAPI. The values come from what commands print under `--json`."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

_SNAPSHOT = "A string, because JavaScript cannot represent such large integers."


class ApiModel(BaseModel):
    """The base of all documents. What a document has and a model lacks is a mistake, which tests find."""

    model_config = ConfigDict(extra="forbid")


class Health(ApiModel):
    """Whether the server works."""

    status: Literal["ok", "unavailable"]


class TableSummary(ApiModel):
    """A table, as its current snapshot describes it."""

    table: str = Field(examples=["raw.weather_observations"])
    quarantine_of: str | None = Field(description="The table whose refused rows this one holds.")
    rows: int | None = Field(description="null if the last writer did not record it.", examples=[72])
    published_partitions: int | None = Field(description="null for a table without a ledger.")
    size_bytes: int | None
    written_at: datetime | None
    snapshot_id: str | None = Field(description=_SNAPSHOT, examples=["7154954327337047513"])
    problem: str | None = Field(description="Why the table cannot be read; null if it can.")


class Tables(ApiModel):
    """The tables of the lakehouse: what `cascade table list --json` prints."""

    tables: list[TableSummary]


class Column(ApiModel):
    """A column."""

    name: str = Field(examples=["origin"])
    type: str = Field(description="The Iceberg type.", examples=["string"])
    required: bool
    description: str | None
    sensitive: bool = Field(description="Whether the server leaves it out.")


class PublishedRange(ApiModel):
    """Consecutive partitions that one version of the code published."""

    first: str | None = Field(examples=["2013-01-15"])
    last: str | None
    count: int
    code_version: str | None


class TableDetails(ApiModel):
    """One table: its columns, its layout, and which partitions are published."""

    table: str
    asset: str | None = Field(description="The asset of the workflow that fills it, if this project has it.")
    description: str | None
    owners: list[str]
    columns: list[Column]
    key: list[str] = Field(description="The columns that identify a row, as the table's schema names them.")
    layout: list[str] = Field(description="The partition fields of Iceberg.", examples=[["day(time_hour)"]])
    rows: int | None
    size_bytes: int | None
    written_at: datetime | None
    snapshot_id: str | None = Field(description=_SNAPSHOT)
    published: list[PublishedRange]


class Snapshot(ApiModel):
    """A snapshot."""

    snapshot_id: str = Field(description=_SNAPSHOT)
    written_at: datetime
    rows: int | None
    change: int | None = Field(description="By how much it changed the number of rows.")
    partition: str | None
    run_id: str | None
    branches: list[str]
    of_dropped_branch: bool


class Snapshots(ApiModel):
    """The snapshots of a table, newest first: what `cascade table history --json` prints."""

    table: str
    snapshots: list[Snapshot]


class Branch(ApiModel):
    """A branch."""

    table: str
    branch: str = Field(examples=["main"])
    snapshot_id: str = Field(description=_SNAPSHOT)
    written_at: datetime
    rows: int | None
    run_id: str | None
    partition: str | None
    kept_until: datetime | None
    can_publish: bool


class Branches(ApiModel):
    """The branches of a table: what `cascade branch list TABLE --json` prints."""

    branches: list[Branch]


class RowsPage(ApiModel):
    """A page of rows."""

    table: str
    snapshot_id: str | None = Field(description=f"The snapshot that all pages show. {_SNAPSHOT}")
    rows: list[dict[str, Any]] = Field(examples=[[{"origin": "JFK", "temp": 39.02}]])
    next_cursor: str | None = Field(description="The cursor of the next page; null at the end.")


class RefusedRows(ApiModel):
    """The refused rows of a partition."""

    table: str
    partition: str | None
    rows: int
    rules: dict[str, int] = Field(examples=[{"less_than in celsius": 2}])
    refused_at: datetime | None


class Quarantine(ApiModel):
    """How many rows of a table are in quarantine: what `cascade quarantine list TABLE --json` prints."""

    quarantine: list[RefusedRows]


class KeyRange(ApiModel):
    """Consecutive partitions."""

    first: str | None
    last: str | None
    count: int


class Partitions(ApiModel):
    """Some partitions of a workflow."""

    count: int
    ranges: list[KeyRange]


class LastRun(ApiModel):
    """The run of an asset that started last."""

    run_id: str
    status: str = Field(examples=["SUCCESS"])
    partition: str | None
    started: datetime | None


class WorkflowState(ApiModel):
    """A workflow, with its partitions by state. A partition may be in several."""

    asset: str
    table: str
    partitions: str | None = Field(examples=["daily"])
    ended: int = Field(description="How many partitions have ended.")
    published: Partitions
    missing: Partitions
    failed: Partitions
    running: Partitions
    stale: Partitions
    rows: int | None
    refused: int
    written_at: datetime | None
    materialized_at: datetime | None
    freshness: Literal["fresh", "warn", "fail"] | None
    last_run: LastRun | None
    problem: str | None


class Workflows(ApiModel):
    """The state of the workflows: what `cascade status --json` prints."""

    workflows: list[WorkflowState]
    failures: list[str] = Field(description="The errors of modules that did not load when the server started.")


class CheckOutcome(ApiModel):
    """What a check found last, as Dagster recorded it."""

    passed: bool
    severity: Literal["warn", "error"] = Field(description="What it means that it did not pass.")
    message: str | None
    judged: str | None = Field(description="`the rows of the run` or `the whole table`.")
    rows: int | None
    failing: int | None
    at: datetime
    run_id: str
    partition: str | None


class CheckState(ApiModel):
    """A check of an asset."""

    asset: str
    check: str
    description: str | None
    blocking: bool
    last: CheckOutcome | None = Field(description="null if it has not run yet.")


class RefusedCount(ApiModel):
    """How many rows of a table are in quarantine."""

    table: str
    asset: str
    refused: int


class Quality(ApiModel):
    """The checks of the project, and how many rows are in quarantine."""

    checks: list[CheckState]
    quarantine: list[RefusedCount]


class LineageNode(ApiModel):
    """Something that has rows. Further fields are those of `cascade graph --format json`."""

    model_config = ConfigDict(extra="allow")

    id: str = Field(examples=["table:raw.weather_observations"])
    kind: str = Field(examples=["table"])
    name: str
    domain: str
    place: str | None


class LineageEdge(ApiModel):
    """Two nodes, of which the second reads the first."""

    source: str = Field(alias="from")
    target: str = Field(alias="to")


class Lineage(ApiModel):
    """The graph of the project: what `cascade graph --format json` writes."""

    model_config = ConfigDict(extra="allow")

    version: int
    title: str
    nodes: list[LineageNode]
    edges: list[LineageEdge]
