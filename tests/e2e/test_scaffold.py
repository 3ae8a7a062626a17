"""A scaffolded workflow works without edits: test, check, tailor, run. Other tests package one."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from e2e.conftest import Repository

# What each scaffolded workflow is told. The launcher also accepts options after the path.
SCAFFOLDED = {
    "src/workflows/weather": (),
    "src/workflows/from_rest_api": ("--type=rest-api", "--cron=0 6 * * *"),
    "src/workflows/from_database": ("--type=database", "--cron=0 6 * * *"),
    "src/workflows/from_dataframe": ("--type=dataframe", "--cron=0 6 * * *"),
    "src/workflows/rivers": ("--type=file", "--cron=0 6 * * *", "--table=river_levels", "--unique-key=gauge,day"),
}


def test_scaffolded_workflows_of_every_kind_of_source_work_with_every_goal(repository: Repository) -> None:
    printed = {}
    for directory, options in SCAFFOLDED.items():
        written = repository.pants("cascade-scaffold", *options[:-1], directory, *options[-1:]).ok().out
        for name in ("BUILD", "observations.py", "schema.py", "test_observations.py"):
            assert f"{directory}/{name}" in written
        printed[directory] = written
    made = sorted(f"{directory}/" for directory in SCAFFOLDED)
    assert repository.changes() == made

    specs = [f"{directory}::" for directory in SCAFFOLDED]
    repository.pants("test", *specs).ok()
    repository.pants("check", *specs).ok()
    repository.pants("tailor", "--check", "src::").ok()
    # The command that the scaffold prints.
    proposed = re.search(r"run (\S+) -- (materialize .+)", printed["src/workflows/weather"])
    assert proposed is not None, printed
    ran = repository.pants("run", proposed[1], "--", *shlex.split(proposed[2])).ok()
    assert re.search(r"rows in [1-9]\d*, rows good [1-9]\d*, rows refused 0", ran.out), ran.out
    lines = repository.dev("list").ok().out.splitlines()
    listed = {name: next(line for line in lines if f"workflows.{Path(name).name}" in line) for name in SCAFFOLDED}
    assert listed["src/workflows/rivers"].split()[0] == "river_levels"
    assert "gauge, day" in listed["src/workflows/rivers"]
    assert repository.changes() == made


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
