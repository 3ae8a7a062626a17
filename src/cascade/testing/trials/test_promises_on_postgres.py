"""Publishing and maintenance with a catalog on PostgreSQL; the suite that users run has one on SQLite."""

from __future__ import annotations

from pathlib import Path

import pytest

from cascade.config import CascadeConfig
from cascade.testing import conformance
from cascade.testing.trials.conftest import postgres_config


class _OnPostgres:
    @pytest.fixture
    def lakehouse_settings(self, postgres: str, tmp_path: Path) -> CascadeConfig:
        return postgres_config(postgres, tmp_path)


class TestG6(_OnPostgres, conformance.TestG6Publish):
    """Rows are visible once their blocking checks have passed."""


class TestG7(_OnPostgres, conformance.TestG7Maintenance):
    """Maintenance beside writers loses nothing."""
