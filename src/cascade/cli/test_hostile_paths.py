"""A project in a directory whose name is something else in a URI, a shell, a pattern or YAML."""

from __future__ import annotations

from pathlib import Path

import pytest

from cascade.cli.conftest import Cascade
from cascade.framework.conftest import THINGS, SampleProject

NAME = "-a b#c%d&e=f+g 'h' \"i\";j:k,[l]*{m}\\n\n$HOME öé📦"


@pytest.fixture
def moved(project: SampleProject, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> SampleProject:
    """Return the project in a directory with another name."""
    home = project.root.parent / "home" / request.param
    home.parent.mkdir()
    project.root.rename(home)
    monkeypatch.chdir(home)
    monkeypatch.syspath_prepend(str(home))
    here = SampleProject(home, project.package)
    here.write("things.py", THINGS)
    return here


def materialized_and_shown(cascade: Cascade) -> None:
    for arguments in (
        ("materialize", "things", "--partition", "2024-01-01"),
        ("table", "show", "things"),
        ("list",),
        ("validate",),
        ("doctor",),
    ):
        result = cascade(*arguments)
        assert result.exit_code == 0, (arguments, result.output)


@pytest.mark.parametrize("moved", [NAME], indirect=True)
def test_everything_stays_in_the_project(cascade: Cascade, moved: SampleProject) -> None:
    materialized_and_shown(cascade)
    assert [path.name for path in moved.root.parent.iterdir()] == [NAME]
    assert (moved.root / ".cascade" / "dagster" / "history").is_dir()
    assert list((moved.root / ".cascade" / "warehouse").rglob("*.parquet"))


@pytest.mark.parametrize("moved", ["a%20b?c"], indirect=True)
def test_a_home_that_dagster_cannot_use_is_an_error_before_anything_is_written(
    cascade: Cascade, moved: SampleProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = cascade("materialize", "things", "--partition", "2024-01-01")
    assert result.exit_code == 2, result.output
    assert "because of a % or a ? in the path" in result.stderr
    assert "Set CASCADE_DAGSTER_HOME" in result.stderr
    assert "because of a % or a ? in the path" in cascade("doctor").stdout
    assert not (moved.root / ".cascade").exists()
    monkeypatch.setenv("CASCADE_DAGSTER_HOME", str(tmp_path / "dagster"))
    materialized_and_shown(cascade)
    assert [path.name for path in moved.root.parent.iterdir()] == [moved.root.name]
