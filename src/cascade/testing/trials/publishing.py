"""G6: nothing is visible before its blocking checks have passed."""

from __future__ import annotations

import pytest

from cascade.exceptions import ChecksFailedError
from cascade.iceberg import Lakehouse
from cascade.iceberg.branch_support import keeps_branches
from cascade.testing.trials.cases import Case, Row, run_case
from cascade.testing.trials.judges import Failing, Overtaken
from cascade.testing.trials.model import Model
from cascade.testing.trials.promise import Conformance, every_case, every_full_case
from cascade.testing.trials.sites import Site, rows_in, rows_of, snapshot_of

_A, _B, _C = Row(1, 1, 1.0), Row(2, 2, 2.0), Row(3, 3, 3.0)


class TestG6Publish(Conformance):
    """Rows are visible once their blocking checks have passed, and a publish undoes no other writer."""

    @every_case
    def test_a_failed_check_leaves_main_at_its_snapshot(self, site: Site, lakehouse: Lakehouse, case: Case) -> None:
        """Fail a check of rows, look at what it judged, and run them again without it."""
        ref, partition, check = site.table(case), case.partitions[0], Failing()
        run_case(lakehouse, case, ref, partition, (_A,))
        before, heads = rows_in(lakehouse, ref), snapshot_of(lakehouse, ref)
        expected = Model(case).after(partition, (_A,)).after(partition, (_A, _B)).rows
        with pytest.raises(ChecksFailedError):
            run_case(lakehouse, case, ref, partition, (_A, _B), "checked", judge=check)
        assert (rows_in(lakehouse, ref), snapshot_of(lakehouse, ref)) == (before, heads)
        assert check.seen == expected
        assert (check.branch is not None) == keeps_branches(lakehouse, ref)
        if check.branch is not None:
            assert rows_of(lakehouse.require(ref.on(check.branch))) == expected
        run_case(lakehouse, case, ref, partition, (_A, _B), "again")
        assert rows_in(lakehouse, ref) == expected

    @every_case
    def test_the_first_rows_of_a_table_wait_for_their_checks(
        self, site: Site, lakehouse: Lakehouse, case: Case
    ) -> None:
        """Fail a check of a table that has no rows yet."""
        ref, partition, check = site.table(case), case.partitions[0], Failing()
        with pytest.raises(ChecksFailedError):
            run_case(lakehouse, case, ref, partition, (_A,), judge=check)
        assert check.seen == Model(case).after(partition, (_A,)).rows
        assert (rows_in(lakehouse, ref), snapshot_of(lakehouse, ref)) == ([], (None, None))

    @every_full_case
    def test_a_writer_that_commits_during_the_checks_is_not_undone(
        self, site: Site, lakehouse: Lakehouse, case: Case
    ) -> None:
        """Let another run publish while a check judges the rows of the first."""
        ref, first, other = site.table(case), case.partitions[0], case.partitions[-1]
        check = Overtaken(lambda: run_case(lakehouse, case, ref, other, (_C,), "other"))
        run_case(lakehouse, case, ref, first, (_A,), "before")
        run_case(lakehouse, case, ref, first, (_A, _B), "checked", judge=check)
        model = Model(case).after(first, (_A,)).after(other, (_C,)).after(first, (_A, _B))
        assert rows_in(lakehouse, ref) == model.rows == check.seen[-1]
        assert len(check.seen) == 2
