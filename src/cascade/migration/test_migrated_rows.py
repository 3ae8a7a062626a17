"""A migrated project lands the rows that it landed before."""

from __future__ import annotations

import json
from pathlib import Path

from legacy.project import FIRST, write_legacy_project

from cascade.migration.applying import apply
from cascade.migration.planning import plan_migration
from cascade.scaffold.conftest import python


def test_a_migrated_project_lands_the_rows_of_the_old_one(tmp_path: Path) -> None:
    project = write_legacy_project(tmp_path / "old")
    apply(plan_migration(project.root))
    validated = python(project.root, "-m", "cascade", "validate")
    assert validated.returncode == 0, validated.stdout + validated.stderr
    done = python(project.root, "-m", "cascade", "materialize", *project.rows, "--partition", FIRST, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    runs = json.loads(done.stdout)["runs"]
    assert {run["asset"]: run["rows"] for run in runs} == project.rows
    assert sum(run["rows_refused"] for run in runs) == 0
