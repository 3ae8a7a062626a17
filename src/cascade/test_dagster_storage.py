from __future__ import annotations

import sqlite3
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.storage.event_log.sqlite import sqlite_event_log
from dagster._core.storage.runs.sqlite import sqlite_run_storage
from dagster._core.storage.schedules.sqlite import sqlite_schedule_storage
from dagster._core.storage.sql import ALEMBIC_SCRIPTS_LOCATION
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool, QueuePool

from cascade.dagster_storage import _CREATORS, _copying, _write_new, speed_up_dagster_storage

ScriptDirectory: Any = import_module("alembic.script").ScriptDirectory
EVENTS: Any = sqlite_event_log
MODULES: tuple[Any, ...] = (EVENTS, sqlite_run_storage)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the directories whose scripts alembic lists, as it lists them, in a process that has read none."""
    listed: list[str] = []
    load = ScriptDirectory._load_revisions

    def counted(self: Any) -> object:
        listed.append(str(self.dir))
        return load(self)

    unpatched = getattr(ScriptDirectory.from_config, "__wrapped__", ScriptDirectory.from_config)
    monkeypatch.setattr(ScriptDirectory, "_load_revisions", counted)
    monkeypatch.setattr(ScriptDirectory, "from_config", unpatched)
    return listed


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the addresses of the databases for which Dagster makes an engine, in a process that has made none."""
    made: list[str] = []

    def counted(url: str, **options: Any) -> object:
        made.append(url)
        return create_engine(url, **options)

    for module in MODULES:
        monkeypatch.setattr(module, "create_engine", counted)
    return made


def config(location: str) -> Any:
    made = import_module("alembic.config").Config()
    made.set_main_option("script_location", location)
    return made


@dg.asset
def one() -> int:
    return 1


def test_runs_read_the_migrations_once_and_make_one_engine_for_each_database(
    reads: list[str], engines: list[str], tmp_path: Path
) -> None:
    speed_up_dagster_storage()
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        runs = [dg.materialize([one], instance=instance).run_id for _ in range(2)]
        assert len(reads) == 1
        # The first use of the index creates it, in both modules of Dagster's.
        assert len(engines) == len(set(engines))
        assert {Path(url).stem for url in engines} == {"runs", "index", *runs}
        assert [len(instance.all_logs(run)) > 5 for run in runs] == [True, True]
        assert {record.status for record in instance.get_runs()} == {dg.DagsterRunStatus.SUCCESS}
        found = [storage.alembic_version() for storage in (instance.run_storage, instance.event_log_storage)]
    assert all(version is not None and version[0] == version[1] for version in found)


def test_another_process_can_use_a_database_between_two_events(engines: list[str], tmp_path: Path) -> None:
    speed_up_dagster_storage()
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        dg.materialize([one], instance=instance)
        runs = tmp_path / "history" / "runs.db"
        with sqlite3.connect(f"file:{runs}?mode=rw", uri=True, timeout=0) as other:
            other.execute("BEGIN EXCLUSIVE")
            other.rollback()
        runs.rename(tmp_path / "moved")
        (tmp_path / "moved").rename(runs)
        assert len(instance.get_runs()) == 1


def test_only_the_newest_engines_are_kept(engines: list[str]) -> None:
    speed_up_dagster_storage()
    urls = [f"sqlite:////nowhere/{number}.db" for number in range(20)]
    for url in [*urls, urls[-1], urls[0]]:
        EVENTS.create_engine(url, poolclass=NullPool, connect_args={"timeout": 30})
    assert engines == [*urls, urls[0]]


def test_an_engine_that_keeps_connections_is_not_shared(engines: list[str]) -> None:
    speed_up_dagster_storage()
    first, second = (EVENTS.create_engine("sqlite:////nowhere/a.db", poolclass=QueuePool) for _ in range(2))
    assert first is not second


def test_other_migrations_are_read_each_time(reads: list[str], tmp_path: Path) -> None:
    speed_up_dagster_storage()
    (tmp_path / "versions").mkdir()
    for number in range(2):
        (tmp_path / "versions" / f"r{number}.py").write_text(
            f"revision = 'r{number}'\ndown_revision = {f'r{number - 1}' if number else None!r}\n"
        )
        assert ScriptDirectory.from_config(config(str(tmp_path))).get_current_head() == f"r{number}"


