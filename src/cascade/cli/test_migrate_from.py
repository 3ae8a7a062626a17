"""`migrate --from` writes workflows that load and run."""

from __future__ import annotations

import os
from pathlib import Path
from textwrap import dedent

import pytest

from cascade.cli.conftest import Cascade, commit, files
from cascade.framework.conftest import SampleProject


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text).lstrip(), encoding="utf-8")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Write a pipeline of dlt that needs no network."""
    root = tmp_path / "the shop"
    write(
        root / "models.py",
        """
        from datetime import date
        from typing import Any, Optional

        from pydantic import BaseModel

        class Order(BaseModel):
            id: int
            placed: date
            note: Optional[str] = None

        class Loose(BaseModel):
            key: str
            payload: dict[str, Any]
            size: float = 0.0
        """,
    )
    write(
        root / "shop_pipeline.py",
        """
        import dlt
        from models import Loose, Order

        FRUITS = ("apples", "pears")

        @dlt.resource(primary_key="id", write_disposition="merge", columns=Order)
        def orders():
            yield [{"id": 1, "placed": "2024-01-01"}, {"id": 2, "placed": "2024-01-02", "note": "x"}]

        @dlt.resource(columns=Loose, write_disposition="replace", primary_key="key")
        def loose():
            yield {"key": "a", "payload": {"x": 1}, "size": 1}

        @dlt.source
        def shop(kilos):
            yield orders
            yield loose
            for name in FRUITS:
                yield dlt.resource([{"name": name, "kilos": 3}], name=name, write_disposition="replace")

        pipeline = dlt.pipeline("shop", destination="duckdb")
        print(pipeline.run(shop(3)))
        raise_if_it_runs = pipeline.last_trace.undefined
        """,
    )
    return root


def test_a_pipeline_of_dlt_becomes_workflows_that_run(cascade: Cascade, project: SampleProject, shop: Path) -> None:
    before = {path: path.read_bytes() for path in shop.rglob("*.py")}
    shown = cascade("migrate", "--from", "dlt", str(shop))
    assert shown.exit_code == 1
    assert '+    return shop(3).with_resources("pears")' in shown.stdout
    assert "models.py:13: The field payload of Loose has the type dict[str, Any]" in shown.stdout
    assert files(project) == ["pyproject.toml"]
    document = cascade.json("migrate", "--from", "dlt", str(shop), "--apply")
    assert document["applied"]
    assert {path: path.read_bytes() for path in shop.rglob("*.py")} == before
    assert cascade("validate").exit_code == 0
    listed = {each["asset"] for each in cascade.json("list")["workflows"]}
    assert listed == {"orders", "loose", "apples", "pears"}
    for table, row in (("orders", "2024-01-02"), ("loose", "1.0"), ("pears", "pears")):
        result = cascade("materialize", table)
        assert (result.exit_code, row in result.stdout) == (0, True), result.output
    again = cascade("migrate", "--from", "dlt", str(shop), "--apply")
    assert again.exit_code == 0
    assert again.stdout.endswith("There is nothing to migrate.\n")


def test_wrong_use_is_told(cascade: Cascade, project: SampleProject, shop: Path) -> None:
    result = cascade("migrate", "--from", "dlt")
    assert (result.exit_code, "needs the path of a project of dlt" in result.stderr) == (2, True)
    result = cascade("migrate", "--from", "dlt", str(shop), "--to", "pants")
    assert (result.exit_code, "exclude each other" in result.stderr) == (2, True)
    result = cascade("migrate", str(shop / "models.py"))
    assert (result.exit_code, "is a file" in result.stderr) == (2, True)
    result = cascade("migrate", "--from", "dlt", str(project.root / project.package))
    assert (result.exit_code, "Cascade loads it already" in result.stderr) == (2, True)


@pytest.fixture
def location(tmp_path: Path) -> Path:
    """Write a code location of Dagster."""
    root = tmp_path / "location"
    write(root / "sales" / "__init__.py", "")
    write(
        root / "sales" / "assets.py",
        """
        from pathlib import Path

        import dagster as dg
        import pandas as pd

        class Till(dg.ConfigurableResource):
            city: str

        @dg.asset(io_manager_key="warehouse")
        def stores() -> pd.DataFrame:
            return pd.DataFrame({"id": [1, 2], "city": ["a", None]})

        @dg.asset(
            key_prefix="gold",
            partitions_def=dg.DailyPartitionsDefinition("2024-01-01"),
            deps=[stores],
            metadata={"dagster/column_schema": dg.TableSchema(columns=[
                dg.TableColumn("city", "string", constraints=dg.TableColumnConstraints(nullable=False)),
                dg.TableColumn("day", "date"),
            ])},
        )
        def sold(context: dg.AssetExecutionContext, till: Till) -> list[dict]:
            return [{"city": till.city, "day": context.partition_key}]

        @dg.asset
        def open_ended() -> list[dict]:
            return [{"a": line} for line in Path(__file__).with_name("lines.txt").read_text().split()]

        @dg.asset(deps=[stores, sold])
        def report() -> None:
            print("reported")
        """,
    )
    write(root / "sales" / "lines.txt", "x y")
    write(
        root / "sales" / "definitions.py",
        """
        import dagster as dg
        from sales import assets
        from sales.assets import Till, open_ended, report, sold

        stores_job = dg.define_asset_job("stores_job", selection=[assets.stores])
        defs = dg.Definitions(
            assets=[assets.stores, sold, report, open_ended],
            jobs=[stores_job],
            schedules=[dg.ScheduleDefinition(job=stores_job, cron_schedule="0 6 * * *")],
            resources={"till": Till(city="Newark")},
        )
        """,
    )
    return root


def test_assets_of_dagster_become_workflows_that_run(cascade: Cascade, project: SampleProject, location: Path) -> None:
    commit(project.root)
    # Only new files are written, so those that git does not have are no obstacle.
    project.write("mine.py", "x = 1")
    result = cascade("migrate", "--from", "dagster", str(location), "--apply")
    assert result.exit_code == 0
    assert result.stdout.endswith("See whether they load: cascade validate\n")
    assert "stores: the I/O manager is left out" in result.stdout
    assert "report stays a Dagster asset: it does not return rows" in result.stdout
    assert "does not declare the columns of open_ended" in result.stdout
    assert cascade("validate").stdout.startswith("No problems")
    document = cascade.json("list")
    assert {each["asset"] for each in document["workflows"]} == {"stores", "gold/sold", "open_ended"}
    assert {each["name"] for each in document["others"]} == {"report", "stores_job", "stores_job_schedule"}
    assert cascade("materialize", "stores").exit_code == 0
    result = cascade("materialize", "gold/sold", "--partition", "2024-01-02")
    assert (result.exit_code, "Newark  2024-01-02" in result.stdout) == (0, True), result.output
    assert cascade("materialize", "report").exit_code == 0
    # A schema that nobody has completed lands nothing, and names the columns.
    result = cascade("materialize", "open_ended")
    assert (result.exit_code, "The source has a." in result.stderr) == (1, True), result.output


def test_extractors_of_meltano_become_workflows_that_run(
    cascade: Cascade, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "meltano"
    write(
        root / "meltano.yml",
        """
        plugins:
          extractors:
          - name: tap-csv
            config:
              files:
              - {entity: customers, path: data/customers.csv, keys: [id]}
          - name: tap-people
            select: [people.*]
        """,
    )
    write(root / "data" / "customers.csv", "id,Full Name\n1,Ada\n2,\n")
    write(
        root / "tap-people.catalog.json",
        """
        {"streams": [{"tap_stream_id": "people", "key_properties": ["id"],
                      "schema": {"properties": {"id": {"type": "integer"}, "name": {"type": "string"}}}}]}
        """,
    )
    # A stand-in for Meltano that writes what a tap would.
    write(
        tmp_path / "bin" / "meltano",
        """
        #!/bin/sh
        test "$*" = "invoke tap-people" || exit 9
        echo '{"type": "RECORD", "stream": "people", "record": {"id": 1, "name": "Grace"}}'
        """,
    )
    (tmp_path / "bin" / "meltano").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    result = cascade("migrate", "--from", "meltano", str(root), "--apply")
    assert result.exit_code == 0, result.output
    assert cascade("validate").exit_code == 0
    result = cascade("materialize", "customers")
    assert (result.exit_code, "1   Ada" in result.stdout) == (0, True), result.output
    result = cascade("materialize", "people")
    assert (result.exit_code, "1  Grace" in result.stdout) == (0, True), result.output
