from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from cascade.exceptions import CommitError, SchemaError
from cascade.iceberg.append import append_rows
from cascade.iceberg.catalog import Lakehouse, open_lakehouse
from cascade.iceberg.commit import RUN_ID
from cascade.iceberg.conftest import Settings
from cascade.iceberg.copying import copy as copying
from cascade.iceberg.copying import copy_table, plan_copy
from cascade.iceberg.copying.files import CopiedFile
from cascade.iceberg.ledger import LedgerEntry, Scheme, published_partitions
from cascade.iceberg.merge import merge_rows
from cascade.iceberg.tables import ensure_table
from cascade.iceberg.test_commit import NAME, SCHEMA, batch, rows_of

DAILY = Scheme.parse("daily UTC")


@pytest.fixture
def target(tmp_path: Path) -> Lakehouse:
    return open_lakehouse(Settings(tmp_path / "other" / ".cascade"))


@pytest.fixture
def source(lakehouse: Lakehouse) -> Lakehouse:
    ensure_table(lakehouse, NAME, SCHEMA, properties={"color": "blue"})
    publish(lakehouse, "2024-01-01", range(0, 10), 1)
    publish(lakehouse, "2024-01-02", range(5, 20), 2)
    return lakehouse


def publish(lakehouse: Lakehouse, partition: str, ids: range, n: int) -> None:
    entry = LedgerEntry(f"run {partition}", DAILY, partition, "v1")
    merge_rows(lakehouse, NAME, batch(ids, n), ["id"], run_id=f"run {partition}", partition=partition, ledger=entry)


def copied(source: Lakehouse, target: Lakehouse) -> str:
    planned = plan_copy(source, target, NAME)
    copy_table(target, planned)
    return planned.state


def test_a_copy_has_the_rows_the_ledger_the_properties_and_the_last_run(source: Lakehouse, target: Lakehouse) -> None:
    assert copied(source, target) == "missing"
    assert rows_of(target) == rows_of(source)
    before, after = source.require(NAME), target.require(NAME)
    assert published_partitions(after).ranges == published_partitions(before).ranges
    assert after.properties["color"] == "blue"
    assert after.schema().identifier_field_names() == {"id"}
    assert str(after.sort_order()) == str(before.sort_order())
    head = after.current_snapshot()
    assert head is not None and head.summary is not None
    assert head.summary.get(RUN_ID) == "run 2024-01-02"
    assert len(after.metadata.snapshots) == 1
    assert not list(Path(target.warehouse).rglob("copy-*"))
    assert plan_copy(source, target, NAME).state == "same"


def test_an_identical_run_commits_nothing_after_a_copy(source: Lakehouse, target: Lakehouse) -> None:
    copied(source, target)
    before = target.require(NAME).metadata_location
    publish(target, "2024-01-02", range(5, 20), 2)
    assert target.require(NAME).metadata_location == before


def test_a_copy_that_nobody_has_written_to_follows_its_source(source: Lakehouse, target: Lakehouse) -> None:
    copied(source, target)
    publish(source, "2024-01-03", range(100, 103), 3)
    assert copied(source, target) == "behind"
    assert rows_of(target) == rows_of(source)
    publish(target, "2024-01-04", range(200, 203), 4)
    assert plan_copy(source, target, NAME).state == "other"


def test_the_same_rows_count_as_the_same_whoever_wrote_them(source: Lakehouse, target: Lakehouse) -> None:
    ensure_table(target, NAME, SCHEMA)
    publish(target, "2024-01-02", range(5, 20), 2)
    assert plan_copy(source, target, NAME).state == "other"
    publish(target, "2024-01-01", range(0, 5), 1)
    assert plan_copy(source, target, NAME).state == "same"
    publish(target, "2024-01-01", range(0, 1), 9)
    assert plan_copy(source, target, NAME).state == "other"


