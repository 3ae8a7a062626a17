"""The suite that users run against their catalog, on the catalogs and the store that a company has."""

from __future__ import annotations

import pytest

from cascade.config import CascadeConfig
from cascade.iceberg import Lakehouse
from cascade.iceberg.stored_files import stored_files
from cascade.testing import conformance
from cascade.testing.trials.cases import Case, Row, run_case
from cascade.testing.trials.sites import new_site


class _OnServers:
    @pytest.fixture(params=["rest_settings", "sql_settings"], ids=["rest", "sql"])
    def lakehouse_settings(self, request: pytest.FixtureRequest) -> CascadeConfig:
        settings: CascadeConfig = request.getfixturevalue(request.param)
        return settings


class TestG1(_OnServers, conformance.TestG1Idempotent):
    """Running the same input again writes nothing."""


class TestG2(_OnServers, conformance.TestG2CrashSafe):
    """A run that is killed leaves a whole snapshot."""

    kills = 4


class TestG3(_OnServers, conformance.TestG3Concurrent):
    """Runs at the same time leave what they leave one after the other."""


class TestG4(_OnServers, conformance.TestG4Drift):
    """A table follows its schema."""


class TestG5(_OnServers, conformance.TestG5Quarantine):
    """A row is in the table, in the quarantine, or refused with its run."""


class TestG6(_OnServers, conformance.TestG6Publish):
    """Rows are visible once their blocking checks have passed."""


class TestG7(_OnServers, conformance.TestG7Maintenance):
    """Maintenance beside writers loses nothing."""


class TestG9(_OnServers, conformance.TestG9State):
    """The cursor of a source is never ahead of the table."""


class TestSite(_OnServers):
    """The suite leaves a store as it found it."""

    def test_the_files_that_no_snapshot_names_go_too(self, lakehouse_settings: CascadeConfig) -> None:
        """Leave a file under a table, as a run that was killed does."""
        case = Case("merge")
        with new_site(lakehouse_settings) as site:
            lakehouse: Lakehouse = site.open()
            ref = site.table(case)
            run_case(lakehouse, case, ref, case.partitions[0], (Row(1, 1, 1.0),))
            table = lakehouse.require(ref)
            with table.io.new_output(f"{table.location()}/data/left.parquet").create() as file:
                file.write(b"left")
            assert "left.parquet" in [one.name for one in stored_files(table)]
        assert stored_files(table) == []
