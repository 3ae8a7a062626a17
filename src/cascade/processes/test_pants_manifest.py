"""How `dev` follows the list of workflows that Pants knows."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import cast

import pytest

from cascade.exceptions import CascadeError
from cascade.framework.renewed_manifest import COMMAND_VARIABLE, DIRECTORY_VARIABLE, renewed, write_renewed
from cascade.processes.pants_manifest import ManifestRenewal, PantsCommand
from cascade.processes.test_watch import RecordingUI, running
from cascade.processes.ui import UserInterface
from cascade.processes.watch import Watcher
from cascade.processes.watched import Places

OLD = {"module": "cascade_project_dev", "name": "dev", "modules": ["workflows.old"]}
NEW = {**OLD, "modules": ["workflows.new"]}


def command(directory: Path, script: str) -> PantsCommand:
    return PantsCommand(directory, (sys.executable, "-c", script))


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def errors_with(text: str, capsys: pytest.CaptureFixture[str]) -> Callable[[], bool]:
    """Return whether a text has been printed to standard error by now."""
    printed: list[str] = []

    def found() -> bool:
        printed.append(capsys.readouterr().err)
        return text in "".join(printed)

    return found


def test_processes_of_dev_load_the_renewed_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert renewed(OLD) == OLD
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(tmp_path / "manifests"))
    assert renewed(OLD) == OLD
    write_renewed(tmp_path / "manifests", [{**NEW, "name": "other"}])
    assert renewed(OLD) == NEW
    assert renewed({**OLD, "module": "cascade_project_other"})["modules"] == ["workflows.old"]


def test_the_command_runs_in_the_repository_without_the_variables_of_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert PantsCommand.from_environment() is None
    script = "import json, os; print(json.dumps([dict(os.environ, modules=[os.getcwd()])]))"
    given = {"directory": str(tmp_path), "argv": [sys.executable, "-c", script]}
    monkeypatch.setenv(COMMAND_VARIABLE, json.dumps(given))
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    monkeypatch.setenv("PEX_EXTRA_SYS_PATH", "/nowhere")
    monkeypatch.setenv("OF_THE_USER", "kept")
    asked = PantsCommand.from_environment()
    assert asked is not None
    (environment,) = asked.manifests()
    assert environment["modules"] == [str(tmp_path)]
    assert environment["OF_THE_USER"] == "kept"
    assert not {"PYTHONPATH", "PEX_EXTRA_SYS_PATH", COMMAND_VARIABLE} & set(environment)


def test_what_pants_prints_when_it_fails_is_the_error(tmp_path: Path) -> None:
    with pytest.raises(CascadeError, match="two workflows declare it"):
        command(tmp_path, "import sys; sys.exit('two workflows declare it')").manifests()


def test_a_request_during_a_run_is_one_more_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "log"
    script = (
        f"import time; open({str(log)!r}, 'a').write('run\\n'); time.sleep(0.5); print({json.dumps(json.dumps([NEW]))})"
    )
    finished: list[tuple[str, ...]] = []
    renewal = ManifestRenewal(command(tmp_path, script), tmp_path / "manifests")
    for reason in ("a is new", "b is new", "c is new"):
        renewal.request([reason], finished.append)
    wait_for(lambda: len(finished) == 2)
    assert finished == [("workflows.new",)] * 2
    assert log.read_text() == "run\n" * 2
    shown = capsys.readouterr().out
    assert "c is new." in shown
    assert shown.count("Asking Pants") == 1


def test_a_failure_is_shown_and_the_list_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    renewal = ManifestRenewal(command(tmp_path, "print('no JSON')"), tmp_path / "manifests")
    renewal.request(["a is new"], lambda _: pytest.fail("there is no list"))
    wait_for(errors_with("stays as it was", capsys))
    assert not (tmp_path / "manifests").exists()


class Asked:
    """A renewal that records why it is asked, and answers at once."""

    def __init__(self, modules: tuple[str, ...]) -> None:
        self.modules = modules
        self.reasons: list[str] = []

    def request(self, reasons: Sequence[str], finished: Callable[[tuple[str, ...]], None]) -> None:
        self.reasons.extend(reasons)
        finished(self.modules)


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    directory = tmp_path / "workflows"
    directory.mkdir()
    (directory / "old.py").write_text("@cascade_ingestion(table_name='x')\ndef x(): ...\n")
    return directory


@pytest.fixture
def ui() -> RecordingUI:
    return RecordingUI()


@pytest.fixture
def asked() -> Asked:
    return Asked(("workflows.old",))


@pytest.fixture
def watcher(sources: Path, ui: RecordingUI, asked: Asked) -> Iterator[Watcher]:
    thread = Watcher(
        cast("UserInterface", ui),
        ["p"],
        lambda: Places((sources,), (sources,)),
        ["workflows.old"],
        cast("ManifestRenewal", asked),
    )
    with running(thread, ui):
        yield thread


def test_a_moved_workflow_is_loaded_from_its_new_place(
    sources: Path, ui: RecordingUI, asked: Asked, watcher: Watcher, capsys: pytest.CaptureFixture[str]
) -> None:
    asked.modules = ("workflows.new",)
    (sources / "old.py").rename(sources / "new.py")
    ui.wait_for(2)
    assert f"{sources / 'new.py'} is a new workflow" in asked.reasons
    assert f"{sources / 'old.py'} was deleted" in asked.reasons
    wait_for(lambda: "Reloaded p after the new list of workflows" in capsys.readouterr().out)


def test_a_helper_and_an_edited_workflow_are_only_reloaded(
    sources: Path, ui: RecordingUI, asked: Asked, watcher: Watcher
) -> None:
    (sources / "helper.py").write_text("x = 1\n")
    ui.wait_for(1)
    (sources / "old.py").write_text("@cascade_ingestion(table_name='y')\ndef y(): ...\n")
    ui.wait_for(2)
    assert asked.reasons == []


def test_a_workflow_without_a_target_is_asked_for_once_and_after_an_edit_of_a_build_file(
    sources: Path, ui: RecordingUI, asked: Asked, watcher: Watcher, capsys: pytest.CaptureFixture[str]
) -> None:
    new = sources / "new.py"
    new.write_text("@cascade_ingestion(table_name='y')\ndef y(): ...\n")
    wait_for(errors_with("run: pants tailor ::", capsys))
    new.write_text("@cascade_ingestion(table_name='z')\ndef z(): ...\n")
    ui.wait_for(2)
    assert asked.reasons == [f"{new} is a new workflow"]
    asked.modules = ("workflows.old", "workflows.new")
    (sources / "BUILD").write_text("cascade_workflow()\n")
    ui.wait_for(3)
    assert f"{sources / 'BUILD'} was changed" in asked.reasons


def test_an_older_backend_leaves_it_to_a_restart(sources: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ui = UserInterface("127.0.0.1", 1)
    watcher = Watcher(ui, ["dev"], lambda: Places((sources,), ()), ["workflows.old"])
    watcher._follow_manifest([], [sources / "old.py"], [])
    assert "old.py was deleted. Restart `dev`" in capsys.readouterr().err
