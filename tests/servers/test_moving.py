"""Tables that move to a REST catalog and S3, are lost and found there, and lose rows for good."""

from __future__ import annotations

import uuid
from pathlib import Path

import pyarrow as pa
import pytest
from pyiceberg.schema import Schema
from pyiceberg.types import LongType, NestedField
from servers.seaweedfs import SeaweedFS

from cascade.config import CascadeConfig
from cascade.framework.resources import throwaway_config
from cascade.iceberg import Lakehouse, merge_rows, open_lakehouse
from cascade.iceberg.copying import copy_table, plan_copy
from cascade.iceberg.erasing import condition_of, erase
from cascade.iceberg.ledger import LedgerEntry, Scheme, published_partitions
from cascade.iceberg.recovery import recover
from cascade.iceberg.tables import ensure_table
from cascade.table_ref import TableRef

SCHEMA = Schema(
    NestedField(1, "id", LongType(), required=True),
    NestedField(2, "n", LongType(), required=False),
    identifier_field_ids=[1],
)
DAY = 24 * 3600.0


@pytest.fixture
def ref() -> TableRef:
    """Return a table that no other test has."""
    return TableRef(f"moving_{uuid.uuid4().hex[:8]}", "counts")


def publish(lakehouse: Lakehouse, ref: TableRef, ids: range, n: int) -> None:
    rows = pa.table({"id": pa.array(ids, pa.int64()), "n": pa.array([n] * len(ids), pa.int64())})
    key = f"2024-01-0{n}"
    entry = LedgerEntry(f"run {n}", Scheme.parse("daily UTC"), key, "v1")
    merge_rows(lakehouse, ref, rows, ["id"], run_id=f"run {n}", partition=key, ledger=entry)


def ids(lakehouse: Lakehouse, ref: TableRef) -> list[int]:
    return sorted(lakehouse.require(ref).scan().to_arrow()["id"].to_pylist())


def test_a_table_moves_to_a_rest_catalog_and_rows_are_erased_there(
    rest_settings: CascadeConfig, tmp_path: Path, ref: TableRef
) -> None:
    source, target = open_lakehouse(throwaway_config(tmp_path / "embedded")), open_lakehouse(rest_settings)
    ensure_table(source, ref, SCHEMA)
    publish(source, ref, range(10), 1)
    publish(source, ref, range(5, 15), 2)
    copy_table(target, plan_copy(source, target, ref))
    assert plan_copy(source, target, ref).state == "same"
    assert ids(target, ref) == ids(source, ref)
    before = target.require(ref)
    assert published_partitions(before).ranges == published_partitions(source.require(ref)).ranges
    publish(target, ref, range(5, 15), 2)
    assert target.require(ref).metadata.current_snapshot_id == before.metadata.current_snapshot_id
    publish(target, ref, range(20, 25), 3)
    found = erase(target, ref, condition_of(target.require(ref), ref, "id in (7, 21)"), orphan_age=DAY)
    assert (found.rows, found.left, found.read > 0) == (2, [], True)
    assert ids(target, ref) == [number for number in (*range(15), *range(20, 25)) if number not in (7, 21)]
    assert len(list(published_partitions(target.require(ref)))) == 3


def test_a_table_in_s3_is_found_again(seaweedfs: SeaweedFS, tmp_path: Path, ref: TableRef) -> None:
    given = throwaway_config(tmp_path)
    places = {name: getattr(given, name) for name in ("project_root", "dagster_home", "dlt_directory")}
    settings = {**seaweedfs.store_settings, "iceberg_warehouse": f"s3://files/{ref.namespace}"}
    config = CascadeConfig(**places, iceberg_catalog=None, nessie_uri=None, **settings)
    lakehouse = open_lakehouse(config)
    ensure_table(lakehouse, ref, SCHEMA)
    publish(lakehouse, ref, range(10), 1)
    before = lakehouse.require(ref).metadata_location
    lakehouse.catalog.close()
    (config.state_directory / "catalog.db").unlink()
    again = open_lakehouse(config)
    [found] = recover(again)
    assert (found.name, found.outcome, found.rows) == (ref.full_name, "registered", 10)
    assert again.require(ref).metadata_location == before
    assert ids(again, ref) == list(range(10))


def test_a_table_that_a_rest_catalog_has_is_left_alone(rest_settings: CascadeConfig, ref: TableRef) -> None:
    lakehouse = open_lakehouse(rest_settings)
    ensure_table(lakehouse, ref, SCHEMA)
    publish(lakehouse, ref, range(10), 1)
    found = {each.name: each for each in recover(lakehouse)}
    assert found[ref.full_name].outcome == "kept"
