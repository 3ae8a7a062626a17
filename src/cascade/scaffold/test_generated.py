"""Generated workflows work: their tests pass, `validate` accepts them, and mypy finds nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

# The generated code and the processes below need these modules. A sandbox holds only what this file imports.
import cascade.cli.main
import cascade.testing
from cascade.scaffold import SOURCES, IngestionRequest, package_files, render_ingestion
from cascade.scaffold.conftest import assert_tests_pass, python

assert cascade.cli.main and cascade.testing

KEYS = (("id",), ("station", "observed_at"), ("date",))


@pytest.fixture(scope="module")
def pants_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return workflows of all sources, as `pants cascade-scaffold` writes them."""
    root = tmp_path_factory.mktemp("pants")
    for source in SOURCES:
        for number, key in enumerate(KEYS):
            domain = f"weather_{source.replace('-', '_')}_{number}"
            request = IngestionRequest(
                package=f"workflows.{domain}",
                directory=f"src/workflows/{domain}",
                source=source,
                unique_key=key,
                cron="0 6 * * *",
            )
            write(request, root)
    return root / "src"


@pytest.fixture(scope="module")
def standalone_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return workflows of all sources in one standalone project."""
    root = tmp_path_factory.mktemp("standalone")
    for source in SOURCES:
        domain = f"weather_{source.replace('-', '_')}"
        request = IngestionRequest(
            package=f"workflows.ingestion.{domain}",
            directory=f"workflows/ingestion/{domain}",
            source=source,
            flavour="standalone",
        )
        write(request, root)
    return root


def write(request: IngestionRequest, root: Path) -> None:
    for path, text in {**package_files(request), **render_ingestion(request)}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


def modules(project: Path) -> list[str]:
    files = sorted(project.glob("workflows/**/observations.py"))
    return [".".join(file.relative_to(project).with_suffix("").parts) for file in files]


def test_generated_tests_pass(pants_project: Path) -> None:
    # Two tests per workflow, and a third for the source file.
    assert_tests_pass(pants_project, len(KEYS) * (2 * len(SOURCES) + 1))


def test_generated_tests_of_a_standalone_project_pass(standalone_project: Path) -> None:
    assert_tests_pass(standalone_project, 2 * len(SOURCES) + 1)


def test_validate_accepts_generated_workflows(pants_project: Path, standalone_project: Path) -> None:
    for project in (pants_project, standalone_project):
        named = [argument for module in modules(project) for argument in ("--module", module)]
        result = python(project, "-m", "cascade", "validate", *named)
        assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.skipif(
    shutil.which("mypy") is None, reason="mypy is not on the path; the repository's lint command has it"
)
def test_generated_code_passes_mypy_strict(pants_project: Path) -> None:
    source = str(Path(cascade.testing.__file__).parents[2])
    options = ("--strict", "--explicit-package-bases", "--follow-imports=silent", "--cache-dir", os.devnull)
    result = subprocess.run(
        ["mypy", "--python-executable", sys.executable, *options, "workflows"],
        cwd=pants_project,
        env={**os.environ, "MYPYPATH": f"{source}{os.pathsep}{pants_project}"},
        capture_output=True,
        text=True,
        check=False,
    )
    problems = [line for line in result.stdout.splitlines() if line.startswith("workflows")]
    assert "checked" in result.stdout or "no issues found" in result.stdout, result.stdout + result.stderr
    assert not problems, result.stdout
