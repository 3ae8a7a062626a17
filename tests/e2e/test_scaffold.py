"""A scaffolded workflow works without edits: test, check, tailor, run, package."""

from __future__ import annotations

import re
import shlex
import zipfile
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from e2e.conftest import Repository

KINDS = ("file", "rest-api", "database", "dataframe")


def test_a_scaffolded_workflow_works_with_every_goal(repository: Repository) -> None:
    written = repository.pants("cascade-scaffold", "src/workflows/weather").ok()
    assert repository.changes() == ["src/workflows/weather/"]
    assert all(
        f"src/workflows/weather/{name}" in written.out
        for name in ("BUILD", "observations.py", "schema.py", "test_observations.py")
    )
    repository.pants("test", "src/workflows/weather::").ok()
    repository.pants("check", "src/workflows/weather::").ok()
    repository.pants("tailor", "--check", "src::").ok()
    # The command that the scaffold prints.
    proposed = re.search(r"run (\S+) -- (materialize .+)", written.out)
    assert proposed is not None, written.out
    ran = repository.pants("run", proposed[1], "--", *shlex.split(proposed[2])).ok()
    assert re.search(r"rows in [1-9]\d*, rows good [1-9]\d*, rows refused 0", ran.out), ran.out
    repository.pants("package", ":dev").ok()
    with zipfile.ZipFile(repository.root / "dist" / "dev.pex") as archive:
        assert "workflows/weather/observations.py" in archive.namelist()
    assert repository.changes() == ["src/workflows/weather/"]


def test_every_kind_of_source_passes_its_own_test_and_the_check(repository: Repository) -> None:
    directories = [f"src/workflows/from_{kind.replace('-', '_')}" for kind in KINDS]
    for kind, directory in zip(KINDS, directories, strict=True):
        repository.pants("cascade-scaffold", f"--type={kind}", "--cron=0 6 * * *", directory).ok()
    specs = [f"{directory}::" for directory in directories]
    repository.pants("test", *specs).ok()
    repository.pants("check", *specs).ok()
    listed = repository.dev("list").ok().out
    assert all(directory.rsplit("/", 1)[1] in listed for directory in directories)


def test_table_and_key_can_be_chosen(repository: Repository) -> None:
    # The launcher also accepts options after the path.
    repository.pants("cascade-scaffold", "--table=river_levels", "src/workflows/rivers", "--unique-key=gauge,day").ok()
    repository.pants("test", "src/workflows/rivers::").ok()
    line = next(line for line in repository.dev("list").ok().out.splitlines() if "workflows.rivers" in line)
    assert line.split()[0] == "river_levels"
    assert "gauge, day" in line


def test_existing_files_are_not_overwritten_unless_forced(repository: Repository) -> None:
    repository.pants("cascade-scaffold", "src/workflows/weather").ok()
    repository.replace("src/workflows/weather/schema.py", '"""', '"""Mine. ')
    again = repository.pants("cascade-scaffold", "src/workflows/weather")
    assert again.code == 1, str(again)
    assert "src/workflows/weather/schema.py" in again.err
    assert "--force" in again.err
    assert "Mine." in (repository.root / "src/workflows/weather/schema.py").read_text()
    repository.pants("cascade-scaffold", "--force", "src/workflows/weather").ok()
    assert "Mine." not in (repository.root / "src/workflows/weather/schema.py").read_text()


@pytest.mark.parametrize(
    ("directory", "meant"),
    [
        ("src/workflows/credit-risk", "credit_risk"),
        ("3rdparty/weather", "source root"),
        ("src", "source root"),
    ],
)
def test_a_directory_that_cannot_hold_a_workflow_is_exit_2(repository: Repository, directory: str, meant: str) -> None:
    refused = repository.pants("cascade-scaffold", directory)
    assert refused.code == 2, str(refused)
    assert meant in refused.err
    assert "Traceback" not in refused.err
    assert repository.changes() == []


@pytest.mark.parametrize("directory", ["../elsewhere", "src/workflows/../../../elsewhere", "/elsewhere"])
def test_a_path_outside_the_repository_is_exit_2(repository: Repository, directory: str) -> None:
    refused = repository.pants("cascade-scaffold", directory)
    assert refused.code == 2, str(refused)
    assert "not a path in this repository" in refused.err
    assert "Traceback" not in refused.err
    assert not (repository.root.parent / "elsewhere").exists()


def test_a_dry_run_writes_nothing(repository: Repository) -> None:
    shown = repository.pants("cascade-scaffold", "--dry-run", "src/workflows/weather").ok()
    assert "@cascade_ingestion(" in shown.out
    assert repository.changes() == []
