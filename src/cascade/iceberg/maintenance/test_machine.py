"""Maintenance beside writers and readers loses nothing (G7), whatever happens in which order."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule, run_state_machine_as_test
from pyiceberg.table import Table

from cascade.exceptions import CascadeError
from cascade.fault_points import FaultPoint, SimulatedCrash, fault_point_armed
from cascade.iceberg import merge_rows
from cascade.iceberg.conftest import MACHINE
from cascade.iceberg.heads import AuditBranch
from cascade.iceberg.maintenance.conftest import DAY, HOUR, MaintainedMachine, pass_time
from cascade.iceberg.merge import MergePlanner
from cascade.iceberg.merge.costs import Costs
from cascade.iceberg.publishing import commit_audited
from cascade.iceberg.replace import WholeTable, replace_rows
from cascade.iceberg.tables import ensure_table
from cascade.iceberg.test_commit import NAME, SCHEMA, batch, rows_of

IDS = st.lists(st.integers(0, 40), min_size=1, max_size=12, unique=True)
# Every file is large, so that merges leave position deletes.
COSTS = st.sampled_from([Costs(), Costs(small_rows=0, deleted_share=1.0)])


class Machine(MaintainedMachine):
    """A table, what its rows should be, and the readers that have begun and not read yet."""

    def __init__(self) -> None:
        super().__init__()
        ensure_table(self.lakehouse, NAME, SCHEMA)
        self.rows: dict[int, int] = {}
        self.branches: dict[str, dict[int, int]] = {}
        self.readers: list[tuple[Table, dict[int, int]]] = []
        self.number = 0

    @rule(ids=IDS, costs=COSTS)
    def merge(self, ids: list[int], costs: Costs) -> None:
        self.number += 1
        merge_rows(self.lakehouse, NAME, batch(sorted(ids), self.number), ["id"], run_id=f"{self.number}", costs=costs)
        self.rows.update(dict.fromkeys(ids, self.number))

    @rule(ids=IDS)
    def replace(self, ids: list[int]) -> None:
        self.number += 1
        replace_rows(self.lakehouse, NAME, batch(sorted(ids), self.number), WholeTable(), run_id=f"{self.number}")
        self.rows = dict.fromkeys(ids, self.number)

    @rule(ids=IDS)
    def leave_a_branch(self, ids: list[int]) -> None:
        self.number += 1
        audit = AuditBranch.of(f"{self.number}", 30 * DAY)
        planner = MergePlanner(batch(sorted(ids), self.number), ("id",))
        try:
            commit_audited(self.lakehouse, NAME, planner, _fails, audit=audit, summary={})
        except CascadeError:
            self.branches[audit.name] = {**self.rows, **dict.fromkeys(ids, self.number)}

    @rule(point=st.sampled_from([FaultPoint.WRITE, FaultPoint.COMMIT]))
    def kill_a_writer(self, point: FaultPoint) -> None:
        try:
            with fault_point_armed(point):
                merge_rows(self.lakehouse, NAME, batch([99], 99), ["id"], run_id="killed")
        except SimulatedCrash:
            return
        raise AssertionError("the writer was not killed")

    @rule()
    def begin_to_read(self) -> None:
        self.readers.append((self.lakehouse.require(NAME), dict(self.rows)))

    @rule()
    def read_on(self) -> None:
        for table, rows in self.readers:
            assert _read(table) == rows
        self.readers.clear()

    @rule()
    def pass_a_day(self) -> None:
        self.read_on()
        pass_time(self.lakehouse, 25 * HOUR)

    @invariant()
    def every_row_is_there(self) -> None:
        assert rows_of(self.lakehouse) == self.rows
        for name, rows in self.branches.items():
            assert _read(self.lakehouse.require(NAME.on(name))) == rows


def _fails(committed: object) -> None:
    raise CascadeError("the check failed")


def _read(table: Table) -> dict[int, int]:
    return {row["id"]: row["n"] for row in table.scan().to_arrow().to_pylist()}


def test_no_order_of_events_loses_a_row() -> None:
    run_state_machine_as_test(Machine, settings=settings(MACHINE, stateful_step_count=25))
