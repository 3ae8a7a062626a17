from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyiceberg.table import Table

from cascade.exceptions import UsageError
from cascade.iceberg import attempt
from cascade.iceberg.catalog import Lakehouse, open_lakehouse
from cascade.iceberg.conftest import Settings
from cascade.iceberg.ledger import LedgerEntry, Scheme, published_partitions
from cascade.iceberg.merge import merge_rows
from cascade.iceberg.recovery import Recovered, recover
from cascade.iceberg.tables import ensure_table
from cascade.iceberg.test_commit import NAME, SCHEMA, batch, rows_of
from cascade.iceberg.trino.hidden_tables import hidden_copy

DAILY = Scheme.parse("daily UTC")


def publish(lakehouse: Lakehouse, ids: range, run: str = "a run") -> None:
    entry = LedgerEntry(run, DAILY, "2024-01-01", run)
    merge_rows(lakehouse, NAME, batch(ids, 1), ["id"], run_id=run, partition="2024-01-01", ledger=entry)


@pytest.fixture
def filled(lakehouse: Lakehouse) -> Lakehouse:
    ensure_table(lakehouse, NAME, SCHEMA)
    publish(lakehouse, range(3))
    publish(lakehouse, range(5))
    return lakehouse


def lost(lakehouse: Lakehouse) -> Lakehouse:
    """Return the lakehouse after its catalog was lost."""
    state = Path(lakehouse.warehouse).parent
    lakehouse.catalog.close()
    (state / "catalog.db").unlink()
    return open_lakehouse(Settings(state))


def recovered(lakehouse: Lakehouse, **how: Any) -> Recovered:
    [found] = recover(lakehouse, **how)
    return found


