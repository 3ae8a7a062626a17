"""The commands in a small project."""

from __future__ import annotations

from pathlib import Path

import pytest

from cascade.cli.conftest import Cascade
from cascade.config import CascadeConfig
from cascade.framework.conftest import THINGS, SampleProject
from cascade.framework.instance import open_instance

FAILING_LINE = 1 + THINGS.strip().splitlines().index('            raise ValueError("the source is down")')


@pytest.fixture(autouse=True)
def things(project: SampleProject) -> Path:
    return project.write("things.py", THINGS)


def test_list_shows_workflows_and_dagster_definitions(cascade: Cascade, project: SampleProject, things: Path) -> None:
    project.write(
        "native.py", "import dagster as dg\n@dg.asset\ndef plain(): ...\njob = dg.define_asset_job('nightly')\n"
    )
    result = cascade("list")
    assert result.exit_code == 0, result.output
    assert "raw.things" in result.stdout
    document = cascade.json("list")
    (workflow,) = document["workflows"]
    assert (workflow["asset"], workflow["file"], workflow["line"]) == ("things", str(things), 9)
    assert [(other["kind"], other["name"]) for other in document["others"]] == [("asset", "plain"), ("job", "nightly")]


def test_list_shows_the_content_of_definitions_once(cascade: Cascade, project: SampleProject) -> None:
    project.write(
        "native.py",
        f"""
        import dagster as dg
        from {project.package}.things import things

        @dg.asset
        def plain(): ...

        @dg.asset
        def hidden(): ...

        hidden_too, hidden = {{"a": hidden}}, None
        job = dg.define_asset_job("nightly")

        @dg.definitions
        def defs():
            return dg.Definitions(assets=[plain, hidden_too["a"], things.asset], jobs=[job])
        """,
    )
    shown = [(other["kind"], other["name"]) for other in cascade.json("list")["others"]]
    assert shown == [("asset", "plain"), ("asset", "hidden"), ("job", "nightly")]


def test_in_a_project_without_workflows_the_hint_creates_one(cascade: Cascade, things: Path) -> None:
    things.unlink()
    result = cascade("list")
    assert result.exit_code == 0
    assert result.stdout.startswith("There are no workflows yet.\nCreate one: ")
    assert result.stdout.endswith("cascade create-workflow\n")


