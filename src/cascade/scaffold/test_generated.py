"""The workflows that `pants cascade-scaffold` writes pass their tests, `validate` and mypy.

Those of a standalone project come from the same templates; see `cascade.cli.test_created_project`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

# The generated code and the processes below need these modules. A sandbox holds only what this file imports.
import cascade.cli.main
import cascade.testing
from cascade.scaffold import SOURCES, IngestionRequest, package_files, render_ingestion
from cascade.scaffold.__main__ import answer
from cascade.scaffold.conftest import (
    assert_mypy_finds_nothing,
    assert_tests_pass,
    needs_mypy,
    python,
)

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


def write(request: IngestionRequest, root: Path) -> None:
    for path, text in {**package_files(request), **render_ingestion(request)}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


def modules(project: Path) -> list[str]:
    files = sorted(project.glob("workflows/**/observations.py"))
    return [".".join(file.relative_to(project).with_suffix("").parts) for file in files]


def test_generated_tests_pass(pants_project: Path) -> None:
    # Two tests per workflow. `cascade.cli.test_created_project` runs those with the first key, which is the default.
    assert_tests_pass(pants_project, (len(KEYS) - 1) * 2 * len(SOURCES), "--ignore-glob=*_0")


def test_validate_accepts_generated_workflows(pants_project: Path) -> None:
    named = [argument for module in modules(pants_project) for argument in ("--module", module)]
    result = python(pants_project, "-m", "cascade", "validate", *named)
    assert result.returncode == 0, result.stdout + result.stderr


ROWS = """
from importlib import import_module
from pathlib import Path

from cascade.sources.files import read_jsonl
from cascade.testing import test_workflow

for file in sorted(Path("workflows").glob("weather_dataframe_*/testdata/*.jsonl")):
    workflow = import_module(f"workflows.{file.parts[1]}.observations").observations
    result = test_workflow(workflow, read_jsonl(file))
    print(file.stem == workflow.declaration.table_name, bool(result), len(result.refused), result.rows.num_rows)
"""


def test_the_rows_for_tests_of_models_pass_the_schema(pants_project: Path) -> None:
    # They follow from the key, and not from the source.
    result = python(pants_project, "-c", ROWS)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.splitlines() == ["True True 0 4", "True True 0 4", "True True 0 2"]


@needs_mypy
def test_generated_code_passes_mypy_strict(pants_project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert_mypy_finds_nothing(pants_project, tmp_path_factory, "--strict", "--explicit-package-bases", "workflows")


def test_generated_checks_pass_their_tests(tmp_path: Path) -> None:
    files = answer(
        '{"kind": "quality", "package": "workflows.weather", "directory": "workflows/weather", "table": "raw.weather"}'
    )["files"]
    assert isinstance(files, dict)
    (tmp_path / "workflows/weather").mkdir(parents=True)
    for path, text in files.items():
        (tmp_path / path).write_text(text, encoding="utf-8")
    assert_tests_pass(tmp_path, 2)
