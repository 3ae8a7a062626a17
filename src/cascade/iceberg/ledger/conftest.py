from __future__ import annotations

import pytest
from pyiceberg.table import Table

from cascade.iceberg import committer
from cascade.iceberg.catalog import Lakehouse
from cascade.iceberg.tables import ensure_table
from cascade.iceberg.test_commit import NAME, SCHEMA


@pytest.fixture
def table(lakehouse: Lakehouse) -> Table:
    return ensure_table(lakehouse, NAME, SCHEMA)


@pytest.fixture(autouse=True)
def no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(committer, "_UNANSWERED_WAIT_SECONDS", 0.01)
