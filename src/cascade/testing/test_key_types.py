"""Every type that a key can have."""

from __future__ import annotations

import pytest
from pydantic import create_model

from cascade.iceberg import Lakehouse
from cascade.ingestion import cascade_ingestion
from cascade.ingestion.conftest import ARGUMENTS
from cascade.ingestion.test_every_type import TYPES
from cascade.testing import test_workflow, throwaway_lakehouse

KEYS = sorted(TYPES.keys() - {"float", "naive", "model", "model with a uuid"})


@pytest.mark.parametrize("name", KEYS)
def test_each_type_of_key_merges_and_sorts(name: str) -> None:
    with throwaway_lakehouse() as lakehouse:
        check_key(lakehouse, name)


def check_key(lakehouse: Lakehouse, name: str) -> None:
    kind, given, stored = TYPES[name]
    schema = create_model("Keyed", id=(kind, ...), n=(int, ...))
    arguments = {**ARGUMENTS, "unique_key": "id", "validation_schema": schema}
    workflow = cascade_ingestion(**arguments)(lambda: None)
    first = test_workflow(workflow, [{"id": one, "n": n} for n, one in enumerate(given)], lakehouse=lakehouse)
    assert first.success, first.error
    again = test_workflow(workflow, [{"id": given[1], "n": 7}, {"id": given[0], "n": 0}], lakehouse=lakehouse)
    assert (again.rows_inserted, again.rows_updated) == (0, 1), again.error
    expected = [{"id": one, "n": n} for one, n in zip(stored, (0, 7), strict=True)]
    assert again.rows.to_pylist() == sorted(expected, key=lambda row: row["id"])
