from __future__ import annotations

from pathlib import Path

import pytest
from legacy.project import LegacyProject

from cascade.config.root import find_project_root, legacy_package
from cascade.legacy.conftest import legacy
from cascade.legacy.layout import LegacyLayout, read_layout
from cascade.legacy.project import old_partitions
from cascade.legacy.variables import OldVariable, settings_of

__all__ = ["legacy"]


def layout_of(project: LegacyProject) -> LegacyLayout:
    layout = read_layout(project.root)
    assert layout is not None
    return layout


def names(project: LegacyProject, files: tuple[Path, ...]) -> list[str]:
    return [file.relative_to(project.package).as_posix() for file in files]


def test_domains_of_a_legacy_project_are_found(legacy: LegacyProject) -> None:
    layout = layout_of(legacy)

    assert layout.package == legacy.root / "src" / "cascade"
    assert [each.name for each in layout.ingestion] == ["finance", "github", "sales", "sensors", "weather"]
    assert "defs/ingestion/github/events.py" in names(legacy, layout.workflows)
    assert names(legacy, layout.schemas) == [
        "schemas/__init__.py",
        "schemas/finance.py",
        "schemas/github.py",
        "schemas/sales.py",
        "schemas/weather.py",
    ]
    assert names(legacy, layout.helpers) == ["utils/__init__.py", "utils/days.py"]


def test_files_of_the_framework_are_not_the_users(legacy: LegacyProject) -> None:
    layout = layout_of(legacy)

    assert names(legacy, layout.framework) == [
        "__init__.py",
        "config.py",
        "definitions.py",
        "defs/__init__.py",
        "defs/ingestion/__init__.py",
        "defs/partitions.py",
        "ingestion/__init__.py",
    ]
    assert names(legacy, layout.definitions) == [
        "defs/quality/__init__.py",
        "defs/quality/weather.py",
        "defs/schedules/__init__.py",
        "defs/schedules/nightly.py",
    ]
    assert names(legacy, layout.others) == [
        "defs/ingestion/github/events.json",
        "defs/ingestion/sales/data/orders.csv",
        "defs/jobs/config.yaml",
    ]


def test_files_outside_of_the_package_are_found(legacy: LegacyProject) -> None:
    layout = layout_of(legacy)

    assert layout.dbt_project == legacy.package / "transforms" / "dbt"
    assert layout.workspace == legacy.root / "workspace.yaml"
    assert layout.dotenv == legacy.root / ".env"
    assert [test.name for test in layout.tests] == ["__init__.py", "test_weather.py"]


def test_only_names_of_the_framework_are_variables(legacy: LegacyProject) -> None:
    layout = layout_of(legacy)

    assert layout.variables == (
        "POSTGRES_USER",
        "POSTGRES_PASSWORD",
        "POSTGRES_DB",
        "POSTGRES_PORT",
        "ICEBERG_WAREHOUSE_PATH",
        "ICEBERG_NESSIE_REF",
    )
    assert layout.unused_variables == ("ICEBERG_STAGING_PATH", "NESSIE_VERSION", "DAGSTER_PORT")


def test_a_module_has_the_name_that_old_code_imports(legacy: LegacyProject) -> None:
    layout = layout_of(legacy)

    assert layout.module_name(legacy.package / "schemas" / "weather.py") == "cascade.schemas.weather"
    assert layout.module_name(legacy.package / "utils" / "__init__.py") == "cascade.utils"


@pytest.mark.parametrize("made", ["src/cascade/defs", "src/cascade/schemas", "workflows", "cascade/defs/ingestion"])
def test_other_projects_are_not_legacy(tmp_path: Path, made: str) -> None:
    (tmp_path / made).mkdir(parents=True)

    assert read_layout(tmp_path) is None
    assert legacy_package(tmp_path) is None


def test_a_project_is_found_from_a_directory_in_it(legacy: LegacyProject) -> None:
    assert find_project_root(legacy.package / "defs" / "ingestion" / "weather", {}) == legacy.root


def test_a_project_with_settings_of_cascade_has_been_migrated(legacy: LegacyProject) -> None:
    with (legacy.root / "pyproject.toml").open("a") as file:
        file.write("[tool.cascade]\n")

    assert legacy_package(legacy.root) is None
    assert read_layout(legacy.root) is not None


def test_caches_and_hidden_directories_are_left_out(legacy: LegacyProject) -> None:
    for name in ("__pycache__", ".ipynb_checkpoints"):
        hidden = legacy.package / "defs" / "ingestion" / name
        hidden.mkdir()
        (hidden / "copy.py").write_text("")
    layout = layout_of(legacy)

    assert not [each for each in layout.ingestion if each.name.startswith(("_", "."))]
    assert not [file for file in layout.user_modules if file.name == "copy.py"]


def test_an_unreadable_dotenv_does_not_hide_the_project(legacy: LegacyProject) -> None:
    (legacy.root / ".env").write_bytes(b"POSTGRES_USER=\xff\n")

    assert layout_of(legacy).variables == ()


def test_a_host_and_its_port_become_a_url() -> None:
    assert settings_of({"NESSIE_HOST": "localhost", "NESSIE_PORT": "19120"}) == (
        OldVariable(("NESSIE_HOST", "NESSIE_PORT"), "nessie_uri", "http://localhost:19120/iceberg"),
    )
    assert settings_of({"MINIO_HOST": "minio"}) == (OldVariable(("MINIO_HOST",), "s3_endpoint", "http://minio:10001"),)


def test_a_port_alone_means_the_container_of_before() -> None:
    assert settings_of({"NESSIE_PORT": "10003", "MINIO_HOST": ""}) == (
        OldVariable(("NESSIE_PORT",), "nessie_uri", "http://nessie:10003/iceberg"),
    )


def test_the_first_of_two_variables_for_one_setting_wins_and_empty_ones_do_not_count() -> None:
    assert settings_of({"ICEBERG_NESSIE_REF": "dev", "NESSIE_REF": "main", "TRINO_HOST": ""}) == (
        OldVariable(("ICEBERG_NESSIE_REF",), "nessie_ref", "dev"),
    )


@pytest.mark.parametrize(
    ("source", "start", "timezone"),
    [
        ('daily_partition = dg.DailyPartitionsDefinition("2023-05-01")', "2023-05-01", "UTC"),
        ('DailyPartitionsDefinition(start_date="2024-01-01", timezone="Asia/Tokyo")', "2024-01-01", "Asia/Tokyo"),
        ("DailyPartitionsDefinition(start_date=START)", "2025-01-01", "UTC"),
        ("not python", "2025-01-01", "Europe/London"),
        (None, "2025-01-01", "Europe/London"),
    ],
)
def test_partitions_are_read_from_the_copy_of_the_framework(
    legacy: LegacyProject, source: str | None, start: str, timezone: str
) -> None:
    file = legacy.package / "defs" / "partitions.py"
    if source is None:
        file.unlink()
    else:
        file.write_text(source, encoding="utf-8")

    assert old_partitions(legacy.package) == {"partition_start": start, "partition_timezone": timezone}
