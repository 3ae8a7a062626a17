"""A disk that is full, and one that cannot be written."""

from __future__ import annotations

import errno
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from cascade.exceptions import CascadeError
from cascade.framework.resources import throwaway_config
from cascade.iceberg import Lakehouse
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
