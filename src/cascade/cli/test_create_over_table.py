"""`create-workflow` and the tables of other workflows: checks and models need one, ingestions avoid them."""

from __future__ import annotations

import pytest
import yaml

from cascade.cli.conftest import Cascade, files
from cascade.framework.conftest import THINGS, SampleProject

pytestmark = pytest.mark.usefixtures("program")


@pytest.mark.parametrize("kind", ["quality", "transform"])
def test_a_table_is_needed(cascade: Cascade, project: SampleProject, kind: str) -> None:
    result = cascade("create-workflow", "--type", kind, "--domain", "weather")
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [
        'error: There is no table "raw.weather_observations".',
        "Create it: cascade create-workflow --type ingestion --domain weather",
    ]
    project.write("things.py", THINGS)
    result = cascade("create-workflow", "--type", kind, "--domain", "weather", "--table", "thing")
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [
        'error: There is no table "thing". Did you mean "things"?',
        "Create it: cascade create-workflow --type ingestion --domain weather --table thing",
        "Or choose another with --table: raw.things",
    ]
    assert files(project) == ["flows/things.py", "pyproject.toml"]


def test_the_error_names_a_module_that_does_not_load_and_may_have_the_table(
    cascade: Cascade, project: SampleProject
) -> None:
    path = project.write("other.py", "import not_installed_here\n")
    result = cascade("create-workflow", "--type", "quality", "--domain", "weather")
    assert result.exit_code == 2
    assert f"It may be in a module that could not be loaded:\n{path}:1: " in result.stderr


@pytest.mark.parametrize("name", ["raw.things", "things"])
def test_a_table_is_named_with_its_namespace_or_without(cascade: Cascade, project: SampleProject, name: str) -> None:
    project.write("things.py", THINGS)
    document = cascade.json("create-workflow", "--type", "quality", "--domain", "stock", "--table", name)
    assert document["table"] == "raw.things"
    assert document["next"] == ["cascade test --workflow stock", "cascade materialize things --partition 2024-01-01"]


def test_a_second_check_of_a_table_gets_another_name(cascade: Cascade, project: SampleProject) -> None:
    project.write("things.py", THINGS)
    for domain in ("stock", "shop", "stock"):
        result = cascade("create-workflow", "--type", "quality", "--domain", domain, "--table", "things", "--force")
        assert result.exit_code == 0, result.output
    quality = project.root / project.package / "quality"
    assert "def plausible(" in (quality / "stock.py").read_text()
    assert "def plausible_2(" in (quality / "shop.py").read_text()


def test_the_only_table_of_a_domain_is_the_default(cascade: Cascade, project: SampleProject) -> None:
    project.write("ingestion/stock/things.py", THINGS)
    document = cascade.json("create-workflow", "--type", "quality", "--domain", "stock")
    assert document["table"] == "raw.things"


def test_the_first_model_comes_with_a_dbt_project_and_a_source(cascade: Cascade, project: SampleProject) -> None:
    project.write("things.py", THINGS)
    first = cascade.json("create-workflow", "--type", "transform", "--domain", "stock", "--table", "things")
    assert first["files"]["created"] == [
        "transforms/dbt/dbt_project.yml",
        "transforms/dbt/models/bronze/stock_sources.yml",
        "transforms/dbt/models/silver/stock_rows.sql",
        "transforms/dbt/models/silver/stock_rows.yml",
        "tests/test_stock_transform.py",
    ]
    assert yaml.safe_load((project.root / "transforms/dbt/dbt_project.yml").read_text())["name"] == "project"
    again = cascade.json("create-workflow", "--type", "transform", "--domain", "stock", "--table", "things")
    assert again["files"]["unchanged"] == first["files"]["created"][1:]
    other = cascade.json("create-workflow", "--type", "transform", "--domain", "shop", "--table", "things")
    assert other["files"]["created"] == [
        "transforms/dbt/models/silver/shop_rows.sql",
        "transforms/dbt/models/silver/shop_rows.yml",
        "tests/test_shop_transform.py",
    ]


