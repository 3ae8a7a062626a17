"""Merges that Trino carries out keep the promises that those of Cascade keep, and leave the same rows."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from servers.test_trino import on_trino
from servers.trino import Trino

from cascade.config import CascadeConfig
from cascade.declarations import PartitionField
from cascade.fault_points import FaultPoint, SimulatedCrash, fault_point_armed
from cascade.iceberg import Lakehouse, ensure_table, merge_rows
from cascade.iceberg.columns import arrow_schema
from cascade.iceberg.merge.large_plan import LargeMergePlan
from cascade.iceberg.trino.hidden_tables import is_hidden
from cascade.iceberg.trino.merging import merge_on_trino
from cascade.iceberg.trino_server import TrinoServer
from cascade.table_ref import TableRef
from cascade.testing import conformance
from cascade.testing.trials.sites import Site, new_site

KEY = ("id", "name")
CATALOGS = {"rest_settings": "iceberg", "sql_settings": "sql"}


@pytest.fixture(params=CATALOGS, ids=["rest", "sql"])
def settings(request: pytest.FixtureRequest, trino: Trino) -> CascadeConfig:
    given: CascadeConfig = request.getfixturevalue(request.param)
    engine = {"merge_engine": "trino", "trino_merge_tables": "*", "trino_catalog": CATALOGS[request.param]}
    return given.model_copy(update={**trino.settings, "trino_port": trino.port, **engine})


@pytest.fixture
def site(settings: CascadeConfig) -> Any:
    with new_site(settings) as found:
        yield found


class _OnTrino:
    @pytest.fixture
    def lakehouse_settings(self, settings: CascadeConfig) -> CascadeConfig:
        return settings


class TestG1(_OnTrino, conformance.TestG1Idempotent):
    """Running the same input again writes nothing."""


class TestG2(_OnTrino, conformance.TestG2CrashSafe):
    """A run that is killed leaves a whole snapshot."""

    kills = 4


class TestG3(_OnTrino, conformance.TestG3Concurrent):
    """Runs at the same time leave what they leave one after the other."""


class TestG4(_OnTrino, conformance.TestG4Drift):
    """A table follows its schema."""


class TestG5(_OnTrino, conformance.TestG5Quarantine):
    """A row is in the table, in the quarantine, or refused with its run."""


class TestG6(_OnTrino, conformance.TestG6Publish):
    """Rows are visible once their blocking checks have passed."""


class TestG7(_OnTrino, conformance.TestG7Maintenance):
    """Maintenance beside writers loses nothing."""


class TestG9(_OnTrino, conformance.TestG9State):
    """The cursor of a source is never ahead of the table."""


def every_type(count: int, shift: int = 0) -> pa.Table:
    """Return rows of every type that a schema can have, every third of them null."""
    from datetime import UTC, date, datetime, time, timedelta
    from decimal import Decimal
    from uuid import UUID

    def sparse(value: Callable[[int], Any], kind: pa.DataType) -> pa.Array:
        return pa.array([None if at % 3 == 2 else value(at + shift) for at in range(count)], kind)

    day, moment = date(2024, 1, 1), datetime(2024, 1, 1, tzinfo=UTC)
    return pa.table(
        {
            "id": pa.array(range(count), pa.int64()),
            "name": pa.array([f"naïve \"{at}\" ''" for at in range(count)]),
            "flag": sparse(lambda at: at % 2 == 0, pa.bool_()),
            "real": sparse(lambda at: [float("nan"), float("inf"), -0.0, at / 7][at % 4], pa.float64()),
            "price": sparse(lambda at: Decimal(at) / 100, pa.decimal128(12, 2)),
            "day": sparse(lambda at: day + timedelta(at), pa.date32()),
            "clock": sparse(lambda at: time(at % 24, 1, 2, 345678), pa.time64("us")),
            "local": sparse(lambda at: datetime(1969, 1, 1) + timedelta(at, microseconds=1), pa.timestamp("us")),
            "at": sparse(lambda at: moment + timedelta(at, microseconds=1), pa.timestamp("us", "UTC")),
            "data": sparse(lambda at: bytes([at % 256, 0]), pa.binary()),
            "key": sparse(lambda at: UUID(int=at).bytes, pa.uuid()),
            "tags": sparse(lambda at: [f"t{at}", None], pa.list_(pa.string())),
            "place": sparse(lambda at: {"x": at, "y": None}, pa.struct([("x", pa.int64()), ("y", pa.string())])),
        }
    )


@pytest.mark.parametrize("layout", [[], [PartitionField("day", "month"), PartitionField("id", "bucket[4]")]], ids=str)
def test_the_rows_are_those_of_a_merge_by_cascade(
    site: Site, settings: CascadeConfig, trino: Trino, layout: list[PartitionField]
) -> None:
    lakehouse, server = site.open(), TrinoServer.of(settings)
    schema = iceberg_schema()
    refs = [site.table("ours"), site.table("theirs")]
    for ref in refs:
        table = ensure_table(lakehouse, ref, schema, partition_spec=layout)
        merge_rows(lakehouse, ref, every_type(300).cast(arrow_schema(table)), KEY, run_id="first", partition="day")
    changed = every_type(320, shift=5).slice(100)
    ours = merge_rows(lakehouse, refs[0], changed, KEY, run_id="second", partition="day")
    theirs = merge_on_trino(lakehouse, refs[1], changed, KEY, server=server, run_id="second", partition="day")
    assert isinstance(theirs.plan, LargeMergePlan)
    # Every third row is the same as before. Trino does not compare rows if the batch is another one.
    assert (theirs.plan.inserted, theirs.plan.updated) == (20, 200)
    assert (ours.plan.inserted, ours.plan.updated) == (20, 133)
    assert rows_of(lakehouse, refs[1]) == rows_of(lakehouse, refs[0])
    found = on_trino(trino, f'select count(*) from "{site.namespace}"."{refs[1].name}"', settings.trino_catalog)
    assert found == [(320,)]
    # Cascade merges into what Trino has written, and Trino into what Cascade has.
    for ref in refs:
        merge_rows(lakehouse, ref, every_type(310, shift=9), KEY, run_id="third", partition="day")
    again = merge_on_trino(
        lakehouse, refs[1], every_type(310, shift=9), KEY, server=server, run_id="4", partition="day"
    )
    assert again.snapshot_id is None
    assert rows_of(lakehouse, refs[1]) == rows_of(lakehouse, refs[0])
    assert hidden_in(lakehouse, site) == []


def test_a_run_that_ends_before_its_commit_leaves_the_table_as_it_was(site: Site, settings: CascadeConfig) -> None:
    lakehouse, server, ref = site.open(), TrinoServer.of(settings), site.table("crash")
    ensure_table(lakehouse, ref, iceberg_schema())
    merge_rows(lakehouse, ref, every_type(30), KEY, run_id="first")
    before = rows_of(lakehouse, ref)
    with pytest.raises(SimulatedCrash), fault_point_armed(FaultPoint.COMMIT, ref.full_name):
        merge_on_trino(lakehouse, ref, every_type(40, 1), KEY, server=server, run_id="second")
    assert rows_of(lakehouse, ref) == before
    merge_on_trino(lakehouse, ref, every_type(40, 1), KEY, server=server, run_id="third")
    assert len(rows_of(lakehouse, ref)) == 40
    assert os.getpid() and hidden_in(lakehouse, site) == []


def iceberg_schema() -> Any:
    from pyiceberg.io.pyarrow import _ConvertToIcebergWithoutIDs, visit_pyarrow
    from pyiceberg.schema import Schema, assign_fresh_schema_ids

    found = visit_pyarrow(every_type(1).schema, _ConvertToIcebergWithoutIDs())
    fresh = assign_fresh_schema_ids(found)
    fields = [replace_required(field) if field.name in KEY else field for field in fresh.fields]
    return Schema(*fields)


def replace_required(field: Any) -> Any:
    return field.model_copy(update={"required": True})


def rows_of(lakehouse: Lakehouse, ref: TableRef) -> list[str]:
    return sorted(map(repr, lakehouse.require(ref).scan().to_arrow().to_pylist()))


def hidden_in(lakehouse: Lakehouse, site: Site) -> list[str]:
    return [name for _, name in lakehouse.catalog.list_tables(site.namespace) if is_hidden(name)]
