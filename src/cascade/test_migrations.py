from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.storage.sql import ALEMBIC_SCRIPTS_LOCATION

from cascade.migrations import read_migrations_once

ScriptDirectory: Any = import_module("alembic.script").ScriptDirectory


def config(location: str) -> Any:
    made = import_module("alembic.config").Config()
    made.set_main_option("script_location", location)
    return made


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the directories whose scripts alembic lists, as it lists them."""
    listed: list[str] = []
    load = ScriptDirectory._load_revisions

    def counted(self: Any) -> object:
        listed.append(str(self.dir))
        return load(self)

    monkeypatch.setattr(ScriptDirectory, "_load_revisions", counted)
    unpatched = getattr(ScriptDirectory.from_config, "__wrapped__", ScriptDirectory.from_config)
    monkeypatch.setattr(ScriptDirectory, "from_config", unpatched)
    return listed


@dg.asset
def one() -> int:
    return 1


def test_dagster_reads_its_migrations_once_for_all_runs(reads: list[str], tmp_path: Path) -> None:
    read_migrations_once()
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        runs = [dg.materialize([one], instance=instance).run_id for _ in range(2)]
        assert len(reads) == 1
        assert [len(instance.all_logs(run)) > 5 for run in runs] == [True, True]
        assert {record.status for record in instance.get_runs()} == {dg.DagsterRunStatus.SUCCESS}
        revisions = [storage.alembic_version() for storage in (instance.run_storage, instance.event_log_storage)]
    assert [current == head for current, head in revisions] == [True, True]


def test_other_migrations_are_read_each_time(reads: list[str], tmp_path: Path) -> None:
    read_migrations_once()
    (tmp_path / "versions").mkdir()
    for number in range(2):
        (tmp_path / "versions" / f"r{number}.py").write_text(
            f"revision = 'r{number}'\ndown_revision = {f'r{number - 1}' if number else None!r}\n"
        )
        assert ScriptDirectory.from_config(config(str(tmp_path))).get_current_head() == f"r{number}"


def test_a_second_call_changes_nothing() -> None:
    read_migrations_once()
    once = ScriptDirectory.from_config
    read_migrations_once()
    assert ScriptDirectory.from_config is once
    assert ScriptDirectory.from_config(config(ALEMBIC_SCRIPTS_LOCATION)) is ScriptDirectory.from_config(
        config(ALEMBIC_SCRIPTS_LOCATION)
    )
