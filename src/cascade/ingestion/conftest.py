from __future__ import annotations

from pathlib import Path

import pytest

from cascade.iceberg.catalog import Lakehouse, open_lakehouse
from cascade.iceberg.conftest import Settings


@pytest.fixture
def lakehouse(tmp_path: Path) -> Lakehouse:
    return open_lakehouse(Settings(tmp_path / ".cascade"))
