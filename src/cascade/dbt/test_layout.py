"""The layout of a dbt project, read without dbt."""

from __future__ import annotations

from pathlib import Path

import pytest

from cascade.dbt.layout import DbtLayout, read_layout, read_profile_name


def write(directory: Path, name: str, text: str) -> None:
    (directory / name).parent.mkdir(parents=True, exist_ok=True)
    (directory / name).write_text(text)


def test_models_and_sources_are_found_in_every_model_directory(tmp_path: Path) -> None:
    write(tmp_path, "dbt_project.yml", "name: demo\nmodel-paths: [sql, more]\n")
    write(tmp_path, "sql/deep/daily.sql", "select 1")
    write(tmp_path, "more/frame.py", "")
    write(tmp_path, "more/all.yml", "sources:\n  - name: raw\n    tables: [{name: a}, {name: b}]\n")
    write(tmp_path, "models/elsewhere.sql", "select 1")
    assert read_layout(tmp_path) == DbtLayout(
        exists=True,
        model_directory="sql",
        models={"daily": "sql/deep/daily.sql", "frame": "more/frame.py"},
        sources={"raw.a": "more/all.yml", "raw.b": "more/all.yml"},
    )


def test_the_layout_of_a_missing_project_is_empty(tmp_path: Path) -> None:
    assert read_layout(tmp_path / "missing") == DbtLayout()


@pytest.mark.parametrize("text", ["[", "a", "", "sources: x", "sources: [1, {tables: 2}]", "\0"])
def test_unreadable_files_are_left_to_dbt(tmp_path: Path, text: str) -> None:
    write(tmp_path, "dbt_project.yml", text)
    write(tmp_path, "models/s.yml", text)
    assert read_layout(tmp_path) == DbtLayout(exists=True)


@pytest.mark.parametrize(
    ("text", "name"),
    [("profile: shop", "shop"), ("name: x", "cascade"), ("profile: \"{{ env_var('P') }}\"", "cascade")],
)
def test_the_profile_is_the_one_in_the_project_file(tmp_path: Path, text: str, name: str) -> None:
    write(tmp_path, "dbt_project.yml", text)
    assert read_profile_name(tmp_path) == name
