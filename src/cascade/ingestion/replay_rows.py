"""Choose the judged rows of a quarantine that a replay lands, or would land."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from cascade.declarations import IngestionDeclaration
from cascade.iceberg import Lakehouse
from cascade.iceberg.append.replaying import AppendReplayPlanner, run_before
from cascade.iceberg.columns import arrow_schema
from cascade.iceberg.hidden import REFUSED_AT_COLUMN
from cascade.iceberg.keys import key_frame, key_names
from cascade.iceberg.merge.replaying import ReplayPlanner
from cascade.iceberg.merge.versions import Versions
from cascade.iceberg.quarantined_rows import of_partition, places_of_partition
from cascade.iceberg.tables import check_drift
from cascade.ingestion.dispositions import table_schema
from cascade.ingestion.rejudging import Judged, check_replayable, judge_again
from cascade.schemas import declared_schema
from cascade.schemas.keys import KeyReader
from cascade.terminal.words import counted

NEWER_UNKNOWN = "nobody knows whether a newer version of the key has landed"


@dataclass(frozen=True)
class Foretold:
    """What a replay of a partition would do.

    Args:
        partition: key of the partition; None for a workflow without partitions.
        rows: number of its refused rows.
        passing: number of those that pass now.
        leaving: number of those that would leave the quarantine.
        outdated: number of those that would leave without landing, because a newer version of their key has landed.
        left: number of rows that cannot be judged again, by the reason.
        notices: why others would stay although they pass.
    """

    partition: str | None
    rows: int
    passing: int
    leaving: int
    outdated: int
    left: dict[str, int]
    notices: tuple[str, ...]


def foretell(
    declaration: IngestionDeclaration, lakehouse: Lakehouse, rows: pa.Table, partitions: Sequence[str | None]
) -> Iterator[Foretold]:
    """Find out what replays of partitions would do, one after the other, and change nothing.

    Args:
        declaration: the workflow's declaration, which merges or appends.
        lakehouse: the lakehouse that holds its table.
        rows: all rows of its quarantine.
        partitions: the keys, in the order in which they would be replayed.

    Yields:
        What would become of the rows of each.

    Raises:
        SchemaDriftError: the schema differs from the table's in a way that G4 refuses.
        UsageError: only another run can land the rows; see `check_replayable`.
    """
    check_replayable(declaration)
    table = lakehouse.require(declaration.table_ref)
    check_drift(table, table_schema(declaration))
    stored = arrow_schema(table)
    for partition in partitions:
        judged = judge_again(declaration, of_partition(rows, partition))
        waiting = waiting_rows(declaration, judged, rows)
        fit = [index for index in range(len(judged.good_at)) if index not in waiting]
        planner = planner_of(declaration, judged, fit, partition, run_before(table, partition))
        planner.given = _before_evolution(planner.given, stored)
        outdated: set[int] = set()
        undecided: Mapping[int, str] = {}
        if isinstance(planner, AppendReplayPlanner):
            undecided, _ = planner.sort_out(table)
        elif set(declaration.unique_key) <= set(planner.given.column_names):
            outdated, unknown = planner.unfit(table)
            undecided = dict.fromkeys(unknown, NEWER_UNKNOWN)
        places = places_of_partition(rows, partition)
        gone = {places[judged.good_at[index]] for place, index in enumerate(fit) if place not in undecided}
        yield Foretold(
            partition=partition,
            rows=judged.kept.num_rows,
            passing=len(judged.good_at),
            leaving=len(gone),
            outdated=len(outdated),
            left=judged.left,
            notices=notices_of(judged, len(waiting), undecided),
        )
        rows = rows.filter(pa.array([place not in gone for place in range(rows.num_rows)], pa.bool_()))


def _before_evolution(rows: pa.Table, stored: pa.Schema) -> pa.Table:
    """Return rows without columns that a table lacks, or has in a type that is too narrow. The replay evolves it first.

    A row that does not fit into the table is not in it, neither its key nor its version.
    """
    fitting = []
    for name in rows.column_names:
        if name in stored.names:
            try:
                rows[name].cast(stored.field(name).type)
            except pa.ArrowInvalid:
                continue
            fitting.append(name)
    return rows.select(fitting)


def planner_of(
    declaration: IngestionDeclaration,
    judged: Judged,
    fit: Sequence[int],
    partition: str | None,
    before: str | None,
) -> ReplayPlanner | AppendReplayPlanner:
    """Return what merges or adds good rows.

    Args:
        declaration: the workflow's declaration.
        judged: the judged rows of a partition.
        fit: which of the good rows to land.
        partition: key of the partition; None for a workflow without partitions.
        before: the last run of the partition when the quarantine was read; see `run_before`.
    """
    if declaration.write_disposition == "append":
        kept = judged.kept.take(pa.array([judged.good_at[index] for index in fit], pa.int64()))
        return AppendReplayPlanner.of(judged.good.take(pa.array(fit, pa.int64())), kept.to_pylist(), partition, before)
    times: list[Any] = judged.kept[REFUSED_AT_COLUMN].to_pylist() if fit else []
    older = judged.older
    return ReplayPlanner.of(
        judged.good.take(pa.array(fit, pa.int64())),
        [times[judged.good_at[index]] for index in fit],
        [place for place, index in enumerate(fit) if index in older],
        unique_key=declaration.unique_key,
        partition=partition,
        versions=Versions(declaration.dedup_sort, declaration.hard_delete),
    )


def waiting_rows(declaration: IngestionDeclaration, judged: Judged, rows: pa.Table) -> set[int]:
    """Return which of the good rows wait, because a newer row of their key is in the quarantine and stays there.

    Args:
        declaration: the workflow's declaration.
        judged: the judged rows of a partition.
        rows: all rows of the quarantine.
    """
    if not declaration.unique_key or declaration.dedup_sort is not None or not judged.good_at:
        # A newer version replaces an older one whenever it lands, and rows without a key have no versions.
        return set()
    places = places_of_partition(rows, judged.kept["partition"][0].as_py())
    mine = [places[at] for at in judged.good_at]
    stay = sorted(set(range(rows.num_rows)).difference(mine))
    names = list(declaration.unique_key)
    reader = KeyReader(declared_schema(declaration.validation_schema), names)
    keys, found = reader.read([json.loads(text) for text in rows["row"].take(pa.array(stay, pa.int64())).to_pylist()])
    pairs = key_frame(judged.good, names, "good").join(key_frame(keys, names, "other"), on=key_names(names))
    return {good for good, other in pairs.select("good", "other").iter_rows() if stay[found[other]] > mine[good]}


def notices_of(judged: Judged, waiting: int, undecided: Mapping[int, str]) -> tuple[str, ...]:
    """Return why rows stay in the quarantine although no rule refuses them now, a sentence for each reason.

    Args:
        judged: the judged rows of a partition.
        waiting: how many wait for a newer row of their key.
        undecided: why others do not land, by their positions.
    """
    found = [
        f"{counted(rows, 'row')} cannot be judged again, because {reason}." for reason, rows in judged.left.items()
    ]
    if judged.problem is not None:
        found.append(judged.problem)
    if waiting:
        found.append(f"{_passing(waiting)} now, but a newer row with the same key is in the quarantine.")
    for reason, rows in Counter(undecided.values()).items():
        found.append(f"{_passing(rows)} now, but {reason}. Run the partition again.")
    return tuple(found)


def _passing(rows: int) -> str:
    return f"{counted(rows, 'row')} {'passes' if rows == 1 else 'pass'}"