def test_the_copy_of_a_killed_merge_by_trino_is_no_table(filled: Lakehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cascade.iceberg.trino.hidden_tables.drop_hidden", lambda catalog, table: None)
    with hidden_copy(filled.catalog, filled.require(NAME)) as copy:
        assert copy.metadata_location.rpartition("/metadata/")[0] == copy.location()
    again = lost(filled)
    assert recovered(again).name == NAME.full_name
    assert again.catalog.list_tables(NAME.namespace) == [NAME.identifier]


class Killed(BaseException):
    pass


def stage(lakehouse: Lakehouse, ids: range, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write everything that a commit writes, and be killed before the catalog accepts it."""
    before = set(metadata_files(lakehouse))

    def killed(table: Table, requirements: Any, updates: Any) -> Table:
        catalog: Any = table.catalog
        current = catalog.load_table(table.name())
        staged = catalog._update_and_stage_table(current, table.name(), requirements, updates)
        catalog._write_metadata(staged.metadata, staged.io, staged.metadata_location)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("cascade.iceberg.attempt.send", killed)
        assert attempt.send is killed
        with pytest.raises(Killed):
            publish(lakehouse, ids, "killed")
    [file] = set(metadata_files(lakehouse)) - before
    return file


def metadata_files(lakehouse: Lakehouse) -> list[Path]:
    return sorted(Path(lakehouse.warehouse).rglob("*.metadata.json"))


def test_a_lost_catalog_has_its_tables_again(filled: Lakehouse) -> None:
    rows, before = rows_of(filled), filled.require(NAME)
    again = lost(filled)
    found = recovered(again, dry_run=True)
    assert (found.name, found.outcome, found.rows) == ("raw.counts", "registered", 5)
    assert again.load(NAME) is None
    assert recovered(again).outcome == "registered"
    after = again.require(NAME)
    assert after.metadata_location == before.metadata_location
    assert rows_of(again) == rows
    assert published_partitions(after).ranges == published_partitions(before).ranges
    assert recovered(again).outcome == "kept"
    publish(again, range(5))
    assert again.require(NAME).metadata_location == before.metadata_location
    publish(again, range(9))
    assert rows_of(again).keys() == set(range(9))


def test_a_commit_that_lost_its_race_is_not_chosen(filled: Lakehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    # Both have the same number, and the one that lost is the newer file.
    orphan = stage(filled, range(100), monkeypatch)
    publish(filled, range(7))
    committed = Path(filled.require(NAME).metadata_location)
    assert orphan.name.split("-")[0] == committed.name.split("-")[0]
    os.utime(orphan, (committed.stat().st_mtime + 60,) * 2)
    # A writer that lost removes what it wrote.
    for file in Path(filled.warehouse).rglob(f"snap-{_head(filled, orphan)}-*"):
        file.unlink()
    again = lost(filled)
    found = recovered(again)
    assert found.state is not None and Path(found.state.file.location) == committed
    assert [Path(one.file.location) for one in found.passed] == [orphan]
    assert len(rows_of(again)) == 7


def _head(lakehouse: Lakehouse, metadata: Path) -> str:
    import json

    return str(json.loads(metadata.read_text())["current-snapshot-id"])


def test_a_commit_that_lost_long_ago_is_not_chosen(filled: Lakehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    orphan = stage(filled, range(100), monkeypatch)
    for many in (6, 7, 8):
        publish(filled, range(many))
    os.utime(orphan, (2e9, 2e9))
    again = lost(filled)
    assert recovered(again).rows == 8
    assert len(rows_of(again)) == 8


def test_two_whole_states_are_not_guessed_and_can_be_chosen(filled: Lakehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    orphan = stage(filled, range(100), monkeypatch)
    publish(filled, range(7))
    committed = Path(filled.require(NAME).metadata_location)
    again = lost(filled)
    found = recovered(again)
    assert (found.outcome, again.load(NAME)) == ("not registered", None)
    assert {Path(one.file.location) for one in found.candidates} == {orphan, committed}
    with pytest.raises(UsageError, match="same table"):
        recover(again, choices=[str(orphan), str(committed)])
    with pytest.raises(UsageError, match="not a metadata file"):
        recover(again, choices=["/etc/passwd"])
    assert recovered(again, choices=[str(committed)]).outcome == "registered"
    assert len(rows_of(again)) == 7


def test_a_commit_whose_answer_nobody_got_counts_as_landed(filled: Lakehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    stage(filled, range(100), monkeypatch)
    again = lost(filled)
    assert recovered(again).rows == 100
    publish(again, range(100), "killed")
    assert len(rows_of(again)) == 100


def test_a_state_without_its_files_is_passed_over(filled: Lakehouse) -> None:
    for file in Path(filled.warehouse).rglob(f"snap-{filled.require(NAME).metadata.current_snapshot_id}-*"):
        file.unlink()
    again = lost(filled)
    found = recovered(again)
    assert (found.outcome, found.rows, len(found.passed)) == ("registered", 3, 1)
    assert len(rows_of(again)) == 3


def test_metadata_that_is_cut_is_passed_over(filled: Lakehouse) -> None:
    newest = Path(filled.require(NAME).metadata_location)
    newest.write_bytes(newest.read_bytes()[:100])
    again = lost(filled)
    assert recovered(again).rows == 3


def test_a_table_without_any_whole_state_is_told(filled: Lakehouse) -> None:
    shutil.rmtree(Path(filled.require(NAME).location()) / "data")
    # The empty table of the beginning is whole.
    Path(filled.require(NAME).metadata.metadata_log[0].metadata_file).unlink()
    found = recovered(lost(filled))
    assert found.outcome == "not registered"
    assert found.why is not None and "lacks files, such as" in found.why


def test_a_table_of_the_catalog_is_never_replaced(filled: Lakehouse) -> None:
    again = lost(filled)
    ensure_table(again, NAME, SCHEMA)
    publish(again, range(2))
    found = recovered(again)
    assert (found.outcome, len(rows_of(again))) == ("kept", 2)
    assert found.why is not None and "earlier one" in found.why
    [earlier] = found.candidates
    # Without the later table, the user can choose the earlier one.
    once_more = lost(again)
    assert recovered(once_more, dry_run=True).rows == 2
    assert recovered(once_more, choices=[earlier.file.location]).rows == 5
    assert len(rows_of(once_more)) == 5


def test_a_name_that_is_taken_and_files_that_were_moved_are_told(filled: Lakehouse, tmp_path: Path) -> None:
    location = Path(filled.require(NAME).location())
    shutil.copytree(location, location.parent / "elsewhere")
    filled.catalog.rename_table(NAME.identifier, replace(NAME, name="renamed").identifier)
    first, second = recover(filled)
    assert {(first.name, first.outcome), (second.name, second.outcome)} == {("raw.renamed", "kept")}
    again = lost(filled)
    outcomes = {found.outcome: found for found in recover(again)}
    assert outcomes["registered"].name == "raw.counts"
    assert len(rows_of(again)) == 5


def test_a_table_that_the_catalog_cannot_read_is_told(filled: Lakehouse) -> None:
    shutil.rmtree(filled.require(NAME).location())
    [found] = recover(filled)
    assert (found.name, found.outcome) == ("raw.counts", "not registered")
