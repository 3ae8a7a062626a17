"""A project in the old layout becomes one of today, and what only a person knows is listed."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from legacy.project import write_legacy_project

from cascade.exceptions import UsageError
from cascade.migration.applying import apply
from cascade.migration.plan import Plan
from cascade.migration.planning import plan_migration
from cascade.migration.tree import Tree


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return write_legacy_project(tmp_path / "our lakehouse").root


def migrated(root: Path) -> Plan:
    plan = plan_migration(root)
    apply(plan)
    return plan


def decided(plan: Plan, path: str) -> list[str]:
    return [each.text for each in plan.decisions if each.file == path]


def test_files_move_and_a_second_migration_finds_nothing(old: Path) -> None:
    migrated(old)
    assert not (old / "src").exists()
    paths = Tree(old).paths()
    for path in (
        "workflows/ingestion/sales/data/orders.csv",
        "workflows/ingestion/weather/observations.py",
        "workflows/quality/weather.py",
        "workflows/schemas/weather.py",
        "workflows/utils/days.py",
        "transforms/dbt/models/gold/mrt_sales.sql",
        "workflows/__init__.py",
    ):
        assert path in paths
    again = plan_migration(old)
    assert (again.changes, again.decisions) == ((), ())


def test_what_the_modules_share_is_said_where_each_is_declared(old: Path) -> None:
    migrated(old)
    assert (
        (old / "workflows/ingestion/weather/stations.py")
        .read_text()
        .startswith(
            "from __future__ import annotations\n\nfrom cascade.ingestion import cascade_ingestion\n"
            "from workflows.schemas.weather import RawStations\n"
        )
    )
    declared = (old / "workflows/ingestion/weather/stations.py").read_text()
    assert '    partition_start="2025-01-01",\n    partition_timezone="Europe/London",\n' in declared
    assert 'AssetKey(["weather_observations"])' in (old / "workflows/quality/weather.py").read_text()


def test_files_of_the_framework_go_unless_something_needs_them(old: Path) -> None:
    plan = migrated(old)
    assert (old / "workflows/partitions.py").is_file()
    assert not list(old.rglob("definitions.py"))
    [text] = [each.text for each in plan.decisions if not each.file and "framework" in each.text]
    assert "src/cascade/definitions.py" in text
    assert "partitions.py" not in text


def test_variables_are_renamed_and_those_that_others_read_stay(old: Path) -> None:
    (old / "compose.yaml").write_text("services: {db: {ports: ['${POSTGRES_PORT}:5432']}}\n")
    with (old / ".env").open("a") as file:
        file.write("export NESSIE_HOST=nessie  # the server\r\nNESSIE_PORT=19120\nNESSIE_REF=other\n")
    plan = migrated(old)
    lines = (old / ".env").read_bytes().decode().splitlines(keepends=True)
    assert {
        "POSTGRES_PORT=10000\n",
        "CASCADE_POSTGRES_PORT=10000\n",
        "CASCADE_POSTGRES_PASSWORD=lakepass\n",
        "CASCADE_ICEBERG_WAREHOUSE=lake/warehouse\n",
        "export CASCADE_NESSIE_URI=http://nessie:19120/iceberg\r\n",
        "CASCADE_NESSIE_REF=main\n",
        "GITHUB_USERNAME=octocat\n",
    } <= {*lines}
    assert not [line for line in lines if line.startswith(("NESSIE_PORT", "NESSIE_REF", "POSTGRES_PASSWORD"))]
    assert any("NESSIE_VERSION" in text for text in decided(plan, ".env"))
    assert "lakepass" not in str(plan.decisions)


def test_no_two_files_land_in_the_same_place(old: Path) -> None:
    second = old / "src/cascade/defs/schemas/sales.py"
    second.parent.mkdir()
    second.write_text("SECOND = 1\n")
    (old / "src/cascade/defs/quality/weather.py").write_text("from cascade.defs.schemas.sales import SECOND\n")
    third = old / "src/cascade/shared/schemas/sales.py"
    third.parent.mkdir(parents=True)
    third.write_text("THIRD = 1\n")
    migrated(old)
    assert (old / "workflows/quality/weather.py").read_text() == "from workflows.shared.schemas.sales import SECOND\n"
    assert (old / "workflows/shared/shared/schemas/sales.py").read_text() == "THIRD = 1\n"
    assert "SECOND" not in (old / "workflows/schemas/sales.py").read_text()


def test_a_value_of_several_lines_stays_whole(old: Path) -> None:
    key = 'KEY="begin\nTRINO_HOST=inside\n# not a comment\nend"\n'
    (old / "compose.yaml").write_text("services: {db: {environment: ['POSTGRES_PASSWORD']}}\n")
    (old / ".env").write_bytes(
        b"\xef\xbb\xbfPOSTGRES_HOST=db\r\n"
        + f"{key}TRINO_HOST=outside\n\nPOSTGRES_PASSWORD='two\nlines'\nPOSTGRES_PORT=1".encode()
    )
    (old / ".env.local").write_text("POSTGRES_USER=me\nURL=postgresql://${POSTGRES_USER}@db\nPOSTGRES_DB=x")
    (old / "other.sh").write_text("echo $POSTGRES_PORT\n")
    migrated(old)
    assert (old / ".env").read_bytes().decode("utf-8-sig") == (
        f"CASCADE_POSTGRES_HOST=db\r\n{key}CASCADE_TRINO_HOST=outside\n\n"
        "POSTGRES_PASSWORD='two\nlines'\nCASCADE_POSTGRES_PASSWORD='two\nlines'\n"
        "POSTGRES_PORT=1\nCASCADE_POSTGRES_PORT=1"
    )
    assert (old / ".env.local").read_text() == (
        "POSTGRES_USER=me\nCASCADE_POSTGRES_USER=me\nURL=postgresql://${POSTGRES_USER}@db\nCASCADE_POSTGRES_DB=x"
    )


@pytest.mark.parametrize(
    ("before", "after"), [(None, ".cascade/\n.env\n"), ("dist/", "dist/\n.cascade/\n"), (".cascade\n", ".cascade\n")]
)
def test_git_ignores_the_state_and_the_secrets_if_nothing_is_ignored_yet(
    old: Path, before: str | None, after: str
) -> None:
    ignored = old / ".gitignore"
    ignored.unlink(missing_ok=True)
    if before is not None:
        ignored.write_text(before)
    migrated(old)
    assert ignored.read_text() == after


def test_settings_are_written_and_the_rest_of_pyproject_stays(old: Path) -> None:
    migrated(old)
    read = tomllib.loads((old / "pyproject.toml").read_text())
    assert read["tool"]["cascade"] == {
        "project_name": "cascade",
        "workflows_path": "workflows",
        "dbt_project_dir": "transforms/dbt",
    }
    assert read["project"]["dependencies"] == ["cascade-workflows[dbt,testing]", "dagster", "dlt", "pandas", "pandera"]
    assert read["tool"]["pytest"]["ini_options"]["pythonpath"] == ["."]
    assert "module_name: cascade.framework.definitions" in (old / "workspace.yaml").read_text()


def test_what_a_person_must_decide_has_a_place(old: Path) -> None:
    function = (
        "import dagster as dg\n\ndef build_defs():\n    return dg.Definitions(jobs=[make(n) for n in range(3)])\n"
    )
    (old / "src/cascade/defs/schedules/weekly.py").write_text(function)
    (old / "Dockerfile").write_text("COPY src/cascade/defs /app\n")
    (old / "src/cascade/defs/alerts").mkdir()
    (old / "src/cascade/defs/alerts/__init__.py").write_text(function)
    (old / "src/cascade/defs/ingestion/sales/wrong.py").write_text("from cascade.schemas import (\n")
    plan = migrated(old)
    assert any("README.md, line 3" in text for text in decided(plan, ""))
    assert decided(plan, "Dockerfile") == ["It names src/cascade/defs, which has moved."]
    assert any(
        "workflows.ingestion.finance.rates" in text for text in decided(plan, "workflows/ingestion/finance/ledger.py")
    )
    assert any("defs = build_defs()" in text for text in decided(plan, "workflows/schedules/weekly.py"))
    assert (old / "workflows/alerts/__init__.py").read_text().endswith("range(3)])\n\n\ndefs = build_defs()\n")
    assert "defs = " not in (old / "workflows/schedules/__init__.py").read_text()
    assert any("not valid Python" in text for text in decided(plan, "workflows/ingestion/sales/wrong.py"))


def test_a_place_that_is_taken_is_an_error(old: Path) -> None:
    (old / "workflows/utils").mkdir(parents=True)
    (old / "workflows/utils/days.py").write_text("mine = 1\n")
    with pytest.raises(UsageError, match=r"workflows/utils/days\.py exists, and src/cascade/utils/days\.py would"):
        plan_migration(old)


def test_links_out_of_the_project_are_refused_and_others_stay(tmp_path: Path, old: Path) -> None:
    (old / "src/cascade/defs/ingestion/sales/more.py").symlink_to("orders.py")
    (old / "code").symlink_to("src")
    (old / "aside").symlink_to("tests")
    plan = plan_migration(old)
    assert (decided(plan, "code"), decided(plan, "aside")) == (
        ["It is a symbolic link to src, whose files move. Change it."],
        [],
    )
    assert "symbolic link" in decided(plan, "src/cascade/defs/ingestion/sales/more.py")[0]
    (tmp_path / "elsewhere").mkdir()
    (old / "src/cascade/defs/ingestion/far").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="outside of the project"):
        plan_migration(old)
    (old / "src/cascade/defs/ingestion/far").unlink()
    (old / "src").rename(tmp_path / "src")
    (old / "src").symlink_to(tmp_path / "src")
    with pytest.raises(UsageError, match="symbolic link"):
        plan_migration(old)


def test_names_that_are_gone_are_told_with_what_replaces_them(old: Path) -> None:
    (old / "src/cascade/quality").mkdir()
    (old / "src/cascade/quality/__init__.py").write_text("class CountCheck: ...\n")
    (old / "src/cascade/defs/quality/rows.py").write_text("from cascade.quality import CountCheck, cascade_quality\n")
    (old / "src/cascade/schemas/actors.py").write_text("class Event:\n    id: str\n    actor__login: str\n")
    plan = migrated(old)
    text = (old / "workflows/quality/rows.py").read_text()
    assert text == "from cascade.quality import CountCheck\nfrom cascade.quality import cascade_quality\n"
    assert decided(plan, "workflows/quality/rows.py") == [
        'cascade.quality has no CountCheck any more. Today: `RowCount(min, max, scope="table")`.'
    ]
    assert decided(plan, "workflows/schemas/actors.py")[0].startswith(
        "dlt made actor__login of the field login in actor"
    )


def test_a_project_without_its_own_partitions_keeps_those_of_the_framework(old: Path) -> None:
    for path in ("defs/partitions.py", "defs/schedules/nightly.py", "defs/schedules/__init__.py"):
        (old / "src/cascade" / path).unlink()
    migrated(old)
    text = (old / "workflows/ingestion/finance/rates.py").read_text()
    assert 'partition_start="2025-01-01", partition_timezone="Europe/London"' in text


def test_nothing_of_the_project_runs(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(old)
    (old / "tests/test_all.py").write_text("from cascade.definitions import defs\n")
    (old / "src/cascade/defs/ingestion/sales/trap.py").write_text("open('ran', 'w').close()\n")
    migrated(old)
    assert not (old / "ran").exists()
    assert (old / "tests/test_all.py").read_text() == "from cascade.framework.definitions import defs\n"
