"""`list` imports only what the source does not show, and shows the same as an import of everything."""

from __future__ import annotations

import sys

import pytest

from cascade import plugins
from cascade.cli.conftest import Cascade
from cascade.framework.conftest import SampleProject

SCHEMA = """
from pydantic import BaseModel

class Thing(BaseModel):
    id: int
"""
WORKFLOW = '''
"""Things of a day."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import sqlalchemy.dialects.mysql.pymysql
from cascade import cascade_ingestion
from sqlalchemy.dialects.mysql import LONGBLOB

from {package}.schemas import Thing

if TYPE_CHECKING:
    from nowhere import Nothing

logger = logging.getLogger(__name__)
COMMON = {{"owners": ["team:things"], "tags": {{"tier": "1"}}}}


def _helper(day: str, size: int = 3) -> Nothing: ...


@cascade_ingestion(
    table_name={table!r},
    unique_key="id",
    validation_schema=Thing,
    cron="*/5 6 * * *",
    partition_start="2024-01-01",
    **COMMON,
)
def things(partition_date: str, *, size: int = 3) -> Nothing:
    """Things of one day.

    More about them.
    """
'''


def both(cascade: Cascade, monkeypatch: pytest.MonkeyPatch) -> tuple[object, set[str]]:
    """Return what `list --json` prints, which an import of everything prints too, and the modules that it imports."""
    before = set(sys.modules)
    document = cascade.json("list")
    imported = set(sys.modules) - before
    with monkeypatch.context() as patch:
        patch.setattr(plugins, "has_plugins", lambda *kinds: True)
        assert cascade.json("list") == document
    return document, imported


def test_a_workflow_whose_source_shows_everything_is_not_imported(
    cascade: Cascade, project: SampleProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("schemas.py", SCHEMA)
    project.write("flow.py", WORKFLOW.format(package=project.package, table="things"))
    document, imported = both(cascade, monkeypatch)
    assert f"{project.package}.schemas" in imported
    assert f"{project.package}.flow" not in imported
    assert not any(name.startswith("sqlalchemy.dialects.mysql") for name in imported)
    (workflow,) = document["workflows"]  # type: ignore[index]
    assert workflow["description"] == "Things of one day.\n\nMore about them."
    assert workflow["owners"] == ["team:things"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("unique_key=", "unique_keys="),
        ('unique_key="id"', 'unique_key="ids"'),
        ('cron="*/5 6 * * *"', 'cron="*/5 26 * * *"'),
        ('cron="*/5 6 * * *"', 'cron="0 0 31 2 *"'),
        ("partition_date: str, ", "partition_date: str, day, "),
        ("schemas import Thing", "schemas import Thing, Other"),
        ("mysql import LONGBLOB", "mysql import LONGBLOBB"),
        ("import sqlalchemy.dialects.mysql.pymysql", "import sqlalchemy.dialects.mysql.pymysqll"),
        ("import logging\n", "import loggingg\n"),
        ("import logging\n", "from logging import Loggers\n"),
        ("import logging\n", ""),
        ("from __future__ import annotations\n", ""),
        ("COMMON = {", "COMMON = {**MORE, "),
        ("logger =", "1 / 0\nlogger ="),
        ("\n@cascade_ingestion(", "\n@logger\n@cascade_ingestion("),
        ("def things(", "async def things("),
        ("size: int = 3) -> Nothing: ...", "size: int = SIZE) -> Nothing: ..."),
        ("validation_schema=Thing", "validation_schema=logger"),
        ("    **COMMON,", "    **COMMON,\n    deps=[nothing],"),
        ("def things(partition_date", "def things(partition_date, /, other"),
        ('"""Things of a day."""', "(" * 3),
    ],
)
def test_a_workflow_that_does_not_load_is_reported_as_by_an_import(
    cascade: Cascade, project: SampleProject, monkeypatch: pytest.MonkeyPatch, old: str, new: str
) -> None:
    project.write("schemas.py", SCHEMA)
    project.write("flow.py", WORKFLOW.format(package=project.package, table="things"))
    project.write("good.py", WORKFLOW.format(package=project.package, table="good_things"))
    source = WORKFLOW.format(package=project.package, table="things")
    assert old in source
    project.write("flow.py", source.replace(old, new))
    document, _ = both(cascade, monkeypatch)
    assert "good_things" in [workflow["asset"] for workflow in document["workflows"]]  # type: ignore[index]
    assert document["failures"]  # type: ignore[index]


