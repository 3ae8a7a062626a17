"""Names that are read from source, without importing it."""

from __future__ import annotations

import subprocess
import sys
from textwrap import dedent

import pytest

from cascade.exceptions import UsageError
from cascade.framework.conftest import THINGS, SampleProject
from cascade.framework.declared_names import DeclaredName, declared_names, module_files, project_module_files
from cascade.processes.children import child_environment

IMPORTS = "import cascade\nimport dagster as dg\nfrom cascade import cascade_ingestion\nfrom dagster import asset\n"


def read(project: SampleProject, source: str) -> list[tuple[str, str | None]]:
    project.write("module.py", IMPORTS + source)
    found = declared_names(module_files(project.root / project.package))
    assert {name.module for name in found} <= {project.module("module")}
    return [(name.asset, name.table) for name in found]


def test_a_workflow_is_its_asset_and_its_table(project: SampleProject) -> None:
    project.write("things.py", THINGS)
    found = declared_names(project_module_files())
    assert found == [DeclaredName("things", "raw.things", project.module("things"))]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("@cascade_ingestion(table_name='a', namespace='gold')\ndef f(): ...", ("gold/a", "gold.a")),
        ("@cascade.cascade_ingestion(table_name='a')\ndef f(): ...", ("a", "raw.a")),
        ("from cascade import cascade_ingestion as ingest\n@ingest(table_name='a')\ndef f(): ...", ("a", "raw.a")),
        ("TABLE = 'a'\n@cascade_ingestion(table_name=TABLE)\ndef f(): ...", ("a", "raw.a")),
        ("@dg.asset\ndef plain(): ...", ("plain", None)),
        ("@asset()\nasync def plain(): ...", ("plain", None)),
        ("@dg.asset(name='named')\ndef plain(): ...", ("named", None)),
        ("@dg.asset(key=['gold', 'named'])\ndef plain(): ...", ("gold/named", None)),
        ("@dg.asset(key_prefix='gold')\ndef plain(): ...", ("gold/plain", None)),
    ],
)
def test_each_way_to_write_it(project: SampleProject, source: str, expected: tuple[str, str | None]) -> None:
    assert read(project, source) == [expected]


@pytest.mark.parametrize(
    "source",
    [
        "@cascade_ingestion(table_name=name())\ndef f(): ...",
        "@cascade_ingestion\ndef f(): ...",
        "@dg.asset(name=name())\ndef plain(): ...",
        "@functools.cache\ndef asset(): ...",
        "def cascade_ingestion(:",
        "asset = '\0'",
    ],
)
def test_names_that_the_source_does_not_show_are_left_out(project: SampleProject, source: str) -> None:
    assert read(project, source) == []


def test_the_setting_is_read_from_every_source_of_settings(
    project: SampleProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("things.py", THINGS)
    (project.root / "elsewhere").mkdir()
    (project.root / "elsewhere" / "others.py").write_text(dedent(THINGS).replace('"things"', '"others"'))
    monkeypatch.setenv("CASCADE_WORKFLOWS_PATH", "elsewhere")
    assert [name.asset for name in declared_names(project_module_files())] == ["others"]


def test_outside_of_a_project_there_is_nothing_to_read(project: SampleProject) -> None:
    (project.root / "pyproject.toml").unlink()
    with pytest.raises(UsageError, match="no Cascade project here"):
        project_module_files()


def test_nothing_heavy_and_nothing_of_the_users_is_imported(project: SampleProject) -> None:
    project.write("things.py", THINGS + "\n    raise SystemExit('imported')\n")
    heavy = ("dagster", "dlt", "pyiceberg", "pyarrow", "polars", "pydantic", "rich", project.package)
    program = (
        "import sys\n"
        "from cascade.framework.declared_names import declared_names, project_module_files\n"
        "print([name.asset for name in declared_names(project_module_files())])\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], env=child_environment(), capture_output=True, text=True, check=True
    )
    assert found.stdout.splitlines() == ["['things']", "[]"]
