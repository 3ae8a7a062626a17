"""Whether a catalog and its warehouse keep Cascade's promises: G1 to G7 and G9, one class for each.

    pytest --pyargs cascade.testing.conformance

This tests the lakehouse of the project in the working directory, as its settings name it: another with
`CASCADE_ICEBERG_CATALOG=... CASCADE_ICEBERG_WAREHOUSE=...` before the command. The tests create a namespace of their
own, with a random name, and remove it with its tables and files. They read and write no other table.

To test a catalog that is not in the settings, subclass a class in a test module, and return its settings:

    from cascade.testing import conformance

    class TestOurCatalog(conformance.TestG3Concurrent):
        @pytest.fixture
        def lakehouse_settings(self) -> CascadeConfig:
            return CascadeConfig(iceberg_catalog=..., iceberg_warehouse=...)

Import the module, and not its classes, or pytest collects these too. Every test runs workflows of each write
disposition, with and without partitions.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar

import pytest

from cascade.exceptions import CommitRefusedError, RowsRefusedError, SchemaDriftError
from cascade.fault_points import FaultPoint, SimulatedCrash, fault_point_armed
from cascade.iceberg import Lakehouse, ensure_table
from cascade.iceberg.hidden import hidden_properties
from cascade.ingestion.dispositions import table_schema
from cascade.testing.trials.cases import FULL, REFUSED, Case, Row, declared, run_case
from cascade.testing.trials.drifting import OptionalValue, RequiredNote, TextValue, WithNote, WithoutValue, narrower
from cascade.testing.trials.kills import Campaign
from cascade.testing.trials.maintained import assert_maintenance_loses_nothing, assert_no_run_notices_maintenance
from cascade.testing.trials.model import Model
from cascade.testing.trials.promise import Conformance as Conformance
from cascade.testing.trials.promise import every_case, every_disposition, every_full_case, every_incremental_case
from cascade.testing.trials.publishing import TestG6Publish as TestG6Publish
from cascade.testing.trials.races import assert_distinct_partitions_land, assert_one_order_explains
from cascade.testing.trials.sites import Site, refused_in, rows_in, snapshot_of

_A, _B, _C = Row(1, 1, 1.0), Row(2, 2, 2.0), Row(3, 3, 3.0)
_REFUSED = Row(9, 9, REFUSED)


class TestG1Idempotent(Conformance):
    """Running the same input again leaves the same rows, and writes nothing."""

    @every_full_case
    def test_the_same_input_again_writes_nothing(self, site: Site, lakehouse: Lakehouse, case: Case) -> None:
        """Run each partition three times."""
        ref, model = site.table(case), Model(case)
        for partition in case.partitions:
            rows = (_A, _B, _REFUSED)
            model = model.after(partition, rows)
            assert run_case(lakehouse, case, ref, partition, rows).committed
            heads = snapshot_of(lakehouse, ref)
            for again in (rows, rows[::-1]):
                assert not run_case(lakehouse, case, ref, partition, again, "again").committed
                assert snapshot_of(lakehouse, ref) == heads
        assert rows_in(lakehouse, ref) == model.rows
        assert len(refused_in(lakehouse, ref)) == len(case.partitions)

    @every_full_case
    def test_a_corrected_input_leaves_what_its_disposition_says(
        self, site: Site, lakehouse: Lakehouse, case: Case
    ) -> None:
        """Run a partition with rows that were added, changed and removed."""
        ref, model = site.table(case), Model(case)
        for rows in ((_A, _B), (_B, _C), (_C._replace(value=7.0),), (_A, _B), ()):
            for partition in case.partitions[:2]:
                model = model.after(partition, rows)
                run_case(lakehouse, case, ref, partition, rows)
                assert rows_in(lakehouse, ref) == model.rows

    @every_incremental_case
    def test_an_incremental_run_without_new_rows_writes_nothing(
        self, site: Site, lakehouse: Lakehouse, case: Case
    ) -> None:
        """Let a source grow, and run it twice each time."""
        ref, model, partition = site.table(case), Model(case), case.partitions[0]
        for rows in ((_A,), (_A, _B), (_A, _B, _C._replace(id=1))):
            model = model.after(partition, rows)
            assert run_case(lakehouse, case, ref, partition, rows).committed
            assert not run_case(lakehouse, case, ref, partition, rows).committed
            assert rows_in(lakehouse, ref) == model.rows


class TestG2CrashSafe(Conformance):
    """A run that is killed leaves a whole snapshot, and the next one recovers."""

    kills: ClassVar[int] = 10
    """How many runs of each workflow are killed, half of them at fault points and half at random instants."""

    @every_case
    def test_a_run_that_is_killed_leaves_a_whole_snapshot(self, site: Site, case: Case) -> None:
        """Kill one run after the other with SIGKILL."""
        campaign = Campaign(site, case, seed=1)
        campaign.run(self.kills)
        assert campaign.kills.total() == self.kills

    @every_full_case
    def test_a_commit_whose_answer_is_lost_is_not_applied_twice(
        self, site: Site, lakehouse: Lakehouse, case: Case, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Lose the answer of the catalog to a commit that landed."""
        ref, partition, catalog = site.table(case), case.partitions[0], type(lakehouse.catalog)
        run_case(lakehouse, case, ref, partition, (_A,), "first")
        commit, lost = catalog.commit_table, list[bool]()

        def answer_lost(self: Any, *arguments: Any) -> Any:
            answer = commit(self, *arguments)
            if not lost:
                lost.append(True)
                raise ConnectionResetError("the connection broke")
            return answer

        with monkeypatch.context() as patch:
            patch.setattr(catalog, "commit_table", answer_lost)
            run_case(lakehouse, case, ref, partition, (_B,), "second")
        assert lost
        assert rows_in(lakehouse, ref) == Model(case).after(partition, (_A,)).after(partition, (_B,)).rows
        assert len(lakehouse.require(ref).snapshots()) == 2
        assert not run_case(lakehouse, case, ref, partition, (_B,), "third").committed


