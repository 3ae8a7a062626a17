"""What `dev` watches, and when it reloads."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pytest
from watchfiles import Change

from cascade.config import CascadeConfig
from cascade.framework.conftest import SampleProject, project
from cascade.processes.ui import Asset, Location, UserInterface
from cascade.processes.watch import Watcher
from cascade.processes.watched import FolderFilter, SourceFilter, watched_places

__all__ = ["project"]


def test_source_directories_are_watched_and_the_rest_of_a_repository_is_not(project: SampleProject) -> None:
    for name in ("node_modules", ".cascade", "shared"):
        (project.root / name).mkdir()
    places = watched_places(CascadeConfig(), standalone=True)
    paths = set(places.trees)
    assert {project.root / project.package, project.root / "shared"} <= paths
    assert not {project.root, project.root / "node_modules", project.root / ".cascade"} & paths
    assert project.root in places.folders


def test_a_directory_that_does_not_exist_yet_is_watched_from_above(
    project: SampleProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project.root / "src").mkdir()
    monkeypatch.setenv("CASCADE_WORKFLOWS_PATH", "src/later/flows")
    assert project.root / "src" in watched_places(CascadeConfig(), standalone=False).folders


@pytest.mark.parametrize(
    ("change", "path", "expected"),
    [
        (Change.modified, "flows/a.py", True),
        (Change.deleted, "flows/weather", True),
        (Change.modified, "flows/weather", False),
        (Change.modified, "flows/data.csv", False),
        (Change.modified, "flows/.cascade/x.py", False),
        (Change.modified, "flows/__pycache__/a.py", False),
        (Change.added, "flows/__pycache__", False),
    ],
)
def test_only_sources_and_directories_matter(change: Change, path: str, expected: bool) -> None:
    # The path of the project may hold an ignored name.
    assert SourceFilter([Path("/build/p/flows")])(change, f"/build/p/{path}") is expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("dbt_project.yml", True),
        ("models/build/daily.sql", True),
        ("models/daily.yaml", True),
        ("seeds/names.csv", True),
        ("models/docs.md", True),
        ("target/run/daily.sql", False),
        ("logs/dbt.log", False),
        ("models/.daily.sql.swp", False),
        ("models/.idea/daily.sql", False),
        ("models/notes.txt", False),
        ("../data.csv", False),
    ],
)
def test_files_of_the_dbt_project_matter_and_not_what_dbt_writes(tmp_path: Path, path: str, expected: bool) -> None:
    dbt = tmp_path / "transforms" / "dbt"
    file = Path(os.path.normpath(dbt / path))
    assert SourceFilter([tmp_path / "transforms"], dbt)(Change.modified, str(file)) is expected


def test_settings_files_and_new_directories_matter_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "notes").touch()
    matters = FolderFilter()
    assert matters(Change.modified, f"{tmp_path}/.env")
    assert matters(Change.added, f"{tmp_path}/new")
    assert not matters(Change.modified, f"{tmp_path}/new")
    assert not matters(Change.added, f"{tmp_path}/notes")


class RecordingUI:
    """A webserver that records reloads and shows the locations it is given."""

    def __init__(self) -> None:
        self.reloads: list[str] = []
        self.shown: tuple[Location, ...] = (Location("p", assets=(Asset("old", "g", False),)),)
        self.error: str | None = None

    def reload(self, name: str) -> str | None:
        self.reloads.append(name)
        return self.error

    def locations(self) -> tuple[Location, ...]:
        return self.shown

    def wait_for(self, count: int) -> None:
        deadline = time.monotonic() + 20
        while len(self.reloads) < count:
            assert time.monotonic() < deadline
            time.sleep(0.02)


@contextmanager
def running(watcher: Watcher, ui: RecordingUI) -> Iterator[None]:
    """Run a watcher of a webserver, and check that it ends."""
    watcher.start()
    watcher.serve(ui.shown)
    # Give the operating system time to begin watching.
    time.sleep(0.5)
    yield
    watcher.stop()
    watcher.join(timeout=10)
    assert not watcher.is_alive()


@pytest.fixture
def ui() -> RecordingUI:
    return RecordingUI()


@pytest.fixture
def watcher(project: SampleProject, ui: RecordingUI) -> Iterator[Watcher]:
    """Run a watcher of `project`."""
    project.write("weather/a.py", "")
    config = CascadeConfig()
    thread = Watcher(
        cast("UserInterface", ui),
        ["p"],
        lambda: watched_places(config, standalone=True),
        None,
    )
    with running(thread, ui):
        yield thread


def wait_for_line(capsys: pytest.CaptureFixture[str], text: str) -> None:
    """Wait for a line of output with a text. One edit may be several changes, and so several reloads."""
    said, deadline = "", time.monotonic() + 20
    while not any(text in line for line in said.splitlines()):
        assert time.monotonic() < deadline, said
        time.sleep(0.02)
        said += capsys.readouterr().out


def test_saved_added_and_deleted_files_are_reloaded(
    project: SampleProject, ui: RecordingUI, watcher: Watcher, capsys: pytest.CaptureFixture[str]
) -> None:
    path = project.write("weather/a.py", "x = 1")
    wait_for_line(capsys, "Reloaded p after a.py")
    ui.shown = (Location("p", assets=(Asset("new", "g", False),)),)
    added = project.write("traffic/b.py", "")
    wait_for_line(capsys, "; new: new; removed: old.")
    ui.shown = (Location("p", assets=(Asset("new", "g", False, broken=True),)),)
    added.write_text("x = 1")
    wait_for_line(capsys, "; broken: new.")
    ui.shown = (Location("p", assets=(Asset("new", "g", False),)),)
    added.write_text("x = 2")
    wait_for_line(capsys, "; no longer broken: new.")
    path.unlink()
    wait_for_line(capsys, "Reloaded p after a.py")


def test_edits_of_the_dbt_project_are_reloaded(
    project: SampleProject, ui: RecordingUI, watcher: Watcher, capsys: pytest.CaptureFixture[str]
) -> None:
    dbt = project.root / "transforms/dbt"
    for name in ("models/silver", "target"):
        (dbt / name).mkdir(parents=True)
    (dbt / "models/silver/daily.sql").write_text("select 1")
    ui.wait_for(1)
    time.sleep(0.5)
    reloads = len(ui.reloads)
    (dbt / "target/daily.sql").write_text("select 1")
    (dbt / "models/silver/daily.sql").write_text("select 2")
    ui.wait_for(reloads + 1)
    (dbt / "models/silver").rename(dbt / "models/gold")
    ui.wait_for(reloads + 2)
    assert set(capsys.readouterr().out.replace("Reloaded p after ", "").split(" in ")[0].split(", ")) == {"daily.sql"}


def test_moving_a_directory_changes_the_files_in_it(
    project: SampleProject, tmp_path: Path, watcher: Watcher, capsys: pytest.CaptureFixture[str]
) -> None:
    (project.root / project.package / "weather").rename(tmp_path / "weather")
    wait_for_line(capsys, "Reloaded p after a.py")
    (tmp_path / "weather").rename(project.root / project.package / "back")
    wait_for_line(capsys, "Reloaded p after a.py")


def test_settings_files_are_noticed_when_an_editor_replaces_them(
    project: SampleProject, ui: RecordingUI, watcher: Watcher
) -> None:
    settings = project.root / "pyproject.toml"
    for number in (1, 2):
        draft = project.root / "draft"
        draft.write_text(settings.read_text() + f"# {number}\n")
        draft.replace(settings)
        ui.wait_for(number)
    (project.root / ".env").write_text("CASCADE_AUTOMATION=true\n")
    ui.wait_for(3)


def test_a_directory_created_later_is_watched(project: SampleProject, ui: RecordingUI, watcher: Watcher) -> None:
    helper = project.root / "shared" / "helper.py"
    helper.parent.mkdir()
    helper.write_text("")
    ui.wait_for(1)
    time.sleep(0.5)
    helper.write_text("x = 1")
    ui.wait_for(2)


def test_data_files_are_ignored(project: SampleProject, ui: RecordingUI, watcher: Watcher) -> None:
    scratch = project.write("weather/data", "")
    project.write("weather/rows.csv", "")
    scratch.unlink()
    project.write("weather/a.py", "x = 1")
    ui.wait_for(1)
    assert ui.reloads == ["p"]


def test_a_location_that_does_not_load_is_reported(
    project: SampleProject, ui: RecordingUI, watcher: Watcher, capsys: pytest.CaptureFixture[str]
) -> None:
    ui.error = "no luck"
    project.write("weather/a.py", "x = 1")
    ui.wait_for(1)
    watcher.stop()
    watcher.join(timeout=10)
    assert "p does not load after a.py: no luck" in capsys.readouterr().err


def test_a_dead_code_server_is_reloaded_a_second_time(
    project: SampleProject, ui: RecordingUI, watcher: Watcher, capsys: pytest.CaptureFixture[str]
) -> None:
    ui.error = "Could not reach user code server. gRPC Error code: UNAVAILABLE"
    project.write("weather/a.py", "x = 1")
    ui.wait_for(2)
    assert ui.reloads == ["p", "p"]