def test_a_model_goes_to_the_model_directory_of_the_dbt_project(cascade: Cascade, project: SampleProject) -> None:
    project.write("things.py", THINGS)
    for path, text in {"dbt_project.yml": "name: sql\nmodel-paths: [m]\n", "m/stock_rows.sql": "select 1"}.items():
        (project.root / "sql" / path).parent.mkdir(parents=True, exist_ok=True)
        (project.root / "sql" / path).write_text(text)
    (project.root / "pyproject.toml").write_text(
        f'[tool.cascade]\nworkflows_path = "{project.package}"\ndbt_project_dir = "sql"\n'
    )
    refused = cascade("create-workflow", "--type", "transform", "--domain", "stock", "--table", "things")
    assert refused.exit_code == 2
    assert "already has a model stock_rows, in sql/m/stock_rows.sql" in refused.stderr
    document = cascade.json("create-workflow", "--type", "transform", "--domain", "shop", "--table", "things")
    assert document["files"]["created"][:2] == ["sql/m/bronze/shop_sources.yml", "sql/m/silver/shop_rows.sql"]


def test_without_dbt_a_model_is_written_and_a_notice_explains_how_to_install_it(
    cascade: Cascade, project: SampleProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("things.py", THINGS)
    monkeypatch.setattr("cascade.dbt.parse.dbt_is_installed", lambda: False)
    result = cascade("create-workflow", "--type", "transform", "--domain", "stock", "--table", "things")
    assert result.exit_code == 0, result.output
    assert "Type: pip install 'cascade-workflows[dbt]'" in result.stdout


FACTORY = """
    from datetime import datetime
    from decimal import Decimal
    from pydantic import AwareDatetime, BaseModel, Field
    from cascade import cascade_ingestion

    class Row(BaseModel):
        id: int
        at: AwareDatetime
        price: Decimal | None = Field(max_digits=9, decimal_places=2)
        tags: list[str] | None = None

    def make(table):
        @cascade_ingestion(
            table_name=table, namespace="mart", unique_key=("id", "at"), group="g", validation_schema=Row,
            partitions=None,
        )
        def rows(): ...
        return rows

    made = [make("a"), make("b")]
"""


def test_a_workflow_from_a_factory_is_referred_to_by_its_key(cascade: Cascade, project: SampleProject) -> None:
    project.write("factory.py", FACTORY)
    quality = cascade.json("create-workflow", "--type", "quality", "--domain", "a", "--table", "mart.a")
    assert quality["next"][-1] == "cascade materialize mart/a"
    code = (project.root / project.package / "quality/a.py").read_text()
    assert 'table="mart.a",' in code
    assert 'COLUMN = "price"' in code
    assert "factory" not in code
    model = cascade.json("create-workflow", *("--type", "transform", "--domain", "a", "--table", "mart/a"), "--dry-run")
    sql = model["files"]["transforms/dbt/models/silver/a_daily.sql"]
    assert "cast(\"at\" at time zone 'UTC' as date) as day" in sql
    assert "avg(price) as mean_price" in sql


OTHER = """
    import not_installed_here
    from cascade import cascade_ingestion

    @cascade_ingestion(table_name="weather_observations", unique_key="id", group="g", validation_schema=None)
    def rows(): ...
"""


def test_a_table_that_another_workflow_fills_is_not_used(cascade: Cascade, project: SampleProject) -> None:
    # It does not import, but it declares its table.
    project.write("other.py", OTHER)
    result = cascade("create-workflow", "--domain", "weather")
    assert result.exit_code == 0, result.output
    other = f"{project.package}.other"
    assert (
        f"The table is raw.weather_daily_observations, because raw.weather_observations is already declared in {other}."
        in result.stdout
    )
    refused = cascade("create-workflow", "--domain", "rain", "--table", "weather_observations")
    assert refused.exit_code == 2
    assert f"The table raw.weather_observations is already declared in {other}," in refused.stderr
    assert "Choose another name, such as weather_daily_observations_2." in refused.stderr
