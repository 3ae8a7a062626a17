"""Decorators that a module of the project makes or passes on."""

from __future__ import annotations

from textwrap import dedent

import pytest

from .declarations import Declaration
from .modules import declarations_in, loads_folder
from .packages import declarations_in_package


def declared(files: dict[str, str]) -> dict[str, list[str | None]]:
    found = declarations_in_package({path: dedent(text).encode() for path, text in files.items()})
    return {path: [one.name for one in declarations] for path, declarations in found.items()}


def one(source: str) -> Declaration:
    (found,) = declarations_in(dedent(source).encode())
    return found


@pytest.mark.parametrize(
    "alias",
    [
        "daily_asset = dg.asset",
        "daily_asset = partial(dg.asset, group_name='daily')",
        "daily_asset = functools.partial(dg.asset, group_name='daily')",
        "daily_asset = dg.asset(group_name='daily')",
        "base = partial(dg.asset, owners=[])\ndaily_asset = partial(base, group_name='daily')",
    ],
)
def test_an_alias_of_a_decorator_in_its_own_module(alias: str) -> None:
    imports = "import functools\nfrom functools import partial\nimport dagster as dg\n"
    found = declarations_in(f"{imports}{alias}\n\n@daily_asset\ndef mine(): ...\n".encode())
    assert "mine" in [one.name for one in found]


def test_the_arguments_of_a_partial_count_and_those_of_the_decorator_replace_them() -> None:
    source = """\
        from functools import partial
        from cascade.ingestion import cascade_ingestion

        staging = partial(cascade_ingestion, namespace="staging", table_name="unnamed")

        @staging(table_name="rows")
        def rows(): ...
        """
    found = one(source)
    assert (found.table, found.line) == ("staging.rows", 6)
    namespace = found.argument("namespace")
    assert namespace is not None
    assert namespace.line == 6


def test_a_key_prefix_in_a_partial_is_part_of_the_key() -> None:
    source = "from functools import partial\nimport dagster as dg\nours = partial(dg.asset, key_prefix='x')\n"
    assert one(f"{source}@ours\ndef rows(): ...\n").asset_key == ("x", "rows")


def test_a_name_that_is_assigned_something_else_later_is_no_alias() -> None:
    assert declarations_in(b"import dagster as dg\nour = dg.asset\nour = print\n\n@our\ndef f(): ...\n") == ()


@pytest.mark.parametrize(
    "imports",
    [
        "from .common import daily_asset",
        "from ..weather.common import daily_asset",
        "from workflows.weather.common import daily_asset",
        "from workflows.weather.common import daily_asset as anything\ndaily_asset = anything",
        "from . import common\ndaily_asset = common.daily_asset",
        "from .common import *",
    ],
)
@pytest.mark.parametrize("common", ["src/workflows/weather/common.py", "src/workflows/weather/common/__init__.py"])
def test_a_decorator_that_another_module_makes(imports: str, common: str) -> None:
    files = {
        "src/workflows/weather/assets.py": f"{imports}\n\n@daily_asset\ndef mine(): ...\n",
        common: "from functools import partial\nimport dagster as dg\ndaily_asset = partial(dg.asset, owners=[])\n",
    }
    assert declared(files)["src/workflows/weather/assets.py"] == ["mine"]


def test_a_decorator_that_is_passed_on_twice() -> None:
    files = {
        "w/a.py": "from w.b import asset\n\n@asset\ndef mine(): ...\n",
        "w/b.py": "from w.c import asset\n",
        "w/c.py": "from dagster import asset\n",
    }
    assert declared(files) == {"w/a.py": ["mine"]}


def test_the_arguments_of_another_modules_partial() -> None:
    common = """\
        from functools import partial
        from cascade.ingestion import cascade_ingestion
        SPACE = "computed"
        staging = partial(cascade_ingestion, namespace="staging")
        named = partial(cascade_ingestion, table_name=SPACE)
        """
    files = {
        "w/common.py": dedent(common).encode(),
        "w/a.py": b"from w.common import staging\n@staging(table_name='rows')\ndef rows(): ...\n",
        "w/b.py": b"from w.common import named\nSPACE = 'other'\n@named()\ndef rows(): ...\n",
    }
    found = declarations_in_package(files)
    assert found["w/a.py"][0].table == "staging.rows"
    # A name of the other module means nothing here.
    assert found["w/b.py"][0].table is None
    assert found["w/b.py"][0].unread_table


def test_a_module_of_another_directory_with_the_same_last_name_is_not_meant() -> None:
    files = {
        "w/one/assets.py": "from w.one.common import tool\n\n@tool\ndef mine(): ...\n",
        "w/one/common.py": "def tool(f): return f\n",
        "w/two/common.py": "from dagster import asset as tool\n",
    }
    assert declared(files) == {}


@pytest.mark.parametrize(
    "line",
    [
        "defs = dg.Definitions.merge(dg.load_from_defs_folder(path_within_project=HERE), OTHER)",
        "defs = dg.load_from_defs_folder(path_within_project=HERE)",
        "defs = dg.Definitions.merge(a.defs, b.defs)",
        "defs = dg.components.load_defs(folder)",
        "repo = dg.create_repository_using_definitions_args('repo', assets=[])",
        "job = graph.to_job(name='nightly')",
        "jobs = [make_graph().to_job(), other]",
        "defs = workspace.build_defs()",
        "from dagstermill import define_dagstermill_asset\ndefs = define_dagstermill_asset('x', path)",
        "from dagster_powerbi import load_powerbi_asset_specs\ndefs = load_powerbi_asset_specs(workspace)",
        "from dagster_airbyte import build_airbyte_assets\ndefs = build_airbyte_assets(connection_id='x')",
    ],
)
def test_the_ways_in_which_existing_code_assigns_definitions(line: str) -> None:
    assert {one.name for one in declarations_in(f"import dagster as dg\n{line}\n".encode())} <= {
        "defs",
        "repo",
        "job",
        "jobs",
    }
    assert declarations_in(f"import dagster as dg\n{line}\n".encode())


def test_a_job_of_an_imported_graph_needs_no_import_of_dagster() -> None:
    assert one("from .graphs import nightly\njob = nightly.to_job(name='nightly')\n").name == "job"


def test_modules_that_let_dagster_load_a_folder() -> None:
    assert loads_folder(b"@definitions\ndef defs():\n    return load_from_defs_folder(path_within_project=x)\n")
    assert loads_folder(b"assets = load_assets_from_package_module(assets)\n")
    assert not loads_folder(b"assets = load_assets_from_modules([assets])\n")