def test_what_depends_on_a_broken_module_is_reported_too(
    cascade: Cascade, project: SampleProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("schemas.py", SCHEMA + "\n1 / 0\n")
    project.write("flow.py", WORKFLOW.format(package=project.package, table="things"))
    document, _ = both(cascade, monkeypatch)
    assert (len(document["failures"]), document["workflows"]) == (1, [])  # type: ignore[index]
    assert f"keeps {project.package}.flow from loading" in document["failures"][0]  # type: ignore[index]


def test_a_broken_helper_is_reported_by_what_imports_it(
    cascade: Cascade, project: SampleProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("schemas.py", SCHEMA)
    project.write("_helpers.py", "class Helper: ...\n1 / 0\n")
    source = WORKFLOW.format(package=project.package, table="things")
    project.write("flow.py", source.replace("logger =", f"from {project.package}._helpers import Helper\nlogger ="))
    document, _ = both(cascade, monkeypatch)
    assert (len(document["failures"]), document["workflows"]) == (1, [])  # type: ignore[index]


def test_a_broken_package_hides_its_modules(
    cascade: Cascade, project: SampleProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("schemas.py", SCHEMA)
    project.write("broken/__init__.py", "1 / 0\n")
    project.write("broken/flow.py", WORKFLOW.format(package=project.package, table="things"))
    document, _ = both(cascade, monkeypatch)
    assert (len(document["failures"]), document["workflows"]) == (1, [])  # type: ignore[index]


def test_modules_that_are_imported_and_modules_that_are_not_belong_together(
    cascade: Cascade, project: SampleProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = project.package
    project.write("schemas.py", SCHEMA)
    project.write("flow.py", WORKFLOW.format(package=package, table="things"))
    project.write(
        "after.py",
        WORKFLOW.format(package=package, table="after")
        .replace("    **COMMON,", "    **COMMON,\n    deps=[flow.things],")
        .replace("logger =", f"from {package} import flow\nlogger ="),
    )
    project.write("_helpers.py", "class Helper: ...\n")
    project.write(
        "factory.py", f"from {package}.flow import things\nfrom {package}._helpers import Helper\nnames = list('ab')\n"
    )
    project.write(
        "native.py",
        f"import dagster as dg\nfrom {package}.flow import things\n@dg.asset(deps=[things.asset])\ndef plain(): ...\n",
    )
    document, _ = both(cascade, monkeypatch)
    assert [workflow["asset"] for workflow in document["workflows"]] == ["after", "things"]  # type: ignore[index]
    assert [other["name"] for other in document["others"]] == ["plain"]  # type: ignore[index]


def test_two_workflows_of_one_table_are_one_error(cascade: Cascade, project: SampleProject) -> None:
    project.write("schemas.py", SCHEMA)
    for name in ("flow", "again"):
        project.write(f"{name}.py", WORKFLOW.format(package=project.package, table="things"))
    result = cascade("list")
    assert result.exit_code != 0
    assert result.stderr.count("already declared") == 1


def test_what_definitions_list_under_other_keys_is_listed_once(cascade: Cascade, project: SampleProject) -> None:
    project.write("ruled/__init__.py", "")
    project.write("ruled/assets.py", "import dagster as dg\n\n@dg.asset\ndef ruled_one(): ...\n")
    project.write(
        "ruled/definitions.py",
        f"import dagster as dg\nfrom {project.package}.ruled import assets\n"
        "defs = dg.Definitions(assets=dg.load_assets_from_modules([assets], key_prefix='pre'))\n",
    )
    others = cascade.json("list")["others"]
    assert [(each["kind"], each["name"]) for each in others] == [("asset", "pre/ruled_one")]
