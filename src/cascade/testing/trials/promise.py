"""What the classes of `cascade.testing.conformance` have in common."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cascade.config import CascadeConfig
from cascade.iceberg import Lakehouse
from cascade.iceberg.catalog import LakehouseSettings
from cascade.testing.trials.cases import CASES, FULL, INCREMENTAL, Case
from cascade.testing.trials.sites import Site, new_site

every_case = pytest.mark.parametrize("case", CASES, ids=str)
every_full_case = pytest.mark.parametrize("case", FULL, ids=str)
every_disposition = pytest.mark.parametrize("case", [Case("merge"), Case("append"), Case("replace")], ids=str)
every_incremental_case = pytest.mark.parametrize("case", INCREMENTAL, ids=str)


class Conformance:
    """A lakehouse for each test. Override a fixture to test another lakehouse."""

    @pytest.fixture
    def lakehouse_settings(self) -> LakehouseSettings:
        """Return the settings of the lakehouse. They are pickled for other processes."""
        return CascadeConfig.from_user_config()

    @pytest.fixture
    def site(self, lakehouse_settings: LakehouseSettings) -> Iterator[Site]:
        """Make a namespace for one test, and remove it afterwards."""
        with new_site(lakehouse_settings) as site:
            yield site

    @pytest.fixture
    def lakehouse(self, site: Site) -> Lakehouse:
        """Open the lakehouse."""
        return site.open()
