from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import dagster as dg
import pytest
import requests
from pydantic import AwareDatetime, BaseModel, Field

from cascade.declarations.code_version import code_version
from cascade.exceptions import CascadeError, DeclarationError, PartitionError, RowsRefusedError
from cascade.iceberg.catalog import Lakehouse
from cascade.ingestion import IngestionWorkflow, cascade_ingestion
from cascade.runs.overwritten import Overwritten
from cascade.runs.report import RunReport

DAY = "2013-01-15"
AT = datetime(2013, 1, 15, 12, tzinfo=UTC)


class Reading(BaseModel):
    id: int
    at: AwareDatetime = Field(description="When it was read.")
    celsius: float | None = Field(None, lt=60)
    price: Decimal | None = Field(None, max_digits=8, decimal_places=2)


ARGUMENTS: dict[str, Any] = {
    "table_name": "readings",
    "unique_key": "id",
    "group": "weather",
    "validation_schema": Reading,
    "partition_start": "2013-01-01",
}


def fetch() -> Iterator[object]:
    """Fetch the readings."""
    yield {"id": 1, "at": AT, "celsius": float("inf")}
    yield {"id": 2**60, "at": AT, "celsius": 2.5, "price": Decimal("1.10"), "extra": 1}
    yield {"id": 3, "at": AT, "celsius": 99.0}


def workflow(function: Any = fetch, **arguments: Any) -> IngestionWorkflow[..., Any]:
    return cascade_ingestion(**{**ARGUMENTS, **arguments})(function)


def materialized(
    lakehouse: Lakehouse, built: IngestionWorkflow[..., Any], key: str | None = DAY, **options: Any
) -> dg.ExecuteInProcessResult:
    return dg.materialize([built.asset], partition_key=key, resources={"lakehouse": lakehouse}, **options)


def spec_of(**arguments: Any) -> dg.AssetSpec:
    (spec,) = workflow(**arguments).asset.specs
    return spec


def test_the_asset_is_built_once_with_the_names_of_the_contract() -> None:
    built = workflow()
    assert built.asset is built.asset
    assert built.key == dg.AssetKey(["readings"])
    assert built.op.name == "dlt_readings"
    elsewhere = workflow(namespace="lab")
    assert elsewhere.key == dg.AssetKey(["lab", "readings"]) == elsewhere.asset.key
    assert elsewhere.op.name == "dlt_lab__readings"


def test_a_run_records_its_outcome(lakehouse: Lakehouse) -> None:
    result = materialized(lakehouse, workflow())
    (event,) = result.asset_materializations_for_node("dlt_readings")
    assert event.partition == DAY
    found: dict[str, Any] = {name: value.value for name, value in event.metadata.items()}
    assert found["cascade/rows_in"] == 3
    assert found["cascade/rows_good"] == found["cascade/rows_inserted"] == found["dagster/partition_row_count"] == 1
    assert found["cascade/rows_refused"] == 2
    assert found["cascade/rows_updated"] == 0
    assert found["dagster/row_count"] == 1
    assert found["cascade/committed"] is True
    assert found["cascade/table"] == "raw.readings"
    assert found["cascade/dropped_fields"] == "extra"
    snapshot = lakehouse.catalog.load_table("raw.readings").current_snapshot()
    assert snapshot is not None and found["cascade/snapshot_id"] == str(snapshot.snapshot_id)
    for step in ("extract", "validate", "quarantine", "plan", "write", "commit"):
        assert found["cascade/timings"][step] >= 0
    for seconds in (found["cascade/seconds"], *found["cascade/timings"].values()):
        assert seconds == round(seconds, 3)
    order = [*found]
    assert order[:8] == [
        *(f"cascade/rows_{name}" for name in ("in", "good", "refused", "inserted", "updated", "removed")),
        "cascade/refused_preview",
        "cascade/dropped_fields",
    ]
    assert order.index("cascade/preview") < order.index("cascade/table")
    (row,) = found["cascade/preview"].records
    assert row.data == {"id": str(2**60), "at": "2013-01-15T12:00:00+00:00", "celsius": 2.5, "price": "1.10"}
    refused = found["cascade/refused_preview"].records
    assert [record.data["field"] for record in refused] == ["celsius", "celsius"]
    assert [column.name for column in found["dagster/column_schema"].columns] == ["id", "at", "celsius", "price"]


