from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from cascade.iceberg.catalog import Lakehouse, open_lakehouse


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