def test_a_second_call_changes_nothing() -> None:
    speed_up_dagster_storage()
    before = [ScriptDirectory.from_config, *(module.create_engine for module in MODULES)]
    speed_up_dagster_storage()
    assert [ScriptDirectory.from_config, *(module.create_engine for module in MODULES)] == before
    dagsters = config(ALEMBIC_SCRIPTS_LOCATION)
    assert ScriptDirectory.from_config(dagsters) is ScriptDirectory.from_config(dagsters)


def schemas(home: Path) -> dict[str, object]:
    """Return what a reader of each database of an instance finds: its version, tables, indexes and journal."""
    found: dict[str, object] = {}
    for path in home.rglob("*.db"):
        with closing(sqlite3.connect(path)) as connection:
            created = sorted(connection.execute("SELECT type, name, sql FROM sqlite_master").fetchall(), key=str)
            indexes = []
            if any(name == "secondary_indexes" for _, name, _ in created):
                indexes = connection.execute("SELECT name FROM secondary_indexes ORDER BY 1").fetchall()
            journal = connection.execute("PRAGMA journal_mode").fetchone()
            check = connection.execute("PRAGMA integrity_check").fetchone()
            version = connection.execute("SELECT * FROM alembic_version").fetchall()
        found["run" if len(path.stem) == 36 else path.stem] = (created, indexes, journal, check, version)
    return found


def materialize_in(home: Path) -> dict[str, object]:
    home.mkdir()
    with dg.DagsterInstance.local_temp(str(home)) as instance:
        run = dg.materialize([one], instance=instance).run_id
        assert len(instance.all_logs(run)) > 5
    return schemas(home)


def test_a_database_that_is_a_copy_is_like_one_that_dagster_creates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    speed_up_dagster_storage()
    creators = [(getattr(import_module(module), name), method) for module, name, method, _ in _CREATORS]
    with monkeypatch.context() as unpatched:
        for storage, method in creators:
            create = vars(storage)[method]
            original = getattr(create, "__func__", create).__wrapped__
            unpatched.setattr(storage, method, classmethod(original) if isinstance(create, classmethod) else original)
        created = materialize_in(tmp_path / "created")
    assert {*created} == {"index", "run", "runs", "schedules"}
    first = materialize_in(tmp_path / "first")

    def failing(*_: object, **__: object) -> None:
        raise AssertionError("Dagster creates a database")

    for module in (EVENTS, sqlite_run_storage, sqlite_schedule_storage):
        monkeypatch.setattr(module, "stamp_alembic_rev", failing)
    assert materialize_in(tmp_path / "copies") == first == created
    assert [path.name for path in tmp_path.rglob("*") if path.is_file() and ".db." in path.name] == []


def test_rows_that_another_process_writes_at_once_are_not_copied(tmp_path: Path) -> None:
    path = tmp_path / "new.db"

    def create(database: Path) -> None:
        with closing(sqlite3.connect(database)) as connection, connection:
            connection.execute("CREATE TABLE IF NOT EXISTS events (id)")
            connection.execute("CREATE TABLE IF NOT EXISTS alembic_version (id)")
            if database == path:
                connection.execute("INSERT INTO events VALUES (1)")

    copying = _copying(create, str)
    for name in ("new.db", "second.db", "third.db"):
        copying(tmp_path / name)
    for name, rows in (("second.db", 0), ("third.db", 0)):
        with closing(sqlite3.connect(tmp_path / name)) as connection:
            assert connection.execute("SELECT count(*) FROM events").fetchone() == (rows,)


def test_a_database_that_another_process_has_just_created_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    path.write_bytes(b"theirs")
    _write_new(str(path), b"ours")
    assert path.read_bytes() == b"theirs"
    assert [*tmp_path.iterdir()] == [path]


def test_where_nothing_can_be_written_dagster_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    def create(path: str) -> None:
        Path(path).touch()

    copying = _copying(create, str)
    copying(str(tmp_path / "first.db"))
    with pytest.raises(NotADirectoryError):
        copying(str(tmp_path / "file" / "second.db"))
