"""A disk that is full, and one that cannot be written."""

from __future__ import annotations

import errno
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import BaseModel, Field, create_model

from cascade.declarations import IngestionDeclaration
from cascade.exceptions import CascadeError
from cascade.framework.resources import throwaway_config
from cascade.iceberg import Lakehouse
from cascade.iceberg.heads import AuditBranch
from cascade.iceberg.maintenance import maintain_table, table_locations
from cascade.iceberg.merge import MergePlanner
from cascade.iceberg.publishing import commit_audited
from cascade.iceberg.rollback import plan_rollback, roll_back
from cascade.iceberg.table_branches import drop_branch, publish_branch
from cascade.ingestion import cascade_ingestion
from cascade.ingestion.replay import replay
from cascade.ingestion.run import run_ingestion
from cascade.table_ref import TableRef
from cascade.testing.trials.cases import Case, Row, run_case
from cascade.testing.trials.model import Model
from cascade.testing.trials.sites import new_site, rows_in

DISPOSITIONS = [Case("merge"), Case("append"), Case("replace")]
DAY = "2024-01-01"
OLD = (Row(1, 1, 1.0), Row(2, 2, 2.0))
NEW = tuple(Row(id, id, float(id)) for id in range(2, 600))

every_disposition = pytest.mark.parametrize("case", DISPOSITIONS, ids=str)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 4 MiB, where this is permitted."""
    path = tmp_path / "disk"
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(path)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a disk can be mounted only with the rights of root")
    try:
        yield path
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)


def fill(disk: Path, leave: int) -> Path:
    """Fill a disk, except for some bytes."""
    filler = disk / "filler"
    try:
        with filler.open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)
    except OSError as error:
        assert error.errno == errno.ENOSPC
    with filler.open("r+b") as file:
        file.truncate(max(0, filler.stat().st_size - leave))
    return filler


def unreferenced(lakehouse: Lakehouse, ref: TableRef) -> set[str]:
    """Return the data files that no snapshot names."""
    table = lakehouse.require(ref)
    directory = Path(table.location().removeprefix("file://"))
    named = {
        Path(str(path).removeprefix("file://")).name
        for snapshot in table.snapshots()
        for path in table.inspect.files(snapshot.snapshot_id)["file_path"].to_pylist()
    }
    return {path.name for path in directory.rglob("*.parquet")} - named


@every_disposition
def test_a_full_disk_is_an_error_with_a_cause_and_loses_nothing(disk: Path, case: Case) -> None:
    """With each amount of space, the run stops at another step, until the space is enough."""
    messages = []
    with new_site(throwaway_config(disk)) as site:
        lakehouse = site.open()
        for leave in range(0, 96 * 1024, 12 * 1024):
            ref, before = site.table(case), Model(case).after(DAY, OLD)
            run_case(lakehouse, case, ref, DAY, OLD)
            filler = fill(disk, leave)
            try:
                run_case(lakehouse, case, ref, DAY, NEW)
            except CascadeError as error:
                messages.append(str(error))
                assert rows_in(lakehouse, ref) == before.rows
                filler.unlink()
                run_case(lakehouse, case, ref, DAY, NEW)
            finally:
                filler.unlink(missing_ok=True)
            assert rows_in(lakehouse, ref) == before.after(DAY, NEW).rows
            assert not run_case(lakehouse, case, ref, DAY, NEW).committed
    assert len(messages) >= 2
    assert all("No space left on device" in message for message in messages), messages


def test_repairs_on_a_full_disk_are_errors_with_a_cause_and_change_nothing(disk: Path) -> None:
    class Number(BaseModel):
        id: int = Field(lt=100)

    def workflow(schema: type[BaseModel], *ids: int) -> IngestionDeclaration:
        rows = [{"id": number} for number in ids]
        make = cascade_ingestion(
            table_name="numbers", group="g", unique_key="id", validation_schema=schema, partitions=None
        )
        return make(lambda: rows).declaration

    with new_site(throwaway_config(disk)) as site:
        lakehouse = site.open()
        for number in (1, 2):
            run_ingestion(
                workflow(Number, number, 100 + number), lakehouse=lakehouse, window=None, run_id=f"run {number}"
            )
        lax = workflow(create_model("Number", id=(int, ...)))
        ref = lax.table_ref
        with pytest.raises(CascadeError, match="the check failed"):
            audit = AuditBranch.of("audited", 3600.0)
            planner = MergePlanner(pa.table({"id": [7]}), ("id",))
            commit_audited(lakehouse, ref, planner, _fails, audit=audit, summary={})

        def roll_back_once() -> object:
            table = lakehouse.require(ref)
            first = min(table.snapshots(), key=lambda snapshot: snapshot.sequence_number or 0)
            return roll_back(lakehouse, plan_rollback(table, ref, str(first.snapshot_id)))

        repairs: dict[str, Callable[[], object]] = {
            "drop": lambda: drop_branch(lakehouse, ref, "audit"),
            "publish": lambda: publish_branch(lakehouse, ref, "audit"),
            "replay": lambda: replay(lax, lakehouse=lakehouse, window=None, run_id="replay"),
            "roll back": roll_back_once,
        }
        before = lakehouse.read(ref.full_name)["id"].to_list()
        for leave in (0, 8192):
            filler = fill(disk, leave)
            for name, repair in repairs.items():
                with pytest.raises(CascadeError, match="No space left on device") as caught:
                    repair()
                assert "Free some space" in str(caught.value), name
            problems = maintain_table(lakehouse, ref, table_locations(lakehouse), orphan_age=0).problems
            assert all("No space left on device" in problem for problem in problems)
            filler.unlink()
            assert sorted(lakehouse.read(ref.full_name)["id"].to_list()) == sorted(before)
        for name in ("publish", "replay", "roll back"):
            repairs[name]()
        assert lakehouse.read(ref.full_name)["id"].to_list() == [1]


def _fails(committed: object) -> None:
    raise CascadeError("the check failed")


@every_disposition
def test_a_file_that_cannot_be_written_to_its_end_is_removed(
    tmp_path: Path, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: Any, **more: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with new_site(throwaway_config(tmp_path)) as site:
        lakehouse, ref = site.open(), site.table(case)
        run_case(lakehouse, case, ref, DAY, OLD)
        with monkeypatch.context() as patch, pytest.raises(CascadeError, match="No space left on device") as caught:
            patch.setattr(pq.ParquetWriter, "write_table", full)
            run_case(lakehouse, case, ref, DAY, NEW)
        assert "Free some space" in str(caught.value)
        assert unreferenced(lakehouse, ref) == set()
        run_case(lakehouse, case, ref, DAY, NEW)
        assert rows_in(lakehouse, ref) == Model(case).after(DAY, OLD).after(DAY, NEW).rows


@every_disposition
def test_a_warehouse_that_cannot_be_written_is_an_error_with_a_cause(disk: Path, tmp_path: Path, case: Case) -> None:
    config = throwaway_config(tmp_path).model_copy(update={"iceberg_warehouse": str(disk / "warehouse")})
    with new_site(config) as site:
        lakehouse, ref = site.open(), site.table(case)
        run_case(lakehouse, case, ref, DAY, OLD)
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        try:
            with pytest.raises(CascadeError, match="Read-only file system") as caught:
                run_case(lakehouse, case, ref, DAY, NEW)
            assert "Make it writable" in str(caught.value)
            assert rows_in(lakehouse, ref) == Model(case).after(DAY, OLD).rows
            with pytest.raises(CascadeError, match="Read-only file system"):
                run_case(lakehouse, case, site.table("another"), DAY, NEW)
        finally:
            subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
        run_case(lakehouse, case, ref, DAY, NEW)
        assert rows_in(lakehouse, ref) == Model(case).after(DAY, OLD).after(DAY, NEW).rows
