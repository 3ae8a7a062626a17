"""What dbt shows of a table before the first run of its workflow."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

# The written module needs it. Nothing else here imports it, and a sandbox holds imports only.
import cascade.ingestion
from cascade.config import CascadeConfig
from cascade.dbt.conftest import write_files
from cascade.dbt.fillers import Filler, read_fillers, write_fillers

assert cascade.ingestion

MODULE = """
from datetime import date
from decimal import Decimal
from pydantic import BaseModel, Field
from typing import Annotated
from cascade.ingestion import cascade_ingestion

print("a line of the module")

class Thing(BaseModel):
    id: int
    day: date
    price: Annotated[Decimal, Field(max_digits=9, decimal_places=2)] | None = None
    tags: list[str] = []

@cascade_ingestion(table_name="things", unique_key=["id", "day"], validation_schema=Thing, group="g")
def things():
    return []
"""
THINGS = Filler("raw.things", "things", "filled_things")


@pytest.fixture(autouse=True)
def importable(config: CascadeConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(config.project_root))
    monkeypatch.delitem(sys.modules, THINGS.module, raising=False)
    write_files(config.project_root, {f"{THINGS.module}.py": MODULE})


def test_the_workflows_are_read_as_they_were_written(config: CascadeConfig) -> None:
    assert read_fillers(config) == {}
    deep = Filler("lake.deep.orders", "orders", "shop")
    write_fillers(config, [THINGS, deep])
    assert read_fillers(config) == {("raw", "things"): THINGS, ("lake.deep", "orders"): deep}
    write_fillers(config, [])
    assert read_fillers(config) == {}


def test_the_schema_is_that_of_the_first_run(config: CascadeConfig, capsys: pytest.CaptureFixture[str]) -> None:
    schema = THINGS.schema()
    assert {field.name: str(field.field_type) for field in schema.fields} == {
        "id": "long",
        "day": "date",
        "price": "decimal(9, 2)",
        "tags": "list<string>",
    }
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "a line of the module\n")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("raise ValueError('no key')", "filled_things cannot be imported: ValueError: no key"),
        ("things = 1", "filled_things has no workflow of this table at its top level."),
    ],
)
def test_a_workflow_that_cannot_be_found_is_an_error_with_the_next_command(
    config: CascadeConfig, text: str, why: str
) -> None:
    (config.project_root / f"{THINGS.module}.py").write_text(text)
    with pytest.raises(LookupError) as caught:
        THINGS.schema()
    assert str(caught.value) == f"{why} To fill the table, type: cascade materialize things"


def test_a_file_of_another_version_is_ignored(config: CascadeConfig, tmp_path: Path) -> None:
    write_fillers(config, [THINGS])
    (file,) = tmp_path.rglob("workflows.json")
    for text in ('[{"name": "x"}]', "not JSON"):
        file.write_text(text)
        assert read_fillers(config) == {}
