"""What Dagster's instance knows of the runs of assets, asked for many assets at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cascade.ingestion.replay import REPLAY_TAG

if TYPE_CHECKING:
    import dagster as dg

# SQLite accepts some thousands of variables in a statement.
_IDS_AT_ONCE = 500
_MOST_SUSPECTS = 500
_MOST_ATTEMPTS = 100
# The id of the run in an event that no run has reported.
_BY_HAND = ""


@dataclass(frozen=True)
class LastRun:
    """The run of an asset that started last.

    Args:
        run_id: Dagster's id of the run.
        status: Dagster's word for how it ended, such as `SUCCESS`, or for where it is.
        partition: key of its partition; None for an asset without partitions.
        started: when it started, in UTC; None if it waits.
    """

    run_id: str
    status: str
    partition: str | None
    started: datetime | None


@dataclass(frozen=True)
class RunHistory:
    """The runs of one asset.

    Args:
        failed: keys of the partitions whose last run failed or was canceled, and which no run has materialized since;
            None stands for an asset without partitions. Replays of refused rows do not count as runs here.
        running: keys of the partitions whose last run has not ended.
        last_run: the run that started last; None if there was none.
        materialized_at: when the asset was last materialized, in UTC; None if it never was.
    """

    failed: frozenset[str | None] = frozenset()
    running: frozenset[str | None] = frozenset()
    last_run: LastRun | None = None
    materialized_at: datetime | None = None


def run_histories(instance: dg.DagsterInstance, keys: Sequence[dg.AssetKey]) -> dict[dg.AssetKey, RunHistory]:
    """Return the history of each asset.

    Args:
        instance: the project's Dagster instance.
        keys: the assets.
    """
    entries = {record.asset_entry.asset_key: record.asset_entry for record in instance.get_asset_records(list(keys))}
    unfinished: dict[dg.AssetKey, dict[str | None, str]] = {}
    suspects = _suspects(instance)
    for key, entry in entries.items():
        if entry.last_run_id is None or (suspects is not None and key not in suspects):
            continue
        # Dagster counts the partitions of an asset in the same way.
        attempts = (
            instance.event_log_storage.get_latest_asset_partition_materialization_attempts_without_materializations(key)
        )
        unfinished[key] = {partition: run_id for partition, (run_id, _) in attempts.items()}
        if not attempts and not _is_materialized(instance, entry):
            unfinished[key][None] = entry.last_run_id
    last_ids = {key: _last_run_id(instance, entry) for key, entry in entries.items()}
    wanted = {run_id for run_id in last_ids.values() if run_id is not None}
    wanted.update(run_id for attempts in unfinished.values() for run_id in attempts.values())
    runs = run_records(instance, sorted(wanted))
    for key, last_runs in unfinished.items():
        _look_behind_replays(instance, entries[key], last_runs, runs)
    found = {}
    for key in keys:
        if key not in entries:
            found[key] = RunHistory()
            continue
        entry = entries[key]
        states = {
            partition: runs[run_id].dagster_run
            for partition, run_id in unfinished.get(key, {}).items()
            if run_id in runs
        }
        last = entry.last_materialization_record
        found[key] = RunHistory(
            failed=frozenset(partition for partition, run in states.items() if run.is_failure_or_canceled),
            running=frozenset(partition for partition, run in states.items() if not run.is_finished),
            last_run=_last_run(runs.get(last_ids[key] or "")),
            materialized_at=_time(last.timestamp) if last is not None else None,
        )
    return found


def _last_run_id(instance: dg.DagsterInstance, entry: Any) -> str | None:
    if entry.last_run_id != _BY_HAND:
        return entry.last_run_id  # type: ignore[no-any-return]
    planned = instance.event_log_storage.get_latest_planned_materialization_info(entry.asset_key)
    return None if planned is None else planned.run_id


def _is_materialized(instance: dg.DagsterInstance, entry: Any) -> bool:
    """Return whether the last run of an asset has materialized it, or somebody has published its rows by hand."""
    last = entry.last_materialization_record
    if last is None or last.run_id == entry.last_run_id:
        return last is not None
    if last.run_id != _BY_HAND:
        return False
    planned = instance.event_log_storage.get_latest_planned_materialization_info(entry.asset_key)
    return planned is None or bool(last.storage_id > planned.storage_id)


def materialized_order(instance: dg.DagsterInstance, key: dg.AssetKey) -> Mapping[str | None, int]:
    """Return numbers that tell which partitions of several assets were materialized later than others.

    Args:
        instance: the project's Dagster instance.
        key: the asset.

    Returns:
        A number for each partition that was materialized; for an asset without partitions, that of None.
    """
    import dagster as dg

    by_partition = instance.get_latest_storage_id_by_partition(key, dg.DagsterEventType.ASSET_MATERIALIZATION)
    if by_partition:
        return dict(by_partition.items())
    event = instance.fetch_materializations(key, limit=1).records
    return {None: event[0].storage_id} if event else {}


def _look_behind_replays(
    instance: dg.DagsterInstance,
    entry: Any,
    attempts: dict[str | None, str],
    runs: dict[str, dg.RunRecord],
) -> None:
    """Put the run before it in the place of a replay that did not succeed: it says nothing of the partition's rows.

    Args:
        instance: the project's Dagster instance.
        entry: Dagster's entry of the asset.
        attempts: the last run of each partition that no run has materialized since, which is changed.
        runs: the known runs, to which those before replays are added.
    """
    import dagster as dg

    key = entry.asset_key
    for partition, run_id in list(attempts.items()):
        if run_id not in runs or not _is_replay(runs[run_id]):
            continue
        del attempts[partition]
        if partition is None:
            materialized = entry.last_materialization_record
            after = None if materialized is None else materialized.storage_id
        else:
            kind = dg.DagsterEventType.ASSET_MATERIALIZATION
            after = instance.get_latest_storage_id_by_partition(key, kind, {partition}).get(partition)
        records = instance.event_log_storage.get_event_records(
            dg.EventRecordsFilter(
                dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
                asset_key=key,
                asset_partitions=None if partition is None else [partition],
                after_cursor=after,
            ),
            limit=_MOST_ATTEMPTS,
        )
        earlier = list(dict.fromkeys(record.run_id for record in records))
        runs.update(run_records(instance, earlier))
        before = next((each for each in earlier if each in runs and not _is_replay(runs[each])), None)
        if before is not None:
            attempts[partition] = before


def _is_replay(record: dg.RunRecord) -> bool:
    return REPLAY_TAG in record.dagster_run.tags


def _suspects(instance: dg.DagsterInstance) -> set[dg.AssetKey] | None:
    """Return the assets of the runs that did not succeed; None if any asset may be one of them.

    There are few, and for any other asset a query of its events is spared.
    """
    import dagster as dg

    others = [status for status in dg.DagsterRunStatus if status != dg.DagsterRunStatus.SUCCESS]
    runs = instance.get_runs(dg.RunsFilter(statuses=others), limit=_MOST_SUSPECTS)
    if len(runs) == _MOST_SUSPECTS or any(run.asset_selection is None for run in runs):
        return None
    return {key for run in runs for key in run.asset_selection or ()}


def run_records(instance: dg.DagsterInstance, run_ids: Iterable[str]) -> dict[str, dg.RunRecord]:
    """Return what Dagster knows of runs, by their ids. Deleted runs are left out.

    Args:
        instance: the project's Dagster instance.
        run_ids: the ids.
    """
    import dagster as dg

    found: dict[str, dg.RunRecord] = {}
    waiting = list(run_ids)
    for start in range(0, len(waiting), _IDS_AT_ONCE):
        some = waiting[start : start + _IDS_AT_ONCE]
        records = instance.get_run_records(dg.RunsFilter(run_ids=some))
        found.update((record.dagster_run.run_id, record) for record in records)
    return found


def _last_run(record: dg.RunRecord | None) -> LastRun | None:
    if record is None:
        return None
    run = record.dagster_run
    started = None if record.start_time is None else _time(record.start_time)
    return LastRun(run.run_id, run.status.value, run.tags.get("dagster/partition"), started)


def _time(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, UTC)
