"""What is watched, and when a restart is needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from cascade.cli.ui import UserInterface
from cascade.cli.watch import Watcher, _is_source, watched_paths
from cascade.config import CascadeConfig
from cascade.framework.conftest import SampleProject, project

__all__ = ["project"]


def test_sources_and_settings_are_watched_and_the_rest_of_a_repository_is_not(project: SampleProject) -> None:
    for name in ("node_modules", ".cascade", "shared"):
        (project.root / name).mkdir()
    paths = watched_paths(CascadeConfig())
    assert {project.root / project.package, project.root / "shared", project.root / "pyproject.toml"} <= set(paths)
    assert not {project.root, project.root / "node_modules", project.root / ".cascade"} & set(paths)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/p/flows/a.py", True),
        ("/p/cascade_config.py", True),
        ("/p/.env", True),
        ("/p/flows/data.csv", False),
        ("/p/.cascade/x.py", False),
        ("/p/flows/__pycache__/a.py", False),
    ],
)
def test_only_sources_and_settings_cause_a_reload(path: str, expected: bool) -> None:
    assert _is_source(None, path) is expected


def test_under_a_manifest_a_new_or_deleted_workflow_asks_for_a_restart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = tmp_path / "workflows" / "new.py"
    new.parent.mkdir()
    new.write_text("@cascade_ingestion(table_name='x')\ndef x(): ...\n", encoding="utf-8")
    helper = new.with_name("helper.py")
    helper.write_text("x = 1\n", encoding="utf-8")
    ui = UserInterface("127.0.0.1", 1)
    Watcher(ui, ["dev"], [tmp_path], ["workflows.old"])._advise([new, helper], [new.with_name("old.py")])
    shown = capsys.readouterr().err
    assert f"{new} is a new workflow" in shown
    assert "old.py is gone" in shown
    assert "helper.py" not in shown
    Watcher(ui, ["dev"], [tmp_path], None)._advise([new], [])
    assert capsys.readouterr().err == ""
