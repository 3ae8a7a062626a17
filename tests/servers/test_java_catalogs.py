"""The suite that users run against their catalog, on the reference fixture of Apache Iceberg and on Nessie."""

from __future__ import annotations

import pytest

from cascade.config import CascadeConfig
from cascade.exceptions import CommitError
from cascade.testing import conformance

NOT_IN_NESSIE = {
    "test_a_commit_whose_answer_is_lost_is_not_applied_twice": "it shows the newest snapshot alone",
    "test_partitions_at_the_same_time_all_land": "of two commits at the same time, one is lost",
    "test_runs_of_one_partition_leave_what_some_order_leaves": "of two commits at the same time, one is lost",
    "test_a_new_optional_column_and_an_optional_one_are_applied": "it answers with HTTP 400",
    "test_types_are_widened": "it answers with HTTP 400",
    "test_no_run_notices_maintenance": "it shows the newest snapshot alone",
    "test_maintenance_beside_writers_loses_nothing": "of two commits at the same time, one is lost",
}
"""What Nessie 0.99 does not do, and why, by the test that shows it."""


class _OnJava:
    @pytest.fixture(params=["apache_settings", "nessie_settings"], ids=["apache", "nessie"])
    def lakehouse_settings(self, request: pytest.FixtureRequest) -> CascadeConfig:
        settings: CascadeConfig = request.getfixturevalue(request.param)
        return settings

    @pytest.fixture(autouse=True)
    def what_nessie_does_not_do(self, request: pytest.FixtureRequest) -> None:
        """Expect failures that are known. Of two runs at the same time, both may land by chance."""
        reason = NOT_IN_NESSIE.get(request.node.originalname)
        if "[nessie" in request.node.name and reason is not None:
            request.applymarker(pytest.mark.xfail(raises=(AssertionError, CommitError), reason=reason))


class TestG1(_OnJava, conformance.TestG1Idempotent):
    """Running the same input again writes nothing."""


class TestG2(_OnJava, conformance.TestG2CrashSafe):
    """A run that is killed leaves a whole snapshot."""

    kills = 4


class TestG3(_OnJava, conformance.TestG3Concurrent):
    """Runs at the same time leave what they leave one after the other."""


class TestG4(_OnJava, conformance.TestG4Drift):
    """A table follows its schema."""


class TestG5(_OnJava, conformance.TestG5Quarantine):
    """A row is in the table, in the quarantine, or refused with its run."""


class TestG6(_OnJava, conformance.TestG6Publish):
    """Rows are visible once their blocking checks have passed."""


class TestG7(_OnJava, conformance.TestG7Maintenance):
    """Maintenance beside writers loses nothing."""


class TestG9(_OnJava, conformance.TestG9State):
    """The cursor of a source is never ahead of the table."""
