from __future__ import annotations

import importlib
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
from legacy.project import LegacyProject

from cascade.declarations.code_sources import code_of
from cascade.exceptions import DiscoveryError, UsageError
from cascade.legacy.conftest import legacy
from cascade.legacy.finder import DEFINITIONS, activate, deactivate
from cascade.legacy.old_imports import LegacyImportWarning

__all__ = ["legacy"]


def write(project: LegacyProject, name: str, text: str) -> Path:
    file = project.package / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def test_modules_of_the_user_are_found_beside_those_of_cascade(legacy: LegacyProject) -> None:
    activate(legacy.package)

    theirs = importlib.import_module("cascade.schemas.finance")
    ours = importlib.import_module("cascade.schemas.columns")

    assert theirs.__file__ == str(legacy.package / "schemas" / "finance.py")
    assert not Path(str(ours.__file__)).is_relative_to(legacy.root)
    assert importlib.import_module("cascade.utils.days").at("2025-01-01", 3).hour == 3


def test_a_module_is_one_whichever_way_it_is_imported(legacy: LegacyProject) -> None:
    activate(legacy.package)

    rates = importlib.import_module("cascade.defs.ingestion.finance.rates")

    assert rates.Rate is importlib.import_module("cascade.schemas.finance").Rate


def test_files_of_the_old_framework_never_run(legacy: LegacyProject) -> None:
    # `ingestion/__init__.py` of the project raises.
    activate(legacy.package)

    module = importlib.import_module("cascade.defs.ingestion")

    assert not hasattr(module, "build_defs")
    assert importlib.import_module("cascade.ingestion").cascade_ingestion


def test_definitions_that_the_old_framework_asked_for_are_collected(legacy: LegacyProject) -> None:
    activate(legacy.package)

    schedules = importlib.import_module("cascade.defs.schedules")

    (schedule,) = vars(schedules)[DEFINITIONS].schedules
    assert schedule.name == "nightly_schedule"


def test_jobs_and_sensors_of_before_are_the_users(legacy: LegacyProject) -> None:
    write(legacy, "defs/jobs/__init__.py", "from .factory import JOBS\n")
    write(
        legacy,
        "defs/jobs/factory.py",
        "from pathlib import Path\nJOBS = Path(__file__).with_name('config.yaml').read_text()\n",
    )
    write(legacy, "defs/jobs.py", "from cascade.defs.jobs import github_job\n")
    write(legacy, "defs/sensors/__init__.py", "from cascade.defs.sensors.branch_lifecycle import gone\n")
    write(legacy, "defs/sensors/sensors.py", "from cascade.defs.jobs import JOBS\n")
    activate(legacy.package)

    assert "github_pipeline" in importlib.import_module("cascade.defs.sensors.sensors").JOBS


def test_each_line_with_an_old_import_is_named_once(legacy: LegacyProject) -> None:
    activate(legacy.package)

    with pytest.warns(LegacyImportWarning) as caught:
        importlib.import_module("cascade.defs.ingestion.weather.observations")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        importlib.import_module("cascade.defs.ingestion.weather.observations")

    file = legacy.package / "defs" / "ingestion" / "weather" / "observations.py"
    of_file = [each for each in caught if each.filename == str(file)]
    assert [(each.lineno, str(each.message).partition(" is ")[0]) for each in of_file] == [
        (5, f"{file}:5: cascade.defs.ingestion.weather.stations"),
        (7, f"{file}:7: cascade.schemas.weather"),
    ]
    assert all("Cascade 2.0.0 no longer resolves" in str(each.message) for each in of_file)


def test_relative_imports_are_old_only_if_they_leave_their_area(legacy: LegacyProject) -> None:
    activate(legacy.package)

    with pytest.warns(LegacyImportWarning) as caught:
        importlib.import_module("cascade.defs.ingestion.weather.forecasts")

    lines = [each.lineno for each in caught if each.filename.endswith("forecasts.py")]
    # `from ....schemas import weather as schemas`, and not `from .stations import STATIONS`.
    assert lines == [5]


def test_a_test_that_imports_old_paths_is_named(legacy: LegacyProject) -> None:
    activate(legacy.package)
    file = legacy.root / "tests" / "test_weather.py"

    with pytest.warns(LegacyImportWarning) as caught:
        exec(compile(file.read_bytes(), str(file), "exec"), {"__name__": "test_weather"})

    assert [each.lineno for each in caught if each.filename == str(file)] == [7, 8]


def test_new_imports_warn_of_nothing(legacy: LegacyProject) -> None:
    write(legacy, "defs/ingestion/new/__init__.py", "")
    write(legacy, "defs/ingestion/new/one.py", "from cascade.ingestion import cascade_ingestion\nimport cascade\n")
    activate(legacy.package)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        importlib.import_module("cascade.defs.ingestion.new.one")


def test_names_that_the_package_of_the_user_reexports_are_found(legacy: LegacyProject) -> None:
    activate(legacy.package)

    schemas = importlib.import_module("cascade.schemas")

    weather = importlib.import_module("cascade.schemas.weather")
    assert schemas.RawWeatherObservations is weather.RawWeatherObservations
    with pytest.raises(AttributeError, match="RawWeather"):
        _ = schemas.RawWeather


