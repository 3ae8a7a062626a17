"""The record of a backfill in Dagster's instance, by which its UI shows the runs together, as those of its own."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cascade.collector import collector_paused

if TYPE_CHECKING:
    import dagster as dg


@dataclass(frozen=True)
class BackfillRecord:
    """A backfill of one asset.

    Args:
        backfill_id: Dagster's id of the backfill.
    """

    backfill_id: str
    _instance: dg.DagsterInstance
    _graph: Any
    _key: dg.AssetKey

    @classmethod
    def create(
        cls, instance: dg.DagsterInstance, definitions: dg.Definitions, key: dg.AssetKey, partitions: Sequence[str]
    ) -> BackfillRecord:
        """Record that a backfill starts.

        Until `finish`, it is recorded as canceled: Dagster's daemon would start the runs of any other one that has not
        ended, and if this process is killed, nobody else goes on.

        Args:
            instance: the project's Dagster instance.
            definitions: the project's definitions.
            key: the asset.
            partitions: the keys of its partitions.
        """
        with collector_paused():
            from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
            from dagster._core.utils import make_new_backfill_id

        graph = definitions.resolve_asset_graph()
        record = PartitionBackfill.from_asset_partitions(
            backfill_id=make_new_backfill_id(),
            asset_graph=graph,
            partition_names=list(partitions),
            asset_selection=[key],
            backfill_timestamp=time.time(),
            tags={},
            dynamic_partitions_store=instance,
            all_partitions=False,
            title=f"cascade backfill {key.to_user_string()}",
            description=None,
            run_config=None,
        )
        instance.add_backfill(record._replace(status=BulkActionStatus.CANCELED))
        return cls(record.backfill_id, instance, graph, key)

    @property
    def tags(self) -> Mapping[str, str]:
        """The tags of its runs."""
        return {"dagster/backfill": self.backfill_id}

    def finish(self, *, materialized: Iterable[str | None], failed: Iterable[str | None], stopped: bool) -> None:
        """Record how the backfill ended.

        Args:
            materialized: keys of the partitions whose runs succeeded.
            failed: keys of those whose runs failed.
            stopped: whether it was stopped before all runs had started.
        """
        from dagster._core.execution.backfill import BulkActionStatus

        record = self._instance.get_backfill(self.backfill_id)
        if record is None:
            return
        good, bad = self._subset(materialized), self._subset(failed)
        data = record.get_asset_backfill_data(self._graph)
        status = (
            BulkActionStatus.CANCELED
            if stopped
            else BulkActionStatus.COMPLETED_FAILED
            if not bad.is_empty
            else BulkActionStatus.COMPLETED_SUCCESS
        )
        data = data._replace(
            requested_subset=good | bad,
            materialized_subset=good,
            failed_and_downstream_subset=bad,
            requested_runs_for_target_roots=True,
        )
        self._instance.update_backfill(
            record._replace(status=status)
            .with_asset_backfill_data(data, self._instance, self._graph)
            .with_end_timestamp(time.time())
        )

    def _subset(self, keys: Iterable[str | None]) -> Any:
        from dagster._core.definitions.assets.graph.asset_graph_subset import AssetGraphSubset
        from dagster._core.definitions.events import AssetKeyPartitionKey

        pairs = {AssetKeyPartitionKey(self._key, key) for key in keys}
        return AssetGraphSubset.from_asset_partition_set(pairs, self._graph)
