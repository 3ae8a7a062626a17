"""The contents of a project's definitions."""

from __future__ import annotations

import os
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import dagster as dg
import pytest

from cascade.config import CascadeConfig
from cascade.exceptions import DeclarationError, DiscoveryError
from cascade.framework.conftest import THINGS, SampleProject
from cascade.framework.definitions import build_definitions
from cascade.framework.loading import load_modules


def keys(definitions: dg.Definitions) -> set[str]:
    return {key.to_user_string() for key in definitions.resolve_asset_graph().get_all_asset_keys()}


def workflow(table: str, name: str = "rows") -> str:
    return dedent(f"""
        @cascade_ingestion(table_name={table!r}, unique_key="id", group="g", validation_schema=Row, partitions=None)
        def {name}():
            return []
    """)


HEAD = """\
from pydantic import BaseModel
from cascade.ingestion import cascade_ingestion

class Row(BaseModel):
    id: int
"""


def test_without_arguments_it_loads_the_configured_directory(project: SampleProject) -> None:
    project.write("things.py", THINGS)
    assert keys(build_definitions()) == {"things"}


def test_the_definitions_contain_the_same_object_as_the_workflow(project: SampleProject) -> None:
    project.write("things.py", THINGS)
    definitions = build_definitions()
    module = load_modules([project.module("things")]).modules[project.module("things")]
    assert any(asset is module.things.asset for asset in definitions.assets or ())


def test_dagster_definitions_are_collected_with_the_workflows(project: SampleProject) -> None:
    project.write(
        "native.py",
        """
        import dagster as dg

        @dg.asset
        def plain():
            return None

        @dg.asset_check(asset=plain)
        def looks_right():
            return dg.AssetCheckResult(passed=True)

        job = dg.define_asset_job("nightly", selection=[plain])
        schedule = dg.ScheduleDefinition(job=job, cron_schedule="0 0 * * *", name="every_night")

        @dg.sensor(job=job)
        def watcher():
            yield dg.SkipReason("nothing")

        more = [dg.AssetSpec("listed")]

        @dg.definitions
        def others():
            @dg.asset
            def inner():
                return None
            return dg.Definitions(assets=[inner])
        """,
    )
    definitions = build_definitions()
    repository = definitions.get_repository_def()
    assert keys(definitions) == {"plain", "listed", "inner"}
    assert repository.has_job("nightly")
    assert [schedule.name for schedule in repository.schedule_defs] == ["every_night"]
    assert {sensor.name for sensor in repository.sensor_defs} == {"watcher", "cascade_automation"}
    assert definitions.resolve_asset_graph().asset_check_keys


def test_a_workflow_imported_as_a_dependency_stays_where_it_is(project: SampleProject) -> None:
    project.write("mine.py", HEAD + f"from {project.package}.theirs import rows as other\n" + workflow("mine"))
    project.write("theirs.py", HEAD + workflow("theirs"))
    assert keys(build_definitions([project.module("mine")])) == {"mine"}
    assert keys(build_definitions([project.module("mine"), project.module("theirs")])) == {"mine", "theirs"}


def test_the_product_of_a_factory_belongs_to_the_module_that_called_it(project: SampleProject) -> None:
    factory = "def make(table):\n" + indent(workflow("placeholder").replace("'placeholder'", "table"), "    ")
    project.write("_factory.py", HEAD + factory + "    return rows\n")
    project.write("made.py", f"from {project.package}._factory import make\nproduct = make('made')\n")
    assert keys(build_definitions([project.module("made")])) == {"made"}


def test_a_table_in_two_modules_is_an_error_with_both_locations(project: SampleProject) -> None:
    first = project.write("a.py", HEAD + workflow("same"))
    second = project.write("b.py", HEAD + workflow("same"))
    with pytest.raises(DeclarationError) as caught:
        build_definitions()
    text = str(caught.value)
    assert str(first) in text
    assert str(second) in text
    assert "raw.same" in text


def test_a_workflow_and_an_asset_with_one_key_are_an_error_with_both_locations(project: SampleProject) -> None:
    path = project.write("a.py", HEAD + workflow("same"))
    project.write("b.py", "import dagster as dg\n@dg.asset\ndef same(): ...\n")
    with pytest.raises(DeclarationError, match=rf"{project.module('b')} has too"):
        build_definitions()
    assert path.is_file()