def test_modules_of_cascade_do_not_run_the_package_of_the_user(
    legacy: LegacyProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(legacy, "schemas/__init__.py", "raise RuntimeError('it ran')\n")
    activate(legacy.package)
    schemas = importlib.import_module("cascade.schemas")
    importlib.import_module("cascade.schemas.kinds")
    monkeypatch.delitem(vars(schemas), "kinds")

    exec("from cascade.schemas import kinds", {})


def test_a_broken_package_of_the_user_does_not_hide_its_modules(legacy: LegacyProject) -> None:
    write(legacy, "schemas/__init__.py", "from cascade.schemas.asset_outputs import RawDataOutput\n")
    activate(legacy.package)

    assert importlib.import_module("cascade.defs.ingestion.sales.people").customers


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("import cascade.schemas.registry", "no longer exists. Use instead: `table_name`"),
        ("import cascade.defs.resources.trino", "was part of Cascade before version 1.0 and no longer exists"),
        ("from cascade.defs.nessie import NessieResource", "cascade.defs.nessie was part of Cascade"),
        ("from cascade.config import confg", "cannot import name 'confg'"),
        ("from cascade.testing import mock_dlt_source", r"no longer exists\. Use instead: `test_workflow"),
        ("from cascade.iceberg import get_catalog", r"Use instead: `open_lakehouse"),
    ],
)
def test_what_no_longer_exists_is_told(legacy: LegacyProject, statement: str, message: str) -> None:
    activate(legacy.package)

    with pytest.raises(ImportError, match=message):
        exec(statement, {})


def test_settings_have_their_old_names(legacy: LegacyProject) -> None:
    activate(legacy.package)

    config: Any = vars(importlib.import_module("cascade.config"))["__getattr__"]("config")

    assert (config.postgres_user, config.postgres_password, config.postgres_port) == ("lake", "lakepass", 10000)
    assert config.iceberg_nessie_ref == "main"
    assert config.iceberg_warehouse_path == str(legacy.root / "lake" / "warehouse")
    assert config.github_username == "octocat"
    with pytest.raises(AttributeError, match=r"no setting 'github_usernme'\. Did you mean \"github_username\""):
        _ = config.github_usernme


def test_checks_of_before_judge_as_those_of_now(legacy: LegacyProject) -> None:
    activate(legacy.package)
    old: Any = importlib.import_module("cascade.quality")

    assert old.NullCheck(columns=["a", "b"]).failing({}) == '"a" IS NULL OR "b" IS NULL'
    assert importlib.import_module("cascade.quality.checks").NullCheck is old.NullCheck
    assert importlib.import_module("cascade.quality.decorator").cascade_quality is old.cascade_quality
    assert old.NullCheck(columns=["a", "b"]).label == "not_null_a_b"
    assert old.RangeCheck(column="a", min_value=0) == old.Range("a", 0, None)
    assert old.UniqueCheck(columns=["a", "b"]) == old.Unique(("a", "b"))
    assert old.CountCheck(min_rows=1) == old.RowCount(1, None, scope="table")
    assert old.FreshnessCheck(timestamp_column="at", max_age_hours=2) == old.Freshness("at", 2)
    assert old.SchemaCheck(schema=int) == old.MatchesSchema(int)
    with pytest.raises(UsageError, match=r"pass fail_threshold=0\.05 to @cascade_quality"):
        old.RangeCheck(column="a", min_value=0, allow_threshold=0.05)


def test_a_module_with_the_name_of_one_of_cascade_is_refused(legacy: LegacyProject) -> None:
    file = write(legacy, "schemas/columns.py", "class Mine: ...\n")
    write(legacy, "defs/quality/keys.py", "")
    write(legacy, "sources/files.py", "")

    with pytest.raises(DiscoveryError) as caught:
        activate(legacy.package)

    assert str(caught.value).startswith(f"{file}:1: The module cascade.schemas.columns has the name of a module of")
    assert f"\n  cascade.sources.files in {legacy.package / 'sources' / 'files.py'}\n" in str(caught.value)
    assert "Rename it, for example to columns_of_ours.py" in str(caught.value)
    assert "cascade.defs.quality.keys" not in str(caught.value)


def test_the_code_of_a_workflow_contains_its_schemas_and_helpers(legacy: LegacyProject) -> None:
    activate(legacy.package)
    file = legacy.package / "defs" / "ingestion" / "sales" / "shipments.py"

    code = code_of({"cascade.defs.ingestion.sales.shipments": file})

    assert code.modules["cascade.schemas.sales"] == str(legacy.package / "schemas" / "sales.py")
    assert code.modules["cascade.utils.days"] == str(legacy.package / "utils" / "days.py")
    assert all(Path(each).is_relative_to(legacy.package) for each in code.modules.values())


def test_nothing_is_left_after_the_project(legacy: LegacyProject) -> None:
    before = set(sys.modules)
    activate(legacy.package)
    importlib.import_module("cascade.defs.schedules.nightly")
    deactivate()

    assert not [name for name in set(sys.modules) - before if name.startswith(("cascade.defs", "cascade.schemas."))]
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("cascade.defs")
    with pytest.raises(ImportError):
        exec("from cascade.config import config", {})


def test_another_project_replaces_the_first(legacy: LegacyProject, tmp_path: Path) -> None:
    activate(legacy.package)
    importlib.import_module("cascade.utils.days")
    other = tmp_path / "other" / "src" / "cascade"
    (other / "defs" / "ingestion").mkdir(parents=True)
    (other / "utils").mkdir()
    (other / "utils" / "days.py").write_text("HERE = True\n", encoding="utf-8")

    activate(other)

    assert importlib.import_module("cascade.utils.days").HERE