def test_an_interrupted_copy_goes_on_where_it_was(
    source: Lakehouse, target: Lakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def killed(done: int, total: int) -> None:
        if done == 1:
            raise Killed

    merge_rows(source, NAME, batch(range(1000, 1010), 1), ["id"], run_id="more")
    planned = plan_copy(source, target, NAME)
    assert len(list(source.require(NAME).scan().plan_files())) > 1
    with pytest.raises(Killed):
        copy_table(target, planned, killed)
    assert rows_of(target) == {}
    read: list[str] = []

    def parts(self: CopiedFile) -> Iterator[pa.Table]:
        read.append(self.task.file.file_path)
        return original(self)

    original = CopiedFile._parts
    monkeypatch.setattr(CopiedFile, "_parts", parts)
    assert copied(source, target) == "missing"
    assert rows_of(target) == rows_of(source)
    assert len(read) == len(list(source.require(NAME).scan().plan_files())) - 1


def test_files_of_an_interrupted_copy_that_are_gone_or_cut_are_written_again(
    source: Lakehouse, target: Lakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(copying, "commit_planned", lambda *given, **named: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            copied(source, target)
    [notes, *_] = Path(target.warehouse).rglob("copy-*")
    whole = notes.read_bytes()
    for file in Path(target.warehouse).rglob("data/*.parquet"):
        file.unlink()
    copied(source, target)
    assert rows_of(target) == rows_of(source)
    notes.write_bytes(whole[: len(whole) // 2])
    publish(source, "2024-01-03", range(100, 103), 3)
    copied(source, target)
    assert rows_of(target) == rows_of(source)


def test_a_run_that_comes_first_is_not_overwritten(source: Lakehouse, target: Lakehouse) -> None:
    planned = plan_copy(source, target, NAME)
    ensure_table(target, NAME, SCHEMA)
    publish(target, "2024-01-09", range(900, 903), 9)
    with pytest.raises(CommitError, match="Another writer has changed"):
        copy_table(target, planned)
    assert rows_of(target) == {900: 9, 901: 9, 902: 9}


def test_other_rows_are_replaced_in_one_snapshot(source: Lakehouse, target: Lakehouse) -> None:
    ensure_table(target, NAME, SCHEMA)
    publish(target, "2024-01-09", range(900, 903), 9)
    assert copied(source, target) == "other"
    assert rows_of(target) == rows_of(source)
    table = target.require(NAME)
    assert list(published_partitions(table)) == ["2024-01-01", "2024-01-02"]
    assert len(table.metadata.snapshots) == 2


def test_a_table_without_rows_and_a_table_with_deletes(source: Lakehouse, target: Lakehouse) -> None:
    empty = replace(NAME, name="empty")
    ensure_table(source, empty, SCHEMA)
    entry = LedgerEntry("run", DAILY, "2024-01-01", "v1")
    merge_rows(source, empty, batch([], 0), ["id"], run_id="run", partition="2024-01-01", ledger=entry)
    copy_table(target, plan_copy(source, target, empty))
    assert list(published_partitions(target.require(empty))) == ["2024-01-01"]
    assert plan_copy(source, target, empty).state == "same"
    unused = replace(NAME, name="unused")
    ensure_table(source, unused, SCHEMA)
    copy_table(target, plan_copy(source, target, unused))
    assert plan_copy(source, target, unused).state == "same"
    merge_rows(source, NAME, batch(range(0, 200_000), 1), ["id"], run_id="large")
    merge_rows(source, NAME, batch([77], 2), ["id"], run_id="one")
    assert any(task.delete_files for task in source.require(NAME).scan().plan_files())
    copied(source, target)
    assert rows_of(target) == rows_of(source)
    assert not any(task.delete_files for task in target.require(NAME).scan().plan_files())


def test_columns_that_cannot_become_those_of_the_source_are_refused(source: Lakehouse, target: Lakehouse) -> None:
    from pyiceberg.schema import Schema
    from pyiceberg.types import LongType, NestedField, StringType

    other = Schema(
        NestedField(1, "id", LongType(), required=True),
        NestedField(2, "n", StringType(), required=False),
        identifier_field_ids=[1],
    )
    ensure_table(target, NAME, other)
    with pytest.raises(SchemaError, match="n: string in the table, long in the source") as refused:
        copied(source, target)
    assert "Drop or rename the table of the target" in str(refused.value.hint)


def test_rows_without_a_key_keep_their_partition_and_run(lakehouse: Lakehouse, target: Lakehouse) -> None:
    from cascade.iceberg.hidden import PARTITION_COLUMN, hidden_properties, with_hidden

    ref = replace(NAME, name="events")
    ensure_table(lakehouse, ref, with_hidden(SCHEMA), properties=hidden_properties())
    append_rows(lakehouse, ref, batch([1, 1], 1), run_id="a", partition="2024-01-01")
    copy_table(target, plan_copy(lakehouse, target, ref))
    table = target.require(ref)
    assert table.scan().to_arrow()[PARTITION_COLUMN].to_pylist() == ["2024-01-01"] * 2
    before = table.metadata_location
    append_rows(target, ref, batch([1, 1], 1), run_id="b", partition="2024-01-01")
    assert target.require(ref).metadata_location == before
