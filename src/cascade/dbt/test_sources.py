"""Sources that no workflow fills, and columns that its schema lacks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, Field

from cascade.dbt.results import read_manifest
from cascade.dbt.sources import source_problems
from cascade.ingestion import cascade_ingestion

FILE = "models/sources.yml"
YAML = """\
sources:
  - name: lake
    schema: raw
    tables:
      - name: things
        columns:
          - name: id
          - {name: pric}
          - name: hidden
      - identifier: thing
        name: typo
      - name: things__quarantine
  - name: other
    tables: [{name: things}]
"""


class Thing(BaseModel):
    id: int
    price: float | None = None
    hidden: str = Field("", exclude=True)


@cascade_ingestion(table_name="things", unique_key="id", group="g", validation_schema=Thing)
def things() -> list[dict[str, Any]]:
    """Return nothing."""
    return []


def source(group: str, table: str, *columns: str, **more: Any) -> dict[str, Any]:
    return {
        "source_name": group,
        "name": table,
        "schema": "raw" if group == "lake" else group,
        "identifier": table,
        "original_file_path": FILE,
        "columns": {name: {"name": name} for name in columns},
        "config": {},
        **more,
    }


def problems(directory: Path, *sources: dict[str, Any]) -> list[tuple[int, str]]:
    (directory / FILE).parent.mkdir(parents=True, exist_ok=True)
    (directory / FILE).write_text(YAML)
    manifest = {"nodes": {}, "sources": {str(number): each for number, each in enumerate(sources)}}
    found = list(source_problems(read_manifest(manifest), directory, [things.declaration]))
    assert all(problem.file == directory / FILE for problem in found)
    return [(problem.line, problem.message) for problem in found]


def test_a_source_of_a_workflow_has_no_problem_nor_has_its_quarantine(tmp_path: Path) -> None:
    assert problems(tmp_path, source("lake", "things", "id", "PRICE"), source("lake", "things__quarantine")) == []


def test_a_seed_of_the_project_may_fill_a_source_even_if_it_is_disabled() -> None:
    seed = {"resource_type": "seed", "name": "coins", "schema": "raw", "alias": "coins", "depends_on": {"nodes": []}}
    sources = {"s": source("lake", "coins"), "t": source("other", "coins")}
    for manifest in ({"nodes": {"n": seed}}, {"nodes": {}, "disabled": {"n": [seed]}}):
        found = read_manifest({**manifest, "sources": sources}).sources
        assert {name: one.is_external for name, one in found.items()} == {"lake.coins": True, "other.coins": False}


def test_a_table_that_no_workflow_declares_has_a_line_a_suggestion_and_the_marker(tmp_path: Path) -> None:
    ((line, message),) = problems(tmp_path, source("lake", "typo", identifier="thing"))
    assert line == 10
    assert message == (
        "dbt: the source lake.typo reads the table raw.thing, which no workflow declares. Did you mean "
        '"raw.things"? If something else fills it, add to its YAML: meta: {cascade: {external: true}}'
    )
    ((line, message),) = problems(tmp_path, source("other", "things"))
    assert line == 14 and "the table other.things, which no workflow declares." in message


def test_columns_that_the_table_lacks_have_lines(tmp_path: Path) -> None:
    keyed = {"config": {"meta": {"dagster": {"asset_key": ["things"]}}}}
    assert problems(tmp_path, source("lake", "things", "id", "pric", "hidden", **keyed)) == [
        (8, "dbt: the source lake.things has the column 'pric', which Thing lacks. Did you mean \"price\"?"),
        (9, "dbt: the source lake.things has the column 'hidden', which Thing lacks."),
    ]


@pytest.mark.parametrize(
    "more",
    [
        {"meta": {"cascade": {"external": True}}},
        {"source_meta": {"cascade": {"external": True}}},
        {"config": {"meta": {"cascade": {"external": True}}}},
        {"config": {"meta": {"dagster": {"asset_key": ["a"]}}}},
        {"meta": {"dagster": {"asset_key": "a"}}},
        {"meta": {"external_location": "s3://x/{name}.parquet"}},
        {"config": {"plugin": "excel"}},
        {"database": "billing"},
    ],
)
def test_tables_from_elsewhere_are_no_problem(tmp_path: Path, more: dict[str, Any]) -> None:
    assert problems(tmp_path, source("crm", "customers", "anything", **more)) == []


@pytest.mark.parametrize("meta", [{"cascade": {"external": "no"}}, {"cascade": None}, {"cascade": ["external"]}])
def test_other_meta_is_not_the_mark(tmp_path: Path, meta: dict[str, Any]) -> None:
    assert len(problems(tmp_path, source("crm", "customers", meta=meta))) == 1


def test_the_line_of_yaml_that_cannot_be_found_is_the_first(tmp_path: Path) -> None:
    ((line, _),) = problems(tmp_path, source("crm", "customers"))
    assert line == 1
