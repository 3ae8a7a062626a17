"""Completion, called as a shell calls it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cascade.cli.completion import COMPLETE_VARIABLE
from cascade.cli.conftest import Cascade
from cascade.framework.conftest import THINGS, SampleProject
from cascade.processes.children import child_environment


@pytest.fixture(autouse=True)
def workflows(project: SampleProject) -> None:
    project.write("weather/observations.py", THINGS)
    project.write("gold.py", THINGS.replace('table_name="things"', 'table_name="totals", namespace="gold"'))
    project.write("native.py", "import dagster as dg\n\n@dg.asset\ndef plain(): ...\n")


def offered(words: str, shell: str = "bash") -> list[str]:
    """Return what the command line offers for the last word."""
    variables = {COMPLETE_VARIABLE: f"{shell}_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    result = subprocess.run(
        [sys.executable, "-c", "from cascade.cli.main import main; main()"],
        env=child_environment(**variables),
        capture_output=True,
        text=True,
    )
    assert (result.returncode, result.stderr) == (0, "")
    return [line.partition(",")[2] for line in result.stdout.splitlines() if line]


def test_commands_and_options_are_offered() -> None:
    assert "materialize" in offered("cascade ")
    assert offered("cascade mat") == ["materialize"]
    assert "--partition" in offered("cascade materialize --p")
    assert offered("cascade completion z") == ["zsh"]


def test_an_unknown_command_prints_nothing_during_completion() -> None:
    # The output of a shell's completion appears in the line that the user is typing.
    assert "list" in offered("cascade lits ")


def test_assets_are_offered_once_each() -> None:
    assert offered("cascade materialize ") == ["gold/totals", "plain", "things"]
    assert offered("cascade materialize th") == ["things"]
    assert offered("cascade materialize things ") == ["gold/totals", "plain"]


def test_tables_are_offered_by_their_short_names_first() -> None:
    assert offered("cascade table show ") == ["gold.totals", "things"]
    assert offered("cascade table show raw.t") == ["raw.things"]


def test_workflows_are_offered_by_domain_and_table() -> None:
    assert offered("cascade test --workflow ") == ["gold", "weather", "gold/totals", "things"]


@pytest.mark.parametrize("broken", ["outside", "settings", "directory"])
def test_a_broken_project_offers_nothing_and_prints_nothing(project: SampleProject, broken: str) -> None:
    if broken == "outside":
        (project.root / "pyproject.toml").unlink()
    elif broken == "settings":
        (project.root / "cascade_config.py").write_text("print('loud')\nraise RuntimeError('no luck')\n")
    else:
        shutil.rmtree(project.root / project.package)
    assert offered("cascade materialize ") == []


def test_output_of_the_settings_is_not_offered(project: SampleProject) -> None:
    (project.root / "cascade_config.py").write_text("print('plain,loud')\n")
    assert offered("cascade materialize t") == ["things"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_calls_the_command_line(cascade: Cascade, shell: str) -> None:
    result = cascade("completion", shell)
    assert result.exit_code == 0, result.output
    assert f"{COMPLETE_VARIABLE}={shell}_complete" in result.stdout
    assert cascade("completion", "tcsh").exit_code == 2


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes_an_asset(tmp_path: Path) -> None:
    program = tmp_path / "bin" / "cascade"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\nfrom cascade.cli.main import main\nmain()\n")
    program.chmod(0o755)
    script = (
        'eval "$(cascade completion bash)"\n'
        "COMP_WORDS=(cascade materialize th); COMP_CWORD=2\n"
        '_cascade_completion cascade th materialize; echo "${COMPREPLY[@]}"\n'
    )
    path = f"{program.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    result = subprocess.run(
        ["bash", "-c", script], env=child_environment(PATH=path), capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "things"
