"""A migrated project lands the rows that it landed before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from legacy.project import FIRST, write_legacy_project

from cascade.migration.applying import apply
from cascade.migration.planning import plan_migration
from cascade.scaffold.conftest import python


def test_a_migrated_project_lands_the_rows_that_are_there(tmp_path: Path) -> None:
    project = write_legacy_project(tmp_path / "old")

    def land() -> list[dict[str, Any]]:
        done = python(project.root, "-m", "cascade", "materialize", *project.rows, "--partition", FIRST, "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        runs: list[dict[str, Any]] = json.loads(done.stdout)["runs"]
        assert {run["asset"]: run["rows"] for run in runs} == project.rows
        return runs

    before = land()
    apply(plan_migration(project.root))
    # A run that finds the very rows of the one before commits nothing.
    assert [(run["snapshot_id"], run["committed"]) for run in land()] == [(run["snapshot_id"], False) for run in before]
    validated = python(project.root, "-m", "cascade", "validate")
    assert validated.returncode == 0, validated.stdout + validated.stderr
