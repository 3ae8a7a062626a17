from __future__ import annotations

import dagster as dg
import pytest

from cascade.cli.conftest import Cascade, program
from cascade.config import CascadeConfig
from cascade.framework.conftest import THINGS, SampleProject
from cascade.framework.instance import open_instance

__all__ = ["program"]

ASSETS = """
    import dagster as dg

    hours = dg.HourlyPartitionsDefinition(
        start_date="2024-03-10-00:00", end_date="2024-03-11-00:00", timezone="America/New_York"
    )
    customers = dg.DynamicPartitionsDefinition(name="customers")

    @dg.asset(partitions_def=hours)
    def clicks(context):
        print(context.partition_key)

    @dg.asset(partitions_def=customers)
    def invoices(context):
        print(context.partition_key)
"""


@pytest.mark.usefixtures("program")
def test_a_key_between_two_partitions_is_invalid_usage(cascade: Cascade, project: SampleProject) -> None:
    project.write("assets.py", ASSETS)
    for arguments in (
        ("--partition", "2024-03-10-02:00"),
        ("--partition-range", "2024-03-10-02:00...2024-03-10-05:00"),
        ("--partition-range", "2024-03-10-00:00...2024-03-10-02:00"),
    ):
        result = cascade("materialize", "clicks", *arguments)
        assert result.exit_code == 2, result.output
        assert "error: 2024-03-10-02:00 is not a partition of clicks (hourly)." in result.stderr
        assert (
            "2024-03-10-03:00 is nearest. Type: cascade materialize clicks --partition 2024-03-10-03:00"
            in result.stderr
        )
        assert "Materialized" not in result.stdout


@pytest.mark.usefixtures("program")
def test_a_wrong_key_of_a_workflow_is_refused_before_all_definitions_are_built(
    cascade: Cascade, project: SampleProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("things.py", THINGS)
    monkeypatch.delattr("cascade.cli.context.Invocation.definitions")
    result = cascade("materialize", "raw.things", "--partition", "2024-1-2")
    assert result.exit_code == 2, result.output
    assert "2024-01-02 is nearest. Type: cascade materialize things --partition 2024-01-02" in result.stderr


def test_the_keys_of_dynamic_partitions_are_those_of_the_instance(cascade: Cascade, project: SampleProject) -> None:
    project.write("assets.py", ASSETS)
    with open_instance(CascadeConfig.from_user_config()) as instance:
        assert isinstance(instance, dg.DagsterInstance)
        instance.add_dynamic_partitions("customers", ["acme"])
    assert cascade("materialize", "invoices", "--partition", "acme").exit_code == 0
    result = cascade("materialize", "invoices", "--partition", "acne")
    assert result.exit_code == 2, result.output
    assert "acne is not a partition of invoices" in result.stderr
    assert "acme is nearest" in result.stderr
