"""G3 with up to 16 processes, on a catalog with a lock and on one without."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cascade.config import CascadeConfig
from cascade.iceberg.turns import Turn
from cascade.testing.trials.cases import Case
from cascade.testing.trials.maintained import assert_maintenance_loses_nothing
from cascade.testing.trials.races import assert_distinct_partitions_land, assert_one_order_explains
from cascade.testing.trials.sites import Site, new_site


@pytest.fixture
def site(lakehouse_settings: CascadeConfig) -> Iterator[Site]:
    with new_site(lakehouse_settings) as site:
        yield site


@pytest.mark.parametrize("processes", [2, 4, 8, 16])
def test_g3_partitions_at_the_same_time_all_land(site: Site, processes: int) -> None:
    raced = assert_distinct_partitions_land(site, Case("merge", layout=processes == 4), processes)
    if Turn.of(site.open().uri, site.table("any")).path is not None:
        # Where writers take turns, hardly any of them loses a race.
        assert max(raced.attempts) <= 3, raced.attempts


@pytest.mark.parametrize("disposition", ["append", "replace"])
def test_g3_partitions_of_other_dispositions_all_land(site: Site, disposition: str) -> None:
    assert_distinct_partitions_land(site, Case(disposition), 4)  # type: ignore[arg-type]


@pytest.mark.parametrize("processes", [2, 4, 8, 16])
def test_g3_runs_of_one_partition_leave_what_some_order_leaves(site: Site, processes: int) -> None:
    assert_one_order_explains(site, Case("merge"), processes)


@pytest.mark.parametrize("case", [Case("append"), Case("replace"), Case("replace", partitioned=False)], ids=str)
def test_g3_of_runs_that_replace_their_partition_the_rows_of_one_are_left(site: Site, case: Case) -> None:
    raced = assert_one_order_explains(site, case, 4)
    assert len({row[2] for row in raced.rows}) == 1


def test_g3_every_run_without_partitions_that_appends_lands(site: Site) -> None:
    raced = assert_one_order_explains(site, Case("append", partitioned=False), 4)
    assert len(raced.rows) == 4 * 5


@pytest.mark.parametrize("case", [Case("merge"), Case("replace")], ids=str)
def test_g3_a_catalog_that_answers_late_changes_nothing(site: Site, case: Case) -> None:
    assert_one_order_explains(site, case, 3, late=0.3)


@pytest.mark.parametrize("case", [Case("merge"), Case("append")], ids=str)
def test_g7_maintenance_beside_eight_writers_loses_nothing(site: Site, case: Case) -> None:
    assert_maintenance_loses_nothing(site, case, 8)
