"""What becomes of a Dagster project, as far as the written text shows. `cascade.cli` tests that it runs."""

from __future__ import annotations

import pytest

from cascade.exceptions import UsageError
from cascade.migration.foreign.conftest import Other


def decorator(other: Other, arguments: str, body: str = 'return [{"id": 1}]') -> str:
    """Return the decorator of an asset after the migration, on one line."""
    other.write(
        "assets.py",
        f"""
        from datetime import datetime, timedelta
        import dagster as dg

        @dg.asset({arguments})
        def things():
            {body}
        """,
    )
    text = other.migrate("dagster", "assets.py")["other/assets.py"]
    start = text.index("\n@") + 1
    return " ".join(text[start : text.index("def things")].split())


WHOLE = 'table_name="things", validation_schema=ThingsRow, write_disposition="replace", partitions=None,'


@pytest.mark.parametrize(
    ("arguments", "written"),
    [
        ("", WHOLE),
        ('group_name="g"', 'group="g", validation_schema'),
        ('key_prefix="gold"', 'table_name="things", namespace="gold",'),
        ('name="other"', 'table_name="other"'),
        ("automation_condition=dg.AutomationCondition.on_cron('0 5 * * *')", 'cron="0 5 * * *"'),
        ("freshness_policy=dg.FreshnessPolicy(maximum_lag_minutes=90)", "freshness_hours=1.5"),
        ("retry_policy=dg.RetryPolicy(max_retries=3, delay=10)", "max_retries=3, retry_delay_seconds=10,"),
        (
            'partitions_def=dg.DailyPartitionsDefinition("2024-01-15", timezone="Europe/Berlin")',
            'write_disposition="append", partition_start="2024-01-15", partition_timezone="Europe/Berlin",',
        ),
        (
            "partitions_def=dg.MonthlyPartitionsDefinition(start_date=datetime(2024, 1, 15))",
            'partitions="monthly", partition_start="2024-02-01",',
        ),
        (
            'partitions_def=dg.HourlyPartitionsDefinition(start_date="2024-01-15-06:00")',
            'partitions="hourly", partition_start="2024-01-15T06:00",',
        ),
    ],
)
def test_arguments_become_those_of_a_workflow(other: Other, arguments: str, written: str) -> None:
    text = decorator(other, arguments)
    assert text.startswith("@cascade_ingestion(") and written in text
    assert other.decisions == []


@pytest.mark.parametrize(
    ("arguments", "body", "why"),
    [
        ('partitions_def=dg.StaticPartitionsDefinition(["a"])', 'return [{"id": 1}]', "partitions other than hours"),
        (
            'partitions_def=dg.DailyPartitionsDefinition("2024-01-01", hour_offset=3)',
            'return [{"id": 1}]',
            "hour_offset",
        ),
        ("check_specs=[]", 'return [{"id": 1}]', "has the argument check_specs"),
        ('key_prefix=["a", "b"]', 'return [{"id": 1}]', "more than two parts"),
        ("", "return dg.MaterializeResult()", "does not return rows"),
        ("", "print(1)", "does not return rows"),
    ],
)
def test_other_assets_stay_with_a_reason(other: Other, arguments: str, body: str, why: str) -> None:
    assert decorator(other, arguments, body).startswith(f"@dg.asset({arguments})")
    (said,) = other.decisions
    assert said.startswith("../other/assets.py:5: things stays a Dagster asset: it ") and why in said


def test_an_asset_whose_value_another_one_takes_stays(other: Other) -> None:
    other.write(
        "assets.py",
        """
        import dagster as dg
        import pandas as pd

        class Api(dg.ConfigurableResource):
            pass

        @dg.asset
        def first() -> pd.DataFrame: ...

        @dg.asset
        def second(first: pd.DataFrame) -> pd.DataFrame: ...

        @dg.asset
        def third(context, api: Api) -> pd.DataFrame: ...
        """,
    )
    text = other.migrate("dagster")["other/assets.py"]
    assert text.count("@dg.asset") == 2 and "def third(context, api: Api)" in text
    assert [each.partition(": ")[2] for each in other.decisions if "stays" in each] == [
        "first stays a Dagster asset: it is read by another asset through an I/O manager. To change that, read it "
        "with the resource lakehouse.",
        "second stays a Dagster asset: it takes the value of first from an I/O manager.",
    ]


def test_a_package_keeps_its_layout_and_leaves_scripts_out(other: Other) -> None:
    other.write("src/shop/__init__.py", "")
    other.write("src/shop/days.py", "import dagster as dg\nDAYS = dg.DailyPartitionsDefinition('2024-01-01')\n")
    other.write(
        "src/shop/defs/assets.py",
        """
        import dagster as dg
        from shop import days
        from shop.helpers import rows

        @dg.asset(partitions_def=days.DAYS)
        def things() -> list[dict]:
            return rows()
        """,
    )
    other.write("src/shop/helpers.py", "def rows():\n    return []\n")
    other.write("src/shop/defs/data.csv", "a\n")
    other.write("src/shop/definitions.py", FOLDER)
    other.write("scripts/deploy.py", "raise SystemExit\n")
    other.write("dbt/dbt_project.yml", "name: x\n")
    files = other.migrate("dagster")
    assert sorted(files) == [
        *("schemas/other.py", "shop/days.py", "shop/defs/assets.py", "shop/defs/data.csv", "shop/helpers.py"),
    ]
    assert 'partition_start="2024-01-01"' in files["shop/defs/assets.py"]
    assert "from ...shop.helpers import rows" in files["shop/defs/assets.py"]
    assert any("definitions.py: This file was left out" in each for each in other.decisions)
    assert any("dbt_project.yml: Copy this dbt project" in each for each in other.decisions)


FOLDER = """
    from pathlib import Path
    import dagster as dg

    @dg.definitions
    def defs():
        return dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
"""


def test_a_path_without_dagster_is_refused(other: Other) -> None:
    other.write("assets.py", "x = 1\n")
    with pytest.raises(UsageError, match="has no code that imports dagster"):
        other.migrate("dagster")


def test_what_todays_dagster_does_not_have_is_told(other: Other) -> None:
    other.write("jobs.py", "import dagster as dg\nfrom dagster import PresetDefinition, job\ndg.SolidDefinition\n")
    other.migrate("dagster")
    assert [each.partition(" has no ")[2].partition(".")[2] for each in other.decisions] == [
        "PresetDefinition. Replace it: the module does not load with it.",
        "SolidDefinition. Replace it: the module does not load with it.",
    ]


def test_every_asset_that_stays_is_told(other: Other) -> None:
    other.write(
        "assets.py",
        """
        import dagster as dg

        @dg.asset
        async def later():
            yield [{"id": 1}]

        @dg.multi_asset(outs={"x": dg.AssetOut(), "y": dg.AssetOut()})
        def both():
            return 1, 2

        for number in range(2):
            @dg.asset(name=f"number_{number}")
            def numbered():
                return [{"id": 1}]

        @dg.asset
        def configured(config: dict):
            return [{"id": 1}]
        """,
    )
    assert "cascade_ingestion" not in "".join(other.migrate("dagster", "assets.py").values())
    assert [each.partition("assets.py:")[2] for each in other.decisions] == [
        "4: later stays a Dagster asset: it is async, and a workflow is a plain function.",
        "8: both stays as it is: it is declared by @multi_asset.",
        "13: numbered stays as it is: it is declared inside of other code.",
        "17: configured stays a Dagster asset: it takes a run configuration.",
    ]
