"""Which partitions of workflows are published, missing, failed and stale.

The ledger of a table says which partitions are published, and by which version of the code. Dagster's instance says
which runs failed since, and when upstream assets were materialized. Of a table only the metadata is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cascade.declarations.asset_keys import dependencies
from cascade.declarations.code_version import code_version
from cascade.framework.run_history import RunHistory, materialized_order, run_histories
from cascade.iceberg.commit_outcomes import described
from cascade.iceberg.ledger import PartitionSet, Scheme, published_partitions
from cascade.iceberg.row_count import live_rows
from cascade.partitions import default_partition_start, partitions_definition
from cascade.table_ref import TableRef

if TYPE_CHECKING:
    from datetime import date

    import dagster as dg

    from cascade.declarations import IngestionDeclaration
    from cascade.iceberg import Lakehouse


@dataclass(frozen=True)
class PartitionStates:
    """The partitions of one workflow. Sets may overlap: a partition that failed and was never published is missing too.

    Args:
        declaration: the workflow's declaration.
        closed: the partitions of the workflow that have ended.
        published: those that the ledger of the table has.
        failed: those whose last run failed, and which no run has materialized since.
        running: those with a run that has not ended.
        old_code: the published ones that another version of the code published.
        old_input: the published ones of which an upstream asset was materialized later, by the key of the asset.
        history: what Dagster knows of the runs.
        rows: number of rows of the table; None if it does not exist, or its last writer did not record it.
        refused: number of rows in the quarantine.
        written_at: when the table was last written, in UTC; None if it never was.
        problem: why the table cannot be read; None if it can.
    """

    declaration: IngestionDeclaration
    closed: PartitionSet
    published: PartitionSet
    failed: PartitionSet
    running: PartitionSet
    old_code: PartitionSet
    old_input: Mapping[str, PartitionSet] = field(default_factory=dict)
    history: RunHistory = field(default_factory=RunHistory)
    rows: int | None = None
    refused: int = 0
    written_at: datetime | None = None
    problem: str | None = None

    @property
    def asset(self) -> str:
        """The key of the asset, as text."""
        return "/".join(self.declaration.asset_key)

    @property
    def missing(self) -> PartitionSet:
        """The partitions that have ended and are not published."""
        return self.closed - self.published

    @property
    def stale(self) -> PartitionSet:
        """The published partitions that a run would compute anew with other code or other input."""
        found = self.old_code
        for partitions in self.old_input.values():
            found = found | partitions
        return found

    @property
    def freshness(self) -> str | None:
        """`fresh`, `warn` or `fail`, by `freshness_hours`; None for a workflow without that."""
        if self.declaration.freshness_hours is None:
            return None
        newest = self.history.materialized_at or self.written_at
        warn, fail = self.declaration.freshness_hours
        hours = float("inf") if newest is None else (datetime.now(UTC) - newest).total_seconds() / 3600
        return "fail" if hours > fail else "warn" if warn is not None and hours > warn else "fresh"

    def document(self) -> dict[str, Any]:
        """Return the states for a JSON document."""
        run = self.history.last_run
        return {
            "asset": self.asset,
            "table": self.declaration.table,
            "partitions": self.declaration.partitions,
            "ended": len(self.closed),
            **{
                name: {"count": len(found), "ranges": [asdict(each) for each in found.ranges]}
                for name in ("published", "missing", "failed", "running", "stale")
                for found in [getattr(self, name)]
            },
            "rows": self.rows,
            "refused": self.refused,
            "written_at": self.written_at,
            "materialized_at": self.history.materialized_at,
            "freshness": self.freshness,
            "last_run": asdict(run) if run is not None else None,
            "problem": self.problem,
        }


def partition_states(
    declarations: Sequence[IngestionDeclaration],
    *,
    lakehouse: Lakehouse,
    instance: dg.DagsterInstance,
    partition_start: date,
) -> list[PartitionStates]:
    """Find out the state of the partitions of workflows, for all of them at once.

    Args:
        declarations: the declarations of the workflows.
        lakehouse: the lakehouse that holds their tables.
        instance: the project's Dagster instance.
        partition_start: the start of workflows that declare none.

    Returns:
        The states in the order of the declarations. A table that cannot be read has a problem and hides no other.
    """
    import dagster as dg

    keys = [dg.AssetKey(list(declaration.asset_key)) for declaration in declarations]
    histories = run_histories(instance, keys)
    inputs = _Inputs(instance, declarations)
    tables = _Tables(lakehouse, declarations)
    now = datetime.now(UTC)
    found = []
    with default_partition_start(partition_start):
        for declaration, key in zip(declarations, keys, strict=True):
            partitions = partitions_definition(declaration)
            scheme, closed = Scheme.of(partitions), PartitionSet.closed(partitions, now)
            table = tables.state(declaration, scheme)
            history = histories[key]
            published = table.published & closed
            found.append(
                PartitionStates(
                    declaration,
                    closed=closed,
                    published=published,
                    failed=PartitionSet.of_keys(scheme, history.failed) & closed,
                    running=PartitionSet.of_keys(scheme, history.running) & closed,
                    old_code=table.old_code & closed,
                    old_input=dict(inputs.newer(declaration, key, scheme, published)),
                    history=history,
                    rows=table.rows,
                    refused=tables.refused(declaration),
                    written_at=table.written_at,
                    problem=table.problem,
                )
            )
    return found


def upstream_keys(declaration: IngestionDeclaration) -> list[dg.AssetKey]:
    """Return the keys of the assets that a workflow depends on."""
    import dagster as dg

    return [dep.asset_key for dep in dg.AssetSpec("any", deps=list(dependencies(declaration.deps))).deps]


@dataclass(frozen=True)
class _Table:
    published: PartitionSet
    old_code: PartitionSet
    rows: int | None = None
    written_at: datetime | None = None
    problem: str | None = None


class _Tables:
    """The tables of workflows, which are asked for only where the catalog lists them."""

    def __init__(self, lakehouse: Lakehouse, declarations: Sequence[IngestionDeclaration]) -> None:
        self._lakehouse = lakehouse
        self._listed = {
            tuple(identifier)
            for namespace in {declaration.namespace for declaration in declarations}
            if lakehouse.catalog.namespace_exists(namespace)
            for identifier in lakehouse.catalog.list_tables(namespace)
        }

    def state(self, declaration: IngestionDeclaration, scheme: Scheme) -> _Table:
        nothing = PartitionSet(scheme)
        if tuple(declaration.table_ref.identifier) not in self._listed:
            return _Table(nothing, nothing)
        try:
            table = self._lakehouse.require(declaration.table_ref)
            ledger, snapshot = published_partitions(table), table.current_snapshot()
        except Exception as error:
            return _Table(nothing, nothing, problem=described(error))
        version = code_version(declaration)
        return _Table(
            # Keys of partitions of another length or time zone stand for other rows.
            nothing | ledger.partitions(),
            nothing | ledger.partitions(other_than=version) if version else nothing,
            rows=live_rows(snapshot),
            written_at=None if snapshot is None else datetime.fromtimestamp(snapshot.timestamp_ms / 1000, UTC),
        )

    def refused(self, declaration: IngestionDeclaration) -> int:
        ref: TableRef = declaration.table_ref.quarantine
        if tuple(ref.identifier) not in self._listed:
            return 0
        try:
            return live_rows(self._lakehouse.require(ref).current_snapshot()) or 0
        except Exception:
            # The table of the workflow says why the lakehouse cannot be read.
            return 0


class _Inputs:
    """When the assets that workflows depend on were materialized."""

    def __init__(self, instance: dg.DagsterInstance, declarations: Sequence[IngestionDeclaration]) -> None:
        self._instance = instance
        self._schemes = {
            declaration.asset_key: (declaration.partitions, declaration.partition_timezone)
            for declaration in declarations
        }
        self._orders: dict[dg.AssetKey, Mapping[str | None, int]] = {}

    def newer(
        self, declaration: IngestionDeclaration, key: dg.AssetKey, scheme: Scheme, published: PartitionSet
    ) -> Iterator[tuple[str, PartitionSet]]:
        """Yield the upstream assets with the published partitions that are older than theirs.

        Partitions are compared with those of the same key, and with an asset without partitions as a whole. Which
        partitions of another length belong to one is not known here.
        """
        import dagster as dg

        if not published or not declaration.deps:
            return
        mine = self._order(key)
        for dependency in (
            dep.asset_key for dep in dg.AssetSpec("any", deps=list(dependencies(declaration.deps))).deps
        ):
            theirs = self._order(dependency)
            whole = theirs.get(None) if declaration.partitions else max(theirs.values(), default=None)
            if whole is None and self._schemes.get(tuple(dependency.path)) != self._schemes[declaration.asset_key]:
                continue
            newer = (
                partition
                for partition, number in mine.items()
                if number < (whole if whole is not None else theirs.get(partition, 0))
            )
            found = PartitionSet.of_keys(scheme, newer) & published
            if found:
                yield dependency.to_user_string(), found

    def _order(self, key: dg.AssetKey) -> Mapping[str | None, int]:
        if key not in self._orders:
            self._orders[key] = materialized_order(self._instance, key)
        return self._orders[key]