def test_the_definition_describes_the_asset_before_a_run() -> None:
    spec = spec_of(owners=["team:weather", "a@example.com"], tags={"tier": "gold"})
    assert spec.description == "Fetch the readings."
    assert spec.code_version == code_version(workflow().declaration) and len(spec.code_version) == 12
    assert spec.group_name == "weather"
    assert list(spec.owners) == ["team:weather", "a@example.com"]
    assert spec.tags["tier"] == "gold"
    assert spec.kinds == {"python", "iceberg"}
    columns = spec.metadata["dagster/column_schema"].columns
    assert columns[1].description == "When it was read."
    assert columns[0].constraints.unique and not columns[0].constraints.nullable
    assert columns[2].constraints.nullable
    code, schema = spec.metadata["dagster/code_references"].code_references
    assert (code.file_path, code.line_number) == (__file__, fetch.__code__.co_firstlineno)
    assert schema.file_path == __file__


def test_a_run_is_for_one_partition() -> None:
    asset = workflow(partition_end="2013-02-01", partition_timezone="America/New_York").asset
    assert isinstance(asset.partitions_def, dg.DailyPartitionsDefinition)
    assert len(asset.partitions_def.get_partition_keys()) == 31
    assert asset.partitions_def.timezone == "America/New_York"
    assert asset.backfill_policy == dg.BackfillPolicy.multi_run(1)
    assert workflow(partitions=None, partition_start=None).asset.partitions_def is None


def test_each_table_has_its_own_pool() -> None:
    assert workflow(namespace="lab").op.pool == "lab/readings"


def test_freshness_and_retries() -> None:
    assert spec_of().freshness_policy is None
    policy = spec_of(freshness_hours=(24, 48)).freshness_policy
    assert policy == dg.FreshnessPolicy.time_window(fail_window=hours(48), warn_window=hours(24))
    assert spec_of(freshness_hours=3).freshness_policy == dg.FreshnessPolicy.time_window(fail_window=hours(3))
    assert workflow().op.retry_policy is None
    assert workflow(max_retries=2, retry_delay_seconds=5).op.retry_policy == dg.RetryPolicy(max_retries=2, delay=5)


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


def test_deps_may_be_workflows_keys_and_assets() -> None:
    @dg.asset
    def theirs() -> None: ...

    ours = workflow(table_name="ours")
    deps = [ours, theirs, "plain", "with/slash", ["in", "parts"], dg.AssetKey("key"), dg.AssetSpec("spec")]
    keys = [dep.asset_key.to_user_string() for dep in spec_of(deps=deps).deps]
    assert sorted(keys) == sorted(["ours", "theirs", "plain", "with/slash", "in/parts", "key", "spec"])


def requested(now: str, **arguments: Any) -> set[str | None]:
    """Return the partitions that Dagster's automation requests in the minute of `now`, local time in New York."""
    from zoneinfo import ZoneInfo

    built = workflow(partition_timezone="America/New_York", **arguments)
    moment = datetime.fromisoformat(now).replace(tzinfo=ZoneInfo("America/New_York"))
    definitions = dg.Definitions(assets=[built.asset], resources={"lakehouse": None})
    instance = dg.DagsterInstance.ephemeral()
    before = dg.evaluate_automation_conditions(
        defs=definitions, instance=instance, evaluation_time=moment - hours(1 / 60)
    )
    after = dg.evaluate_automation_conditions(
        defs=definitions, instance=instance, evaluation_time=moment + hours(1 / 60), cursor=before.cursor
    )
    return set(after.get_requested_partitions(built.key))


@pytest.mark.parametrize(
    ("now", "cron", "expected"),
    [
        ("2024-03-05T06:00", "0 6 * * *", {"2024-03-04"}),
        ("2024-03-05T07:00", "0 6 * * *", set()),
        ("2024-03-05T06:00", "0 6 * * 2", {"2024-03-04"}),
        ("2024-03-05T18:00", "0 */6 * * *", {"2024-03-05"}),
        ("2024-03-05T23:30", "30 23 * * *", {"2024-03-04"}),
    ],
)
def test_a_tick_requests_the_newest_closed_partition_or_the_current_one(
    now: str, cron: str, expected: set[str]
) -> None:
    assert requested(now, cron=cron, partition_start="2024-03-01") == expected


def test_a_tick_of_an_hourly_asset() -> None:
    got = requested("2024-03-05T06:10", cron="10 * * * *", partitions="hourly", partition_start="2024-03-05")
    assert got == {"2024-03-05-05:00"}