class TestG3Concurrent(Conformance):
    """Runs at the same time leave what they leave one after the other."""

    processes: ClassVar[int] = 4

    @pytest.mark.parametrize("case", [case for case in FULL if case.partitioned], ids=str)
    def test_partitions_at_the_same_time_all_land(self, site: Site, case: Case) -> None:
        """Run partitions in several processes."""
        assert_distinct_partitions_land(site, case, self.processes)

    @every_full_case
    def test_runs_of_one_partition_leave_what_some_order_leaves(self, site: Site, case: Case) -> None:
        """Run one partition in several processes, each with other rows."""
        assert_one_order_explains(site, case, self.processes)


class TestG4Drift(Conformance):
    """A table follows its schema where no value can be lost, and refuses every other change before it writes."""

    @every_disposition
    def test_a_new_optional_column_and_an_optional_one_are_applied(
        self, site: Site, lakehouse: Lakehouse, case: Case
    ) -> None:
        """Add a column, and allow nulls in another."""
        partition = case.partitions[0]
        for schema, more in ((WithNote, {"note": "new"}), (OptionalValue, {"value": None})):
            ref = site.table(case)
            run_case(lakehouse, case, ref, partition, (_A,))
            run_case(lakehouse, case, ref, partition, (_A, _B), schema=schema, more=dict(more))
            [(name, value)] = more.items()
            found = lakehouse.require(ref).scan().to_arrow()
            assert found.column(name).to_pylist().count(value) == 2

    @every_disposition
    def test_types_are_widened(self, site: Site, lakehouse: Lakehouse, case: Case) -> None:
        """Run into a table that has int and float where the schema says long and double."""
        ref, partition = site.table(case), case.partitions[0]
        wide = table_schema(declared(case, ref, lambda: []))
        hidden = hidden_properties() if case.disposition == "append" else None
        ensure_table(lakehouse, ref, narrower(wide), properties=hidden)
        run_case(lakehouse, case, ref, partition, (Row(1, 2**40, 0.1),))
        assert rows_in(lakehouse, ref)[0][1:] == (1, 2**40, 0.1)

    @pytest.mark.parametrize("schema", [TextValue, WithoutValue, RequiredNote])
    @every_disposition
    def test_any_other_change_is_refused_before_anything_is_written(
        self, site: Site, lakehouse: Lakehouse, case: Case, schema: Any
    ) -> None:
        """Change a type, remove a required column, and add one."""
        ref, partition = site.table(case), case.partitions[0]
        run_case(lakehouse, case, ref, partition, (_A,))
        before = lakehouse.require(ref).metadata_location
        with pytest.raises(SchemaDriftError):
            run_case(lakehouse, case, ref, partition, (_B,), schema=schema)
        assert lakehouse.require(ref).metadata_location == before


