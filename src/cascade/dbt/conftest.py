"""A project with a dbt project, without its workflows."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cascade.config import CascadeConfig

DBT_PROJECT = {
    "transforms/dbt/dbt_project.yml": "name: shop\nprofile: shop\nflags: {send_anonymous_usage_stats: false}\n",
    "transforms/dbt/models/silver/daily.sql": "select day, count(*) as n from {{ source('raw', 'things') }} group by 1",
    "transforms/dbt/models/silver/daily.yml": "sources: [{name: raw, tables: [{name: things}]}]\n",
}


def write_files(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CascadeConfig:
    """Return the settings of a project in a temporary directory, whatever the environment says."""
    for name in [name for name in os.environ if name.startswith(("CASCADE_", "DBT_"))]:
        monkeypatch.delenv(name)
    write_files(tmp_path, DBT_PROJECT)
    return CascadeConfig(project_root=tmp_path)
