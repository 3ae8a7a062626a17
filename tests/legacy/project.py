"""A project of twenty workflows in the layout that Cascade had before version 1.0, without network.

It has each way in which such projects used the framework: several forms of imports, kinds of sources and schemas,
checks, a schedule, a dbt project in the package, tests, a `.env` without prefixes, and a workspace file.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from textwrap import dedent

FIRST, LAST = "2025-01-01", "2025-01-03"
"""The partitions that the sources have rows of."""

SENSORS = ("attic", "basement", "garage", "kitchen", "office", "porch", "study")


@dataclass(frozen=True)
class LegacyProject:
    """What was written.

    Args:
        root: the project's directory.
        rows: how many rows each partition of a table has, by the table's name.
    """

    root: Path
    rows: dict[str, int] = field(default_factory=dict)

    @property
    def package(self) -> Path:
        """The package `cascade` in it."""
        return self.root / "src" / "cascade"


def write_legacy_project(root: Path) -> LegacyProject:
    """Write the project into a directory.

    Args:
        root: the directory, which is created.

    Returns:
        The project, with the rows that its workflows must land.
    """
    project = LegacyProject(root)
    _write_files(project, _SHARED)
    for domain, files in {"weather": _WEATHER, "github": _GITHUB, "sales": _SALES, "finance": _FINANCE}.items():
        _write_files(project, files)
        _file(project, f"src/cascade/defs/ingestion/{domain}/__init__.py", "")
    project.rows.update(
        weather_stations=3,
        weather_observations=6,
        weather_forecasts=3,
        github_user_events=2,
        github_repo_stats=2,
        github_issues=2,
        orders=4,
        customers=2,
        refunds=1,
        shipments=2,
        rates=3,
        ledger=2,
        invoices=2,
    )
    for sensor in SENSORS:
        _file(project, f"src/cascade/defs/ingestion/sensors/{sensor}.py", _SENSOR.replace("SENSOR", sensor))
        project.rows[f"sensor_{sensor}"] = 2
    _file(project, "src/cascade/defs/ingestion/sensors/__init__.py", _SENSORS_INIT)
    _write_data(project)
    return project


def _write_files(project: LegacyProject, files: dict[str, str]) -> None:
    for name, text in files.items():
        _file(project, name, text)


def _file(project: LegacyProject, name: str, text: str) -> None:
    path = project.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text).lstrip(), encoding="utf-8")


def _write_data(project: LegacyProject) -> None:
    days = [date.fromisoformat(FIRST) + timedelta(days=number) for number in range(3)]
    data = project.package / "defs" / "ingestion" / "sales" / "data"
    data.mkdir()
    lines = ["order_id,customer,amount,ordered_at"]
    lines += [f"{day:%d}-{n},c{n % 2},{n}.50,{day}T0{n}:00:00Z" for day in days for n in range(4)]
    (data / "orders.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    events = [
        {"id": f"{day:%m%d}{n}", "type": "PushEvent", "created_at": f"{day}T1{n}:00:00Z", "public": True, "extra": n}
        for day in days
        for n in range(2)
    ]
    fixture = project.root / "tests" / "fixtures" / "events.json"
    fixture.parent.mkdir(parents=True, exist_ok=True)
    fixture.write_text(json.dumps(events[:2], indent=2), encoding="utf-8")
    (project.package / "defs" / "ingestion" / "github" / "events.json").write_text(json.dumps(events), encoding="utf-8")


_SHARED = {
    "pyproject.toml": """
        [project]
        name = "cascade"
        version = "0.1.0"
        dependencies = ["dagster", "dlt", "pandas", "pandera"]

        [tool.pytest.ini_options]
        pythonpath = ["src"]
    """,
    "workspace.yaml": """
        load_from:
          - python_module:
              module_name: cascade.definitions
              location_name: cascade
    """,
    ".env": """
        # Postgres
        POSTGRES_USER=lake
        POSTGRES_PASSWORD=lakepass
        POSTGRES_DB=lakehouse
        POSTGRES_PORT=10000

        # Iceberg
        ICEBERG_WAREHOUSE_PATH=lake/warehouse
        ICEBERG_STAGING_PATH=lake/stage
        ICEBERG_NESSIE_REF=main

        NESSIE_VERSION=0.105.5
        DAGSTER_PORT=10006

        GITHUB_USERNAME=octocat
    """,
    ".gitignore": ".env\nlake/\n.cascade/\n",
    "README.md": """
        # Our lakehouse

        Workflows live in `src/cascade/defs/ingestion/`. Materialize one in the UI at http://localhost:10006.
    """,
    "src/cascade/__init__.py": "",
    "src/cascade/definitions.py": '''
        """Merge all definitions of the platform."""

        from __future__ import annotations

        import dagster as dg

        from cascade.defs.ingestion import build_defs as build_ingestion_defs
        from cascade.defs.quality import build_defs as build_quality_defs
        from cascade.defs.schedules import build_defs as build_schedule_defs

        defs = dg.Definitions.merge(build_ingestion_defs(), build_quality_defs(), build_schedule_defs())
    ''',
    "src/cascade/config.py": '''
        """Settings of the platform, from environment variables."""

        from pydantic_settings import BaseSettings, SettingsConfigDict


        class Settings(BaseSettings):
            model_config = SettingsConfigDict(env_file=".env", case_sensitive=False, extra="ignore")

            postgres_user: str = "lake"
            github_username: str | None = None


        config = Settings()
    ''',
    "src/cascade/ingestion/__init__.py": "raise ImportError('the framework of old does not run here')\n",
    "src/cascade/defs/__init__.py": "",
    "src/cascade/defs/ingestion/__init__.py": '''
        """Import all asset modules, so that the decorator registers them."""

        import dagster as dg

        from cascade.defs.ingestion import finance, github, sales, sensors, weather  # noqa: F401
        from cascade.ingestion import get_ingestion_assets


        def build_defs() -> dg.Definitions:
            return dg.Definitions(assets=get_ingestion_assets())
    ''',
    "src/cascade/schemas/__init__.py": """
        from cascade.schemas.weather import RawWeatherObservations

        __all__ = ["RawWeatherObservations"]
    """,
    "src/cascade/utils/__init__.py": "",
    "src/cascade/utils/days.py": '''
        """Helpers that several domains share."""

        from datetime import datetime, timezone


        def at(partition_date: str, hour: int) -> datetime:
            return datetime.fromisoformat(partition_date).replace(hour=hour, tzinfo=timezone.utc)
    ''',
    "src/cascade/defs/quality/__init__.py": """
        from __future__ import annotations

        import dagster as dg

        from cascade.defs.quality.weather import weather_plausible


        def build_defs() -> dg.Definitions:
            return dg.Definitions(asset_checks=[weather_plausible])
    """,
    "src/cascade/defs/quality/weather.py": '''
        from __future__ import annotations

        from dagster import AssetCheckResult, AssetKey, MetadataValue, asset_check

        from cascade.defs.ingestion.weather.stations import STATIONS


        @asset_check(name="weather_plausible", asset=AssetKey(["dlt_weather_observations"]), blocking=False)
        def weather_plausible(context) -> AssetCheckResult:
            """Check that the stations are known."""
            return AssetCheckResult(passed=len(STATIONS) == 3, metadata={"stations": MetadataValue.int(len(STATIONS))})
    ''',
    "src/cascade/defs/schedules/__init__.py": """
        from __future__ import annotations

        import dagster as dg

        from cascade.defs.schedules.nightly import nightly_job, nightly_schedule


        def build_defs() -> dg.Definitions:
            return dg.Definitions(jobs=[nightly_job], schedules=[nightly_schedule])
    """,
    "src/cascade/defs/schedules/nightly.py": """
        from __future__ import annotations

        import dagster as dg

        from cascade.defs.partitions import daily_partition

        nightly_job = dg.define_asset_job(
            "nightly", selection=dg.AssetSelection.groups("sales"), partitions_def=daily_partition
        )
        nightly_schedule = dg.build_schedule_from_partitioned_job(nightly_job, hour_of_day=2)
    """,
    "src/cascade/defs/partitions.py": """
        from __future__ import annotations

        from dagster import DailyPartitionsDefinition

        daily_partition = DailyPartitionsDefinition(start_date="2025-01-01", timezone="Europe/London")
    """,
    "src/cascade/defs/jobs/config.yaml": """
        jobs:
          github:
            name: "github_pipeline"
            description: "All of GitHub"
            selection:
              type: "group"
              groups: ["github"]
            partitions: "daily"
    """,
    "src/cascade/transforms/dbt/dbt_project.yml": """
        name: lake
        version: "1.0.0"
        profile: lake
        model-paths: [models]
        models:
          lake:
            +materialized: table
    """,
    "src/cascade/transforms/dbt/models/sources/sources.yml": """
        version: 2
        sources:
          - name: dagster_assets
            schema: raw
            tables:
              - name: orders
              - name: weather_observations
    """,
    "src/cascade/transforms/dbt/models/gold/mrt_sales.sql": """
        select customer, sum(amount) as amount
        from {{ source('dagster_assets', 'orders') }}
        group by customer
    """,
    "tests/__init__.py": "",
    "tests/test_weather.py": '''
        """Tests of the schemas and of the functions."""

        from unittest.mock import patch

        import pandas as pd

        from cascade.defs.ingestion.weather.observations import weather_observations
        from cascade.schemas.weather import RawWeatherObservations


        def test_valid_rows_pass() -> None:
            frame = pd.DataFrame([{"observation_id": "a", "station": "EWR", "celsius": 3.5}])
            assert len(RawWeatherObservations.validate(frame)) == 1


        def test_stations_are_replaced() -> None:
            with patch("cascade.defs.ingestion.weather.observations.STATIONS", ("XXX",)):
                rows = list(weather_observations("2025-01-01"))
            assert {row["station"] for row in rows} == {"XXX"}
    ''',
}

_WEATHER = {
    "src/cascade/schemas/weather.py": '''
        """Schemas of the weather."""

        from __future__ import annotations

        from pandera.pandas import DataFrameModel, Field

        MIN_CELSIUS, MAX_CELSIUS = -90, 60


        class RawWeatherObservations(DataFrameModel):
            """One observation of a station."""

            observation_id: str = Field(nullable=False, unique=True, description="Station and time")
            station: str = Field(nullable=False)
            celsius: float = Field(ge=MIN_CELSIUS, le=MAX_CELSIUS, nullable=True)

            class Config:
                strict = False
                coerce = True


        class RawForecasts(DataFrameModel):
            """One forecast of a station."""

            forecast_id: str = Field(nullable=False, unique=True)
            celsius: float = Field(nullable=True)

            class Config:
                strict = False
                coerce = True


        class RawStations(DataFrameModel):
            """A station."""

            station: str = Field(nullable=False, unique=True)
            name: str = Field(nullable=True)

            class Config:
                coerce = True
    ''',
    "src/cascade/defs/ingestion/weather/stations.py": '''
        from __future__ import annotations

        from cascade.ingestion import cascade_ingestion
        from cascade.schemas.weather import RawStations

        STATIONS = ("EWR", "JFK", "LGA")


        @cascade_ingestion(
            table_name="weather_stations",
            unique_key="station",
            validation_schema=RawStations,
            group="weather",
            cron="0 0 * * *",
            freshness_hours=(24, 48),
        )
        def weather_stations(partition_date: str):
            """Ingest the stations, the same every day."""
            return [{"station": station, "name": f"Airport {station}"} for station in STATIONS]
    ''',
    "src/cascade/defs/ingestion/weather/observations.py": '''
        from __future__ import annotations

        import dlt

        from cascade.defs.ingestion.weather.stations import STATIONS
        from cascade.ingestion import cascade_ingestion
        from cascade.schemas.weather import RawWeatherObservations


        @cascade_ingestion(
            table_name="weather_observations",
            unique_key="observation_id",
            validation_schema=RawWeatherObservations,
            group="weather",
            cron="0 */1 * * *",
            freshness_hours=(1, 24),
        )
        def weather_observations(partition_date: str):
            """Ingest observations through a dlt resource."""

            @dlt.resource(name="observations")
            def observations():
                for station in STATIONS:
                    for hour in (6, 18):
                        moment = f"{partition_date}T{hour:02}"
                        yield {"observation_id": f"{station}-{moment}", "station": station, "celsius": 1.5 * hour}

            return observations()
    ''',
    "src/cascade/defs/ingestion/weather/forecasts.py": '''
        from __future__ import annotations

        from cascade.ingestion.decorator import cascade_ingestion

        from ....schemas import weather as schemas
        from .stations import STATIONS


        @cascade_ingestion(
            table_name="weather_forecasts",
            unique_key="forecast_id",
            validation_schema=schemas.RawForecasts,
            group="weather",
            cron="0 6 * * *",
            max_runtime_seconds=600,
            max_retries=2,
            retry_delay_seconds=5,
        )
        def weather_forecasts(partition_date: str):
            """Ingest forecasts as a list of dicts."""
            return [{"forecast_id": f"{station}-{partition_date}", "celsius": 4.0} for station in STATIONS]
    ''',
}

_GITHUB = {
    "src/cascade/schemas/github.py": '''
        """Schemas of GitHub."""

        from __future__ import annotations

        from pandera.pandas import DataFrameModel, Field

        VALID_EVENT_TYPES = ["PushEvent", "IssuesEvent"]


        class RawGitHubUserEvents(DataFrameModel):
            """An event of a user."""

            id: str = Field(unique=True, nullable=False)
            type: str = Field(isin=VALID_EVENT_TYPES, nullable=False)
            created_at: str = Field(nullable=False)

            class Config:
                strict = False
                coerce = True


        class RawGitHubRepoStats(DataFrameModel):
            """The numbers of a repository on one day."""

            repo: str = Field(nullable=False)
            day: str = Field(nullable=False)
            key: str = Field(unique=True, nullable=False)
            stars: int = Field(ge=0)

            class Config:
                coerce = True


        class RawGitHubIssues(DataFrameModel):
            """An issue."""

            number: int = Field(unique=True, nullable=False)
            title: str | None = Field(nullable=True)

            class Config:
                coerce = True
    ''',
    "src/cascade/defs/ingestion/github/events.py": '''
        from __future__ import annotations

        import json
        from pathlib import Path

        import dlt

        from cascade.config import config
        from cascade.ingestion import cascade_ingestion
        from cascade.schemas.github import RawGitHubUserEvents


        @dlt.source(name="github")
        def github_source(partition_date: str):
            @dlt.resource(name="user_events")
            def user_events():
                for event in json.loads(Path(__file__).with_name("events.json").read_text()):
                    if event["created_at"].startswith(partition_date):
                        yield event

            return user_events


        @cascade_ingestion(
            table_name="github_user_events",
            unique_key="id",
            validation_schema=RawGitHubUserEvents,
            group="github",
            cron="0 */1 * * *",
            freshness_hours=(1, 24),
        )
        def github_user_events(partition_date: str):
            """Ingest the events of a user through a dlt source."""
            if not config.github_username:
                raise ValueError("GitHub username not configured")
            return github_source(partition_date)
    ''',
    "src/cascade/defs/ingestion/github/repos.py": '''
        import pandas as pd

        import cascade.schemas.github as github_schemas
        from cascade.ingestion import cascade_ingestion


        @cascade_ingestion(
            table_name="github_repo_stats",
            unique_key="key",
            validation_schema=github_schemas.RawGitHubRepoStats,
            group="github",
        )
        def github_repo_stats(partition_date: str) -> pd.DataFrame:
            """Ingest the stars of two repositories as a frame."""
            frame = pd.DataFrame({"repo": ["a/a", "b/b"], "stars": [1, 2]})
            frame["day"] = partition_date
            frame["key"] = frame["repo"] + "@" + frame["day"]
            return frame
    ''',
    "src/cascade/defs/ingestion/github/issues.py": '''
        import cascade.ingestion
        import cascade.schemas.github


        @cascade.ingestion.cascade_ingestion(
            table_name="github_issues",
            unique_key="number",
            validation_schema=cascade.schemas.github.RawGitHubIssues,
            group="github",
        )
        def github_issues(partition_date: str):
            """Ingest issues from a generator."""
            day = int(partition_date.replace("-", ""))
            yield {"number": day * 10, "title": "It breaks"}
            yield {"number": day * 10 + 1, "title": None}
    ''',
}

_SALES = {
    "src/cascade/schemas/sales.py": '''
        """Schemas of sales, as pydantic models."""

        from datetime import datetime
        from decimal import Decimal
        from typing import Annotated

        from pydantic import AwareDatetime, BaseModel, Field

        Money = Annotated[Decimal, Field(max_digits=12, decimal_places=2)]


        class Order(BaseModel):
            order_id: str
            customer: str
            amount: Money
            ordered_at: AwareDatetime


        class Customer(BaseModel):
            customer: str
            name: str | None = None


        class Refund(BaseModel):
            refund_id: str
            amount: Money


        class Shipment(BaseModel):
            shipment_id: int
            shipped_at: AwareDatetime
    ''',
    "src/cascade/defs/ingestion/sales/orders.py": '''
        """Orders, from a file beside this module."""

        import csv
        from pathlib import Path

        from cascade.ingestion import cascade_ingestion
        from cascade.schemas.sales import Order

        DATA = Path(__file__).parent / "data"


        @cascade_ingestion(table_name="orders", unique_key="order_id", validation_schema=Order, group="sales")
        def orders(partition_date: str):
            """Ingest orders from a CSV file."""
            with (DATA / "orders.csv").open(newline="") as lines:
                return [row for row in csv.DictReader(lines) if row["ordered_at"].startswith(partition_date)]
    ''',
    "src/cascade/defs/ingestion/sales/people.py": '''
        from cascade.ingestion import cascade_ingestion
        from cascade.schemas import sales


        @cascade_ingestion(
            table_name="customers", unique_key="customer", validation_schema=sales.Customer, group="sales"
        )
        def customers(partition_date: str):
            """Ingest customers as dicts."""
            return [{"customer": "c0", "name": "Ada"}, {"customer": "c1", "name": None}]


        @cascade_ingestion(table_name="refunds", unique_key="refund_id", validation_schema=sales.Refund, group="sales")
        def refunds(partition_date: str):
            """Ingest refunds as models."""
            return [sales.Refund(refund_id=f"r-{partition_date}", amount="9.99")]
    ''',
    "src/cascade/defs/ingestion/sales/shipments.py": '''
        from cascade.ingestion import cascade_ingestion
        from cascade.schemas.sales import (
            Shipment,  # one parcel
        )
        from cascade.utils.days import at


        @cascade_ingestion(
            table_name="shipments", unique_key="shipment_id", validation_schema=Shipment, group="sales"
        )
        def shipments(partition_date: str):
            """Ingest shipments."""
            first = int(partition_date[-2:]) * 100
            return [{"shipment_id": first + hour, "shipped_at": at(partition_date, hour)} for hour in (8, 16)]
    ''',
}

_FINANCE = {
    "src/cascade/schemas/finance.py": '''
        """Schemas of finance."""

        from pydantic import BaseModel


        class Rate(BaseModel):
            key: str
            currency: str
            rate: float


        class Entry(BaseModel):
            entry: int
            text: str
    ''',
    "src/cascade/defs/ingestion/finance/rates.py": '''
        from ....ingestion import cascade_ingestion
        from ....schemas.finance import Rate


        @cascade_ingestion(table_name="rates", unique_key="key", validation_schema=Rate, group="finance")
        def rates(partition_date: str):
            """Ingest exchange rates."""
            return [
                {"key": f"{currency}-{partition_date}", "currency": currency, "rate": 1.0 + number}
                for number, currency in enumerate(("USD", "GBP", "JPY"))
            ]
    ''',
    "src/cascade/defs/ingestion/finance/ledger.py": '''
        import importlib

        from cascade.ingestion import cascade_ingestion

        SCHEMAS = importlib.import_module("cascade.schemas.finance")
        # Named in a string, which only a person can be sure about.
        MODULE = "cascade.defs.ingestion.finance.rates"


        def entries(partition_date: str, first: int):
            day = int(partition_date.replace("-", ""))
            return [{"entry": day * 10 + first + number, "text": MODULE} for number in range(2)]


        @cascade_ingestion(table_name="ledger", unique_key="entry", validation_schema=SCHEMAS.Entry, group="finance")
        def ledger(partition_date: str):
            """Ingest the ledger."""
            return entries(partition_date, 0)


        @cascade_ingestion(table_name="invoices", unique_key="entry", validation_schema=SCHEMAS.Entry, group="finance")
        def invoices(partition_date: str):
            """Ingest invoices."""
            return entries(partition_date, 5)
    ''',
}

_SENSORS_INIT = """
    from cascade.defs.ingestion.sensors.attic import attic

    __all__ = ["attic"]
"""

_SENSOR = '''
    from cascade.ingestion import cascade_ingestion
    from cascade.utils import days
    from pydantic import AwareDatetime, BaseModel


    class Reading(BaseModel):
        sensor: str
        measured_at: AwareDatetime
        value: float


    @cascade_ingestion(
        table_name="sensor_SENSOR", unique_key="measured_at", validation_schema=Reading, group="sensors",
        cron="15 * * * *",
    )
    def SENSOR(partition_date: str):
        """Ingest the readings of the sensor in the SENSOR."""
        hours = (3, 15)
        return [{"sensor": "SENSOR", "measured_at": days.at(partition_date, hour), "value": hour / 2} for hour in hours]
'''