class TestG5Quarantine(Conformance):
    """A row is in the table, in the quarantine, or refused with its run: never nowhere."""

    @every_disposition
    def test_refused_rows_are_set_aside_until_a_full_run_is_without_them(
        self, site: Site, lakehouse: Lakehouse, case: Case
    ) -> None:
        """Refuse rows, and correct them."""
        ref, partition = site.table(case), case.partitions[0]
        run_case(lakehouse, case, ref, partition, (_A, _REFUSED), "first")
        [found] = lakehouse.require(ref.quarantine).scan().to_arrow().to_pylist()
        assert (found["rule"], found["field"], found["run_id"]) == ("less_than", "value", "first")
        assert (found["partition"], json.loads(found["row"])["id"]) == (partition, _REFUSED.id)
        assert [row[1] for row in rows_in(lakehouse, ref)] == [_A.id]
        corrected = (_A, _REFUSED._replace(value=1.0))
        run_case(lakehouse, case, ref, partition, corrected, "second")
        assert refused_in(lakehouse, ref) == []
        assert _REFUSED.id in [row[1] for row in rows_in(lakehouse, ref)]

    @every_incremental_case
    def test_an_incremental_run_adds_to_the_quarantine(self, site: Site, lakehouse: Lakehouse, case: Case) -> None:
        """Refuse a row in each of two runs."""
        ref, partition = site.table(case), case.partitions[0]
        rows: tuple[Row, ...] = ()
        for seq in (1, 3):
            rows = (*rows, Row(seq, seq, 0.0), Row(seq + 1, seq + 1, REFUSED))
            run_case(lakehouse, case, ref, partition, rows)
        assert [json.loads(row)["seq"] for _, row in refused_in(lakehouse, ref)] == [2, 4]
        assert [row[2] for row in rows_in(lakehouse, ref)] == [1, 3]

    @every_disposition
    def test_a_run_whose_rows_are_all_refused_fails_and_keeps_them(
        self, site: Site, lakehouse: Lakehouse, case: Case
    ) -> None:
        """Refuse every row of a run."""
        ref, partition = site.table(case), case.partitions[0]
        run_case(lakehouse, case, ref, partition, (_A,))
        with pytest.raises(RowsRefusedError):
            run_case(lakehouse, case, ref, partition, (_REFUSED,))
        assert [row[1] for row in rows_in(lakehouse, ref)] == [_A.id]
        assert len(refused_in(lakehouse, ref)) == 1


class TestG7Maintenance(Conformance):
    """Maintenance loses nothing, and no run notices it."""

    @every_full_case
    def test_no_run_notices_maintenance(self, site: Site, case: Case) -> None:
        """Maintain the table after each run."""
        assert_no_run_notices_maintenance(site, case)

    @every_disposition
    def test_maintenance_beside_writers_loses_nothing(self, site: Site, case: Case) -> None:
        """Maintain a table while four processes write to it."""
        assert_maintenance_loses_nothing(site, case, 4)


class TestG9State(Conformance):
    """The cursor of a source is never ahead of the table."""

    @pytest.mark.parametrize("point", [point for point in FaultPoint if point.is_of_every_run])
    @every_incremental_case
    def test_a_run_that_stops_returns_its_rows_again(
        self, site: Site, lakehouse: Lakehouse, case: Case, point: FaultPoint
    ) -> None:
        """Stop a run at a fault point, while its source grows."""
        ref, partition = site.table(case), case.partitions[0]
        run_case(lakehouse, case, ref, partition, (_A,))
        with pytest.raises(SimulatedCrash), fault_point_armed(point, ref.full_name):
            run_case(lakehouse, case, ref, partition, (_A, _B))
        assert run_case(lakehouse, case, ref, partition, (_A, _B, _C)).rows_in == 2
        assert rows_in(lakehouse, ref) == Model(case).after(partition, (_A, _B, _C)).rows
        assert run_case(lakehouse, case, ref, partition, (_A, _B, _C)).rows_in == 0

    @every_incremental_case
    def test_a_commit_that_the_catalog_refuses_keeps_the_cursor(
        self, site: Site, lakehouse: Lakehouse, case: Case, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Let the catalog refuse a commit."""
        from pyiceberg.exceptions import ForbiddenError

        ref, partition = site.table(case), case.partitions[0]
        run_case(lakehouse, case, ref, partition, (_A,))

        def refuse(*arguments: Any) -> None:
            raise ForbiddenError("the trial refuses it")

        with monkeypatch.context() as patch, pytest.raises(CommitRefusedError):
            patch.setattr(type(lakehouse.catalog), "commit_table", refuse)
            run_case(lakehouse, case, ref, partition, (_A, _B))
        assert run_case(lakehouse, case, ref, partition, (_A, _B)).rows_in == 1
        assert rows_in(lakehouse, ref) == Model(case).after(partition, (_A, _B)).rows