@pytest.mark.parametrize(
    ("now", "arguments", "expected"),
    [
        ("2024-03-05T06:00", {"cron": "0 6 * * *", "lookback": 0}, ["2024-03-04"]),
        ("2024-03-05T06:00", {"cron": "0 6 * * *", "lookback": 2}, ["2024-03-02", "2024-03-03", "2024-03-04"]),
        # Clocks change in between: days have 23 and 25 hours.
        ("2024-03-12T06:00", {"cron": "0 6 * * *", "lookback": 2}, ["2024-03-09", "2024-03-10", "2024-03-11"]),
        ("2024-11-05T06:00", {"cron": "0 6 * * *", "lookback": 2}, ["2024-11-02", "2024-11-03", "2024-11-04"]),
        # A tick in a partition that has not ended requests that one too.
        ("2024-03-05T18:00", {"cron": "0 */6 * * *", "lookback": 1}, ["2024-03-04", "2024-03-05"]),
        ("2024-03-02T06:00", {"cron": "0 6 * * *", "lookback": 5}, ["2024-03-01"]),
        ("2024-03-05T07:00", {"cron": "0 6 * * *", "lookback": 2}, []),
        (
            "2024-03-05T06:10",
            {"cron": "10 * * * *", "partitions": "hourly", "lookback": 3},
            ["2024-03-05-02:00", "2024-03-05-03:00", "2024-03-05-04:00", "2024-03-05-05:00"],
        ),
        # The clock on the wall counts: it has no hour from two to three.
        (
            "2024-03-10T05:10",
            {"cron": "10 * * * *", "partitions": "hourly", "lookback": 3},
            ["2024-03-10-01:00", "2024-03-10-03:00", "2024-03-10-04:00"],
        ),
        (
            "2024-03-19T06:00",
            {"cron": "0 6 * * 2", "partitions": "weekly", "lookback": 1, "partition_start": "2024-02-04"},
            ["2024-03-03", "2024-03-10"],
        ),
    ],
)
def test_a_tick_also_requests_the_partitions_of_the_lookback(
    now: str, arguments: dict[str, Any], expected: list[str]
) -> None:
    got = requested(now, **{"partition_start": "2024-03-01", **arguments})
    assert sorted(key or "" for key in got) == expected


@pytest.mark.parametrize("lookback", [1, 2, 3, 11, 12])
@pytest.mark.parametrize("month", [1, 2, 3, 4, 8, 12])
def test_the_lookback_of_months_counts_months(lookback: int, month: int) -> None:
    got = requested(
        f"2024-{month:02}-02T06:00",
        cron="0 6 2 * *",
        partitions="monthly",
        partition_start="2020-01-01",
        lookback=lookback,
    )
    newest = 2024 * 12 + month - 2
    wanted = {divmod(newest - back, 12) for back in range(lookback + 1)}
    assert got == {f"{year}-{index + 1:02}-01" for year, index in wanted}


def test_a_lookback_that_has_no_effect_is_an_error() -> None:
    for arguments, said in (
        ({}, "lookback: has no effect without cron; remove it."),
        ({"cron": "0 6 * * *", "partitions": None, "partition_start": None}, "has no effect with partitions=None"),
        ({"cron": "0 6 * * *", "lookback": -1}, "lookback: must be a whole number of at least 0, not -1."),
    ):
        with pytest.raises(DeclarationError, match=re.escape(said)):
            workflow(**{"lookback": 2, **arguments})


def test_no_condition_without_a_cron_or_after_the_last_partition() -> None:
    assert spec_of().automation_condition is None
    assert spec_of(cron="0 6 * * *").automation_condition is not None
    assert spec_of(cron="0 6 * * *", partition_end="2014-01-01").automation_condition is None


def test_a_partitioned_asset_without_a_key_fails(lakehouse: Lakehouse) -> None:
    with pytest.raises(PartitionError, match=r"is partitioned \(daily\), but no partition was given"):
        materialized(lakehouse, workflow(), key=None)


def test_a_run_over_a_range_fails(lakehouse: Lakehouse) -> None:
    tags = {"dagster/asset_partition_range_start": DAY, "dagster/asset_partition_range_end": "2013-01-17"}
    with pytest.raises(PartitionError, match=r"this one has 2013-01-15\.\.\.2013-01-17"):
        materialized(lakehouse, workflow(), key=None, tags=tags)


def test_a_run_of_a_backfill_has_its_partition_as_a_range_of_one(lakehouse: Lakehouse) -> None:
    tags = {"dagster/asset_partition_range_start": DAY, "dagster/asset_partition_range_end": DAY}
    result = materialized(lakehouse, workflow(), key=None, tags=tags)
    (event,) = result.get_asset_materialization_events()
    assert event.partition == DAY