def test_a_module_that_fails_is_an_error_and_in_dev_a_warning(
    project: SampleProject, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project.write("good.py", HEAD + workflow("good"))
    path = project.write("bad.py", "raise RuntimeError('no luck')\n")
    with pytest.raises(DiscoveryError, match="no luck"):
        build_definitions()
    monkeypatch.setenv("CASCADE_KEEP_GOING", "1")
    definitions = build_definitions()
    assert keys(definitions) == {"good"}
    assert f"{path}:1" in str((definitions.metadata or {})["cascade/not_loaded"].value)
    assert f"not loaded: {path}:1" in capsys.readouterr().err


def test_in_dev_the_second_workflow_of_a_table_is_left_out_with_a_warning(
    project: SampleProject, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first = project.write("a.py", HEAD + workflow("same") + workflow("other", name="others"))
    second = project.write("b.py", HEAD + workflow("same"))
    monkeypatch.setenv("CASCADE_KEEP_GOING", "1")
    definitions = build_definitions()
    assert keys(definitions) == {"same", "other"}
    shown = capsys.readouterr().err
    assert shown.count("not loaded") == 1
    assert f"not loaded: {second}" in shown
    assert f"already declared at {first}" in shown


def test_a_definitions_function_that_fails_is_reported_with_its_line_and_hides_nothing_in_dev(
    project: SampleProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("good.py", HEAD + workflow("good"))
    path = project.write("bad.py", "import dagster as dg\n\n\n@dg.definitions\ndef others():\n    return 1 / 0\n")
    with pytest.raises(DiscoveryError, match="ZeroDivisionError") as caught:
        build_definitions()
    assert str(caught.value.location) == f"{path}:6"
    monkeypatch.setenv("CASCADE_KEEP_GOING", "1")
    assert keys(build_definitions()) == {"good"}


def test_a_function_of_definitions_that_takes_a_context_is_refused_with_a_hint(project: SampleProject) -> None:
    path = project.write(
        "bad.py",
        """
        import dagster as dg

        @dg.definitions
        def others(context: dg.ComponentLoadContext) -> dg.Definitions:
            return dg.Definitions()
        """,
    )
    with pytest.raises(DiscoveryError, match="takes a context") as caught:
        build_definitions()
    assert str(caught.value.location) == f"{path}:3"
    assert "[tool.dg]" in str(caught.value.hint)


def test_a_module_that_builds_the_definitions_it_is_part_of_is_refused(project: SampleProject) -> None:
    project.write("things.py", THINGS)
    path = project.write(
        "definitions.py", "from cascade.framework.definitions import build_definitions\n\ndefs = build_definitions()\n"
    )
    with pytest.raises(DiscoveryError, match="which would load that module again"):
        build_definitions()
    assert path.is_file()


def test_in_dev_a_module_that_is_slow_to_import_is_a_warning(
    project: SampleProject, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project.write("slow.py", "import time\n\ntime.sleep(0.05)\n")
    monkeypatch.setattr("cascade.framework.definitions._SLOW_SECONDS", 0.05)
    build_definitions()
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("CASCADE_KEEP_GOING", "1")
    project.write("slower.py", "import time\n\ntime.sleep(0.05)\n")
    build_definitions()
    assert f"{project.module('slower')} takes 0 s to import" in capsys.readouterr().err


def test_an_instance_of_a_users_subclass_is_found_and_a_proxy_is_not_loaded(project: SampleProject) -> None:
    project.write(
        "own.py",
        """
        import dagster as dg

        class Nightly(dg.ScheduleDefinition):
            pass

        class Proxy:
            @property
            def __class__(self):
                raise RuntimeError("woken")

        @dg.job
        def tidy():
            pass

        schedule = Nightly(job=tidy, cron_schedule="0 0 * * *", name="nightly")
        proxy = Proxy()
        """,
    )
    assert [schedule.name for schedule in build_definitions().get_repository_def().schedule_defs] == ["nightly"]


@pytest.mark.parametrize(
    ("automation", "status"), [(False, dg.DefaultSensorStatus.STOPPED), (True, dg.DefaultSensorStatus.RUNNING)]
)
def test_the_automation_sensor_follows_the_setting(
    project: SampleProject, automation: bool, status: dg.DefaultSensorStatus
) -> None:
    project.write("things.py", THINGS)
    definitions = build_definitions(config=CascadeConfig(automation=automation))
    (sensor,) = definitions.get_repository_def().sensor_defs
    assert sensor.default_status == status


def test_runs_stay_in_one_process_by_default(project: SampleProject) -> None:
    project.write("things.py", THINGS)
    assert build_definitions().executor is dg.in_process_executor
    assert build_definitions(config=CascadeConfig(executor="multiprocess")).executor is dg.multiprocess_executor


def test_defs_is_built_on_first_use(project: SampleProject) -> None:
    project.write("things.py", THINGS)
    import cascade.framework.definitions as module

    assert "defs" in dir(module)
    try:
        made: Any = module.defs
        assert isinstance(made, dg.Definitions)
        assert module.defs is made
    finally:
        vars(module).pop("defs", None)


def test_the_working_directory_of_a_code_location_is_the_project(
    project: SampleProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("things.py", THINGS)
    import cascade.framework.definitions as module

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module, "_FIRST_ON_PATH", str(project.root))
    # Set so that it is taken away again at the end.
    monkeypatch.setenv("CASCADE_PROJECT_ROOT", "")
    monkeypatch.delenv("CASCADE_PROJECT_ROOT")
    try:
        assert keys(module.defs) == {"things"}
        # The runs that this process starts are of the same project.
        assert os.environ["CASCADE_PROJECT_ROOT"] == str(project.root)
    finally:
        vars(module).pop("defs", None)
