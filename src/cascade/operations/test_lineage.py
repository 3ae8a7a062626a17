from __future__ import annotations

from typing import Any

import pytest

from cascade.framework.conftest import SampleProject
from cascade.operations.conftest import Cascade, LoopbackServer

pytest.importorskip("openlineage.client")

DOWNSTREAM = """
    import dagster as dg
    from {package}.things import things

    SCHEMA = dg.TableSchema(columns=[dg.TableColumn("id", "int"), dg.TableColumn("name", "string")])
    LINEAGE = dg.TableColumnLineage({{"label": [dg.TableColumnDep(things.key, "name")]}})

    @dg.asset(deps=[things.key], key_prefix="gold")
    def totals() -> dg.MaterializeResult:
        return dg.MaterializeResult(
            metadata={{
                "dagster/column_schema": SCHEMA,
                "dagster/column_lineage": LINEAGE,
                "dagster/row_count": 7,
                "dagster/relation_identifier": "lake.gold.totals",
            }}
        )
"""


@pytest.fixture(autouse=True)
def settings(things: SampleProject, receiver: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> SampleProject:
    monkeypatch.setenv("CASCADE_OPENLINEAGE_URL", receiver.url)
    monkeypatch.setenv("CASCADE_OPENLINEAGE_API_KEY", "hush")
    return things


def events(receiver: LoopbackServer) -> list[Any]:
    return receiver.documents("/api/v1/lineage")


def test_a_run_is_a_start_and_a_completion_with_its_table(
    cascade: Cascade, receiver: LoopbackServer, settings: SampleProject
) -> None:
    cascade("materialize", "things", "--partition", "2024-01-04")
    start, complete = events(receiver)
    assert (start["eventType"], complete["eventType"]) == ("START", "COMPLETE")
    assert start["run"]["runId"] == complete["run"]["runId"] != complete["run"]["facets"]["parent"]["run"]["runId"]
    # Which table the asset has is known only afterwards.
    assert start["outputs"] == []
    assert complete["job"]["namespace"] == "project" and complete["job"]["name"] == "things"
    assert complete["run"]["facets"]["nominalTime"]["nominalStartTime"] == "2024-01-04T00:00:00+00:00"
    (output,) = complete["outputs"]
    assert (output["namespace"], output["name"]) == (f"file://{settings.root}/.cascade/warehouse", "raw.things")
    assert [field["name"] for field in output["facets"]["schema"]["fields"]] == ["id", "name"]
    statistics = output["outputFacets"]["outputStatistics"]
    assert statistics["rowCount"] == 1 and statistics["size"] > 0
    assert receiver.headers[0]["Authorization"] == "Bearer hush"


def test_a_failed_run_has_its_error(cascade: Cascade, receiver: LoopbackServer) -> None:
    cascade("materialize", "things", "--partition", "2024-01-03")
    start, failed = events(receiver)
    assert (failed["eventType"], failed["run"]["runId"]) == ("FAIL", start["run"]["runId"])
    assert failed["run"]["facets"]["errorMessage"]["message"].endswith("ValueError: the source is down")


def test_columns_come_from_the_columns_of_upstream_tables(
    cascade: Cascade, receiver: LoopbackServer, settings: SampleProject
) -> None:
    settings.write("gold.py", DOWNSTREAM.format(package=settings.package))
    cascade("materialize", "things", "--partition", "2024-01-01")
    cascade("materialize", "gold/totals")
    cascade("materialize", "things", "--partition", "2024-01-01")
    start, complete = events(receiver)[-2], events(receiver)[3]
    assert [made["name"] for made in start["outputs"]] == ["raw.things"]
    (output,) = complete["outputs"]
    assert (complete["job"]["name"], output["name"]) == ("gold.totals", "lake.gold.totals")
    assert [given["name"] for given in complete["inputs"]] == ["raw.things"]
    (source,) = output["facets"]["columnLineage"]["fields"]["label"]["inputFields"]
    assert (source["name"], source["field"]) == ("raw.things", "name")
    assert output["outputFacets"]["outputStatistics"]["rowCount"] == 7