@pytest.mark.parametrize(
    "words",
    [
        ("list",),
        ("materialize", "things"),
        ("validate",),
        ("test",),
        ("table", "show", "things"),
        ("dev",),
        ("code-server", "--port", "4000"),
        (),
    ],
)
def test_outside_a_project_nothing_is_searched_or_created(
    cascade: Cascade, project: SampleProject, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    elsewhere = project.root.parent / "elsewhere"
    (elsewhere / "workflows").mkdir(parents=True)
    monkeypatch.chdir(elsewhere)
    result = cascade(*words)
    assert result.exit_code == 2
    assert "There is no Cascade project here" in result.stderr
    assert "cascade init my-project" in result.stderr
    assert "pants" not in result.stderr
    assert [path.name for path in elsewhere.rglob("*")] == ["workflows"]


def test_in_a_pants_repository_the_hint_runs_a_project_by_its_address(
    cascade: Cascade, project: SampleProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = project.root.parent / "elsewhere"
    elsewhere.mkdir()
    (project.root.parent / "pants.toml").touch()
    monkeypatch.chdir(elsewhere)
    assert "pants run //:dev -- list" in cascade("list").stderr


def test_settings_are_shown_outside_a_project_too(
    cascade: Cascade, project: SampleProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.root.parent)
    assert cascade.json("config", "show")["project_root"] == str(project.root.parent)


def test_a_command_works_below_the_root(
    cascade: Cascade, project: SampleProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.root / project.package)
    assert cascade("materialize", "things", "--partition", "2024-01-01").exit_code == 0
    assert (project.root / ".cascade").is_dir()
    assert not (project.root / project.package / ".cascade").exists()


def test_list_reports_modules_that_did_not_load_and_fails(cascade: Cascade, project: SampleProject) -> None:
    path = project.write("bad.py", "raise RuntimeError('no luck')")
    result = cascade("list")
    assert result.exit_code == 1
    assert "things" in result.stdout
    assert f"not loaded: {path}:1" in result.stderr


def test_materialize_prints_rows_and_counts_and_a_second_run_writes_nothing(cascade: Cascade) -> None:
    first = cascade("materialize", "things", "--partition", "2024-01-01")
    assert first.exit_code == 0, first.output
    lines = first.stdout.splitlines()
    assert "100  n0" in lines
    assert "Materialized things 2024-01-01 successfully." in lines
    assert lines[-1].startswith("rows in 7, rows good 7, rows refused 0, snapshot id ")
    assert ", seconds " in lines[-1]
    again = cascade.json("materialize", "raw.things", "--partition", "2024-01-01")
    assert again["runs"][0]["committed"] is False
    assert again["runs"][0]["snapshot_id"] in lines[-1]


def test_a_source_without_rows_is_not_reported_as_unchanged_rows(cascade: Cascade, project: SampleProject) -> None:
    project.write(
        "nothing.py",
        """
        from cascade import cascade_ingestion
        from pydantic import BaseModel

        class Nothing(BaseModel):
            id: int

        @cascade_ingestion(
            table_name="nothing", unique_key="id", group="g", validation_schema=Nothing, partitions=None
        )
        def nothing():
            return None
        """,
    )
    result = cascade("materialize", "nothing")
    assert result.exit_code == 0, result.output
    said = "Materialized nothing successfully. The source returned no rows, so no snapshot was written."
    assert said in result.stdout.splitlines()


def test_partitions_that_replace_each_others_rows_are_named(cascade: Cascade, project: SampleProject) -> None:
    project.write(
        "latest.py",
        """
        from cascade import cascade_ingestion
        from pydantic import BaseModel

        class Latest(BaseModel):
            id: int
            day: str

        @cascade_ingestion(
            table_name="latest", unique_key="id", group="g", validation_schema=Latest, partition_start="2024-01-01"
        )
        def latest(partition_date: str):
            return [{"id": 7, "day": partition_date}]
        """,
    )
    result = cascade("materialize", "latest", "--partition-range", "2024-01-01...2024-01-02")
    assert result.exit_code == 0, result.output
    warning = "latest 2024-01-02: this run replaced rows of the partition 2024-01-01, for example id=7. Both partitions"
    assert result.stderr.count(warning) == result.stderr.count("this run replaced") == 1
    [run] = cascade.json("materialize", "latest", "--partition", "2024-01-01")["runs"]
    assert run["overwritten"] == {"partition": "2024-01-02", "key": "id=7"}


def test_files_without_a_row_of_the_partition_are_a_warning(cascade: Cascade, project: SampleProject) -> None:
    file = project.root / "rows.csv"
    file.write_text("id,on\n1,2024-01-01\n")
    project.write(
        "read.py",
        f"""
        from cascade import cascade_ingestion
        from cascade.sources.files import read_csv
        from pydantic import BaseModel

        class Row(BaseModel):
            id: int

        @cascade_ingestion(
            table_name="read", unique_key="id", group="g", validation_schema=Row, partition_start="2024-01-01"
        )
        def read(window):
            return read_csv({str(file)!r}, partition=window, partition_column="on")
        """,
    )
    told = f'No row of partition 2024-01-02 is in {file}. "on" is 2024-01-01 there.'
    result = cascade("materialize", "read", "--partition", "2024-01-02")
    assert result.exit_code == 0, result.output
    assert f"read 2024-01-02: {told}" in result.stderr
    assert cascade.json("materialize", "read", "--partition", "2024-01-02")["runs"][0]["notices"] == [told]


def test_a_failed_partition_does_not_stop_the_rest(cascade: Cascade, things: Path) -> None:
    result = cascade("materialize", "things", "--partition-range", "2024-01-02...2024-01-05")
    assert result.exit_code == 1
    assert "Failed: 1 of 4: 2024-01-03" in result.stdout
    *_, numbers, following = result.stdout.splitlines()
    assert numbers.startswith("rows in 16, rows good 15, rows refused 1, ")
    assert following == "See the refused rows: cascade quarantine show raw.things"
    assert f"things 2024-01-03 failed: {things}:{FAILING_LINE}: ValueError: the source is down" in result.stderr
    assert "1 row refused, now in raw.things__quarantine" in result.stderr
    assert "Traceback" not in result.output
    document = cascade.json("materialize", "things", "--partition", "2024-01-03")
    assert document["success"] is False
    assert document["runs"][0]["error"] == {
        "type": "ValueError",
        "message": "the source is down",
        "location": {"file": str(things), "line": FAILING_LINE},
    }
    assert document["totals"]["failed"] == ["2024-01-03"]


def test_ctrl_c_ends_the_run_and_starts_no_other_run(cascade: Cascade, project: SampleProject) -> None:
    project.write(
        "native.py",
        """
        import os, signal, time
        import dagster as dg

        @dg.asset
        def first():
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(20)

        @dg.asset
        def second(): ...
        """,
    )
    result = cascade("materialize", "first", "second")
    assert result.exit_code == 1
    assert "first failed: it was interrupted, and the runs after it did not start." in result.stderr
    assert "second" not in result.output


def test_runs_are_recorded_where_the_ui_finds_them(cascade: Cascade) -> None:
    import dagster as dg

    document = cascade.json("materialize", "things", "--partition", "2024-01-01")
    with open_instance(CascadeConfig()) as instance:
        run = instance.get_run_by_id(document["runs"][0]["run_id"])
        assert run is not None
        assert run.tags["dagster/partition"] == "2024-01-01"
        assert instance.get_materialized_partitions(dg.AssetKey("things")) == {"2024-01-01"}


def test_a_quarantine_does_not_exist_before_a_row_is_refused(cascade: Cascade) -> None:
    cascade("materialize", "things", "--partition", "2024-01-01")
    result = cascade("table", "show", "things__quarantine")
    assert result.exit_code == 2
    assert "The table raw.things__quarantine does not exist, because raw.things has no refused rows." in result.stderr
    assert result.stderr.endswith("table show raw.things\n")


def test_the_log_is_shown_on_demand_only(cascade: Cascade) -> None:
    assert "RUN_START" not in cascade("materialize", "things", "--partition", "2024-01-01").output
    assert "RUN_START" in cascade("materialize", "things", "--partition", "2024-01-01", "--verbose").output


@pytest.mark.parametrize("arguments", [(), ("--partition", "2025-01-01"), ("--partition-range", "2024-01-01")])
def test_a_missing_or_unknown_partition_is_invalid_usage(cascade: Cascade, arguments: tuple[str, ...]) -> None:
    result = cascade("materialize", "things", *arguments)
    assert result.exit_code == 2
    assert "partition" in result.stderr
    assert result.stdout == ""


def test_a_partition_for_an_unpartitioned_asset_is_invalid_usage(cascade: Cascade, project: SampleProject) -> None:
    project.write("native.py", "import dagster as dg\n@dg.asset\ndef plain(): ...\n")
    result = cascade("materialize", "plain", "--partition", "2024-01-01")
    assert result.exit_code == 2
    assert "plain has no partitions" in result.stderr
    assert cascade("materialize", "plain").exit_code == 0


def test_several_assets_run_one_after_the_other(cascade: Cascade, project: SampleProject) -> None:
    project.write("native.py", "import dagster as dg\n@dg.asset\ndef one(): ...\n@dg.asset\ndef two(): ...\n")
    document = cascade.json("materialize", "two", "one")
    assert [run["asset"] for run in document["runs"]] == ["two", "one"]


def test_the_error_for_an_unknown_asset_suggests_the_nearest_and_lists_failed_modules(
    cascade: Cascade, project: SampleProject
) -> None:
    path = project.write("bad.py", "raise RuntimeError('no luck')")
    result = cascade("materialize", "thing")
    assert result.exit_code == 2
    assert 'Did you mean "things"?' in result.stderr
    assert f"{path}:1" in result.stderr
    assert cascade("materialize", "things", "--partition", "2024-01-01").exit_code == 0


def test_table_show_prints_rows(cascade: Cascade) -> None:
    missing = cascade("table", "show", "things")
    assert missing.exit_code == 2
    assert "does not exist yet" in missing.stderr
    assert "materialize things --partition KEY" in missing.stderr
    cascade("materialize", "things", "--partition", "2024-01-01")
    shown = cascade("table", "show", "things", "--limit", "2")
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.splitlines()[-1].startswith("2 of 7 rows of raw.things, snapshot ")
    document = cascade.json("table", "show", "raw.things", "--limit", "3")
    assert len(document["rows"]) == 3
    assert document["total_rows"] == 7
    assert document["columns"][0] == {"name": "id", "type": "long"}
    assert "Did you mean" in cascade("table", "show", "thins").stderr


def test_validate_prints_paths_relative_to_the_working_directory(cascade: Cascade, project: SampleProject) -> None:
    assert cascade("validate").stdout == "No problems in 1 module.\n"
    project.write("bad.py", "\nimport not_installed_anywhere\n")
    result = cascade("validate", "--module", project.module("bad"))
    assert result.exit_code == 1
    assert result.stdout.startswith(f"{project.package}/bad.py:1: ")
    document = cascade.json("validate")
    assert [(problem["file"], problem["line"]) for problem in document["problems"]] == [
        (f"{project.package}/bad.py", 1)
    ]


def test_validate_needs_no_settings(cascade: Cascade, project: SampleProject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASCADE_POSTGRES_PORT", "many")
    result = cascade("validate", "--module", project.module("things"))
    assert result.exit_code == 0, result.output
    assert not (project.root / ".cascade").exists()


def test_config_show_and_docs(cascade: Cascade, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASCADE_POSTGRES_PASSWORD", "hunter2")
    shown = cascade("config", "show")
    assert shown.exit_code == 0
    assert "CASCADE_POSTGRES_PASSWORD in the environment" in shown.stdout
    assert "hunter2" not in shown.output
    settings = {setting["name"]: setting for setting in cascade.json("config", "show")["settings"]}
    assert settings["postgres_password"]["source"] == "environment"
    assert settings["workflows_path"]["source"] == "pyproject.toml"
    assert cascade("config", "docs").stdout.startswith("# Settings\n")
