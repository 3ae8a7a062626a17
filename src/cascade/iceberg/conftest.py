from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, settings

from cascade.iceberg.catalog import Lakehouse, open_lakehouse
from cascade.iceberg.large import LargeRows, Spool

# A failure of a state machine is not shrunk: that would take minutes, and a run has ten steps at most.
MACHINE = settings(
    max_examples=20,
    stateful_step_count=10,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)


@dataclass(frozen=True)
class Settings:
    """The settings of a lakehouse under one directory."""

    state_directory: Path
    iceberg_catalog: str | None = None
    iceberg_warehouse: str | None = None
    nessie_uri: str | None = None
    nessie_ref: str = "main"


@pytest.fixture
def lakehouse(tmp_path: Path) -> Lakehouse:
    return open_lakehouse(Settings(tmp_path / ".cascade"))


def on_disk(rows: pa.Table, batch: int = 3, chunk_rows: int = 4) -> LargeRows:
    """Return rows as a large batch, with few rows in a batch and in a chunk."""
    spool = Spool(rows.schema)
    for start in range(0, rows.num_rows, batch):
        spool.write(rows.slice(start, batch))
    return LargeRows(spool, chunk_rows=chunk_rows)
