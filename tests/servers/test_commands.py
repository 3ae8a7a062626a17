"""A project that `cascade init` made, on a REST catalog and S3 by its environment alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from servers.seaweedfs import SeaweedFS

from cascade.scaffold.conftest import python

TABLE = "air_quality_observations"


@pytest.fixture
def cascade(seaweedfs: SeaweedFS, tmp_path: Path) -> Callable[..., str]:
    """Return a function that runs a command in a new project, and returns its output."""
    variables = {f"CASCADE_{name.upper()}": value for name, value in seaweedfs.settings.items()}

    def run(*words: str, directory: Path = tmp_path / "shop", **more: str) -> str:
        done = python(directory, "-m", "cascade", *words, **{**variables, **more})
        shown = done.stdout + done.stderr
        assert seaweedfs.secret not in shown
        assert done.returncode == (1 if more else 0), shown
        return shown

    run("init", "shop", "--template", "basic", directory=tmp_path)
    return run


def test_the_commands_work_and_keep_secrets(cascade: Callable[..., str], seaweedfs: SeaweedFS, tmp_path: Path) -> None:
    """Materialize, read, check and maintain."""
    assert "s3://tables can be listed" in cascade("doctor")
    assert "rows good 4" in cascade("materialize", TABLE, "--partition", "2024-01-01")
    assert "rows good 8" in cascade("backfill", TABLE, "--from", "2024-01-02", "--to", "2024-01-03")
    assert "Castle Street" in cascade("table", "query", f"select * from {TABLE}")
    assert "3 -> 1" in cascade("maintain")
    history = json.loads(cascade("table", "history", TABLE, "--json"))
    assert len(history["snapshots"]) == 4
    state = tmp_path / "shop" / ".cascade"
    leaks = [path for path in state.rglob("*") if path.is_file() and seaweedfs.secret.encode() in path.read_bytes()]
    assert leaks == []
