"""What the source of a module shows is what the module declares when it is imported."""

from __future__ import annotations

import importlib

import pytest

from cascade.framework.collect import workflows_in
from cascade.framework.conftest import SampleProject
from cascade.framework.declared_names import declared_names
from cascade.framework.validate import find_problems
from cascade.reader.modules import declarations_in, read_module
from cascade.reader.tables import DEFAULT_NAMESPACE
from cascade.table_ref import DEFAULT_NAMESPACE as NAMESPACE_OF_TABLES

HEAD = """\
import cascade
import cascade.ingestion as ci
from cascade import cascade_ingestion, cascade_ingestion as ingest
from pydantic import BaseModel

class Row(BaseModel):
    id: int

DOMAIN = "taxi"
COMMON = {"unique_key": "id", "validation_schema": Row, "group": "g"}

def fetch(): ...

"""
FACTORY = """\
def make(table):
    @cascade_ingestion(table_name=table, **COMMON)
    def rows(): ...
    return rows
"""


@pytest.mark.parametrize(
    ("source", "tables"),
    [
        ("@cascade_ingestion(table_name='trips', **COMMON)\ndef rows(): ...", ["raw.trips"]),
        ("@cascade_ingestion(table_name=f'{DOMAIN}_trips', **COMMON)\ndef rows(): ...", ["raw.taxi_trips"]),
        ("@ingest(table_name=DOMAIN + '_trips', **COMMON)\ndef rows(): ...", ["raw.taxi_trips"]),
        ("@cascade.cascade_ingestion(table_name='t', namespace='gold', **COMMON)\ndef rows(): ...", ["gold.t"]),
        ("@ci.cascade_ingestion(table_name='t', **{**COMMON})\ndef rows(): ...", ["raw.t"]),
        ("rows = cascade_ingestion(table_name='trips', **COMMON)(fetch)", ["raw.trips"]),
        (
            "rows = [ingest(table_name='a', **COMMON)(fetch), ingest(table_name='b', **COMMON)(fetch)]",
            ["raw.a", "raw.b"],
        ),
    ],
)
def test_tables_that_the_source_shows(project: SampleProject, source: str, tables: list[str]) -> None:
    path = project.write("module.py", HEAD + source)
    name = project.module("module")
    declared = declarations_in(path.read_bytes())
    assert [found.table for found in declared] == tables
    assert [found.table for found in declared_names({name: path})] == tables
    assert read_module(path.read_bytes()).declares_workflow
    loaded = importlib.import_module(name)
    assert sorted(workflow.declaration.table for workflow in workflows_in(loaded)) == tables


@pytest.mark.parametrize(
    "factory",
    [FACTORY, "def make(table):\n    return ingest(table_name=table, **COMMON)(fetch)\n"],
    ids=["decorator", "call"],
)
def test_products_of_a_factory_are_not_shown_but_reported(project: SampleProject, factory: str) -> None:
    factory_path = project.write("factory.py", HEAD + factory)
    product = project.write("product.py", f"from {project.module('factory')} import make\n\nrows = make('trips')\n")
    project.write("listed.py", HEAD + "@cascade_ingestion(table_name='other', **COMMON)\ndef rows(): ...")
    assert declared_names({"factory": factory_path, "product": product}) == []
    for path in (factory_path, product):
        assert not read_module(path.read_bytes()).declares_workflow
    (problem,) = find_problems([project.module("listed")])
    assert "raw.trips" in problem.message and 'load=["product.py"]' in problem.render(project.root)


def test_the_default_namespace_is_that_of_tables() -> None:
    assert DEFAULT_NAMESPACE == NAMESPACE_OF_TABLES