def test_a_failed_run_fails_with_the_original_error(lakehouse: Lakehouse) -> None:
    with pytest.raises(RowsRefusedError, match="2 of 3 rows"):
        materialized(lakehouse, workflow(on_invalid="fail"))


def unreachable() -> None:
    raise requests.ConnectionError(ConnectionRefusedError(), request=requests.Request("GET", "http://localhost:1"))


@pytest.mark.parametrize(("function", "calls"), [(fetch, 1), (lambda: 1 / 0, 3), (unreachable, 3)])
def test_only_errors_that_may_pass_are_retried(lakehouse: Lakehouse, function: Any, calls: int) -> None:
    called: list[int] = []

    def counted() -> object:
        called.append(1)
        return function()

    built = workflow(counted, max_retries=2, retry_delay_seconds=0, on_invalid="fail")
    result = materialized(lakehouse, built, raise_on_error=False)
    assert not result.success
    assert len(called) == calls


def test_a_limit_is_enforced_in_process(lakehouse: Lakehouse) -> None:
    def slow() -> None:
        import time

        time.sleep(30)

    with pytest.raises(CascadeError, match="max_runtime_seconds=1"):
        materialized(lakehouse, workflow(slow, max_runtime_seconds=1))


def test_a_row_of_another_partition_that_a_run_replaces_is_a_warning(lakehouse: Lakehouse) -> None:
    changing = iter([[{"id": 1, "at": AT}], [{"id": 1, "at": AT, "celsius": 2.0}]])
    instance, built = dg.DagsterInstance.ephemeral(), workflow(lambda: next(changing))
    materialized(lakehouse, built, instance=instance)
    result = materialized(lakehouse, built, key="2013-01-16", instance=instance)
    warned = [entry.user_message for entry in instance.all_logs(result.run_id) if entry.level == logging.WARNING]
    [warning] = [text for text in warned if "replaced rows" in text]
    assert warning.startswith(
        "raw.readings 2013-01-16: this run replaced rows of the partition 2013-01-15, for example"
    )
    report = RunReport.of_run(result, built.key)
    assert report is not None
    assert report.overwritten == Overwritten("2013-01-15", "id=1")
    assert (report.rows_inserted, report.rows_updated) == (0, 1)


def test_refused_rows_appear_in_the_log(lakehouse: Lakehouse) -> None:
    instance = dg.DagsterInstance.ephemeral()
    result = materialized(lakehouse, workflow(), instance=instance)
    warned = [entry.user_message for entry in instance.all_logs(result.run_id) if entry.level == logging.WARNING]
    assert len(warned) == 2
    assert warned[1].startswith("Refused by less_than: Input should be less than 60")
    assert '"celsius": 99.0' in warned[1]


class Unreachable(Exception):
    def __init__(self, address: str) -> None:
        self.address = address

    def __str__(self) -> str:
        return f"no answer from {self.address}"


@pytest.mark.parametrize("kind", [ValueError, Unreachable])
def test_dagster_records_no_secret_of_a_failed_run(lakehouse: Lakehouse, kind: type[Exception]) -> None:
    address = "https://api.example.com/?token=" + "hunter" * 2

    def unreachable() -> object:
        raise kind(address)

    with dg.DagsterInstance.ephemeral() as instance:
        result = materialized(lakehouse, workflow(unreachable), instance=instance, raise_on_error=False)
        recorded = "".join(repr(entry) for entry in instance.all_logs(result.run_id))
    assert "api.example.com/?token=**********" in recorded
    assert "hunterhunter" not in recorded
    (failure,) = (event for event in result.all_events if event.is_step_failure)
    assert "unreachable" in str(failure.step_failure_data.error)


def test_a_workflow_without_partitions_runs_beside_one_that_has_them(lakehouse: Lakehouse) -> None:
    reference = workflow(lambda: [{"id": 1, "at": AT}], table_name="stations", partitions=None, partition_start=None)
    built = workflow(deps=[reference])
    range_tags = {"dagster/asset_partition_range_start": DAY, "dagster/asset_partition_range_end": DAY}
    for options in ({"partition_key": DAY}, {"tags": range_tags}):
        result = dg.materialize([reference.asset, built.asset], resources={"lakehouse": lakehouse}, **options)
        assert result.success
        (event,) = result.asset_materializations_for_node("dlt_stations")
        assert event.partition is None
        assert event.metadata["cascade/rows_in"].value == 1
