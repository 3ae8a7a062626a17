"""Keys that Arrow itself cannot sort."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel

from cascade.ingestion import cascade_ingestion
from cascade.ingestion.conftest import ARGUMENTS
from cascade.testing import test_workflow


class Device(BaseModel):
    id: UUID
    name: str


def test_rows_are_sorted_by_a_key_that_is_a_uuid() -> None:
    arguments = {**ARGUMENTS, "unique_key": "id", "validation_schema": Device}
    workflow = cascade_ingestion(**arguments)(lambda: None)
    rows = [{"id": UUID(int=2), "name": "b"}, {"id": UUID(int=1), "name": "a"}]
    result = test_workflow(workflow, rows)
    assert result.success, result.error
    assert result.rows.to_pylist() == rows[::-1]
