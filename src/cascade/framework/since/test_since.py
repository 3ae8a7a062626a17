"""What the changes since a commit affect in a project without Pants."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from cascade.exceptions import UsageError
from cascade.framework.since import requirements
from cascade.framework.since.affected import Affected, affected_since

FILES = {
    "workflows/flights/flights.py": "from workflows.shared.dates import day\n\n# Text.\nFLIGHTS = day\n",
    "workflows/flights/data/flights.csv": "id\n1\n",
    "workflows/weather/weather.py": "import yaml\n\nWEATHER = 1\n",
    "workflows/shared/dates.py": "from workflows.shared.deep import base\n\nday = base\n",
    "workflows/shared/deep.py": "base = 1\n",
    "pyproject.toml": '[project]\nname = "shop"\ndependencies = ["pyyaml"]\n',
    "transforms/dbt/dbt_project.yml": "name: shop\nversion: '1'\nprofile: shop\n",
    "transforms/dbt/macros/money.sql": "{% macro money(column) %}{{ column }} / 100{% endmacro %}",
    "transforms/dbt/models/a.sql": "select {{ money('cents') }} as money from {{ source('raw', 'flights') }}",
    "transforms/dbt/models/b.sql": "select * from {{ ref('a') }}",
    "transforms/dbt/models/c.sql": "select 1 as id",
    "transforms/dbt/models/sources.yml": "sources: [{name: raw, tables: [{name: flights}]}]",
}
LOCK = '[[package]]\nname = "{0}"\nversion = "{1}"\n[[package]]\nname = "pyyaml"\nversion = "6"\ndependencies = [{2}]\n'


def git(root: Path, *words: str) -> None:
    author = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    subprocess.run(["git", *author, *words], cwd=root, check=True, capture_output=True)


@pytest.fixture(params=["", "a project"])
def root(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Return a committed project: a repository of its own, or a directory of one."""
    place = tmp_path / "repository" / str(request.param)
    place.mkdir(parents=True)
    write(place, FILES)
    git(tmp_path / "repository", "init", "-q")
    git(tmp_path / "repository", "add", ".")
    git(tmp_path / "repository", "commit", "-qm", "first")
    return place


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def affected(root: Path, since: str = "HEAD") -> Affected:
    modules = {
        ".".join(file.relative_to(root).with_suffix("").parts): file for file in (root / "workflows").rglob("*.py")
    }
    return affected_since(root, since, modules, root / "transforms/dbt")


def names(found: Affected) -> tuple[set[str], set[str]]:
    return {module.rpartition(".")[2] for module in found.modules}, {file.stem for file in found.dbt_files}


def test_nothing_is_affected_without_a_change_that_counts(root: Path) -> None:
    assert names(affected(root)) == (set(), set())
    write(root, {"README.md": "Text.", "workflows/flights/flights.py": FILES["workflows/flights/flights.py"] + "#\n"})
    assert names(affected(root)) == (set(), set())


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"workflows/shared/deep.py": "base = 2\n"}, ({"deep", "dates", "flights"}, set())),
        ({"workflows/flights/data/flights.csv": "id\n2\n"}, ({"flights"}, set())),
        ({"workflows/flights/data/more.csv": "id\n2\n"}, ({"flights"}, set())),
        ({"workflows/new.py": "x = 1\n"}, ({"new"}, set())),
        ({"cascade_config.py": "x = 1\n"}, ({"deep", "dates", "flights", "weather"}, set())),
        (
            {"transforms/dbt/macros/money.sql": "{% macro money(c) %}{{ c }}{% endmacro %}"},
            (set(), {"money", "a", "b"}),
        ),
        ({"transforms/dbt/models/a.sql": "select 2 as money"}, (set(), {"a", "b"})),
        ({"transforms/dbt/models/new.sql": "select * from {{ ref('c') }}"}, (set(), {"new"})),
    ],
)
def test_a_change_affects_what_needs_the_file(
    root: Path, change: dict[str, str], expected: tuple[set[str], set[str]]
) -> None:
    write(root, change)
    assert names(affected(root)) == expected


def test_what_needed_a_deleted_file_is_affected(root: Path) -> None:
    git(root, "rm", "-q", "workflows/shared/deep.py")
    os.unlink(root / "workflows/flights/data/flights.csv")
    found = affected(root)
    assert names(found) == ({"dates", "flights"}, set())
    assert found.modules["workflows.shared.dates"] == (
        "it imports workflows.shared.deep: workflows/shared/deep.py was deleted"
    )
    git(root, "mv", "transforms/dbt/macros/money.sql", "transforms/dbt/macros/moved.sql")
    found = affected(root)
    assert found.dbt_files[root / "transforms/dbt/models/b.sql"].endswith(("which was deleted", "which is new"))
    assert names(found)[1] == {"moved", "a", "b"}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (LOCK.format("numpy", "1", ""), LOCK.format("numpy", "2", ""), set()),
        (LOCK.format("numpy", "1", '{name = "numpy"}'), LOCK.format("numpy", "2", '{name = "numpy"}'), {"weather"}),
        (LOCK.format("numpy", "1", ""), "not a lockfile", {"deep", "dates", "flights", "weather"}),
    ],
)
def test_a_lockfile_affects_what_uses_what_it_locks_otherwise(
    root: Path, before: str, after: str, expected: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requirements, "requirements_of", lambda packages: ["PyYAML==6"] if "yaml" in packages else [])
    write(root, {"uv.lock": before})
    git(root, "add", ".")
    git(root, "commit", "-qm", "lock")
    write(root, {"uv.lock": after})
    assert names(affected(root))[0] == expected
    # With a lockfile, the requirements of the project are only what it was made from.
    write(root, {"uv.lock": before, "pyproject.toml": FILES["pyproject.toml"].replace("pyyaml", "pyyaml>5")})
    assert names(affected(root))[0] == set()


def test_other_files_of_requirements_affect_every_module(root: Path) -> None:
    write(root, {"pyproject.toml": FILES["pyproject.toml"] + "[tool.ruff]\nline-length = 1\n"})
    assert names(affected(root))[0] == set()
    everything = {"deep", "dates", "flights", "weather"}
    changes: list[dict[str, str]] = [
        {"pyproject.toml": FILES["pyproject.toml"].replace("pyyaml", "pyyaml>5")},
        {"pyproject.toml": FILES["pyproject.toml"] + "[tool.cascade]\nx = 1\n"},
        {"pyproject.toml": FILES["pyproject.toml"], "requirements.txt": "pyyaml==6\n"},
    ]
    for change in changes:
        write(root, change)
        found = affected(root)
        assert names(found)[0] == everything, change
        [reason] = set(found.modules.values())
        assert reason.startswith(f"its requirements may be others: {next(reversed(change))} ")


def test_the_working_tree_is_compared_with_what_both_have_in_common(root: Path) -> None:
    git(root, "branch", "before")
    write(root, {"workflows/weather/weather.py": "WEATHER = 2\n"})
    git(root, "commit", "-qam", "second")
    git(root, "checkout", "-q", "before")
    write(root, {"transforms/dbt/models/c.sql": "select 2 as id"})
    git(root, "commit", "-qam", "third")
    assert names(affected(root, "HEAD@{1}")) == (set(), {"c"})
    assert names(affected(root, "before")) == (set(), set())


@pytest.mark.parametrize("since", ["nowhere", "--help", "", "HEAD^"])
def test_a_commit_that_does_not_exist_is_told(root: Path, since: str) -> None:
    with pytest.raises(UsageError, match="names no commit of this repository"):
        affected(root, since)


def test_what_git_cannot_tell_is_told(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True).stdout.strip()
    git(root, "checkout", "-q", "--orphan", "other")
    git(root, "commit", "-qm", "other")
    with pytest.raises(UsageError, match=r"no commit in common.*`git fetch --unshallow`"):
        affected(root, first)
    (tmp_path / "bare").mkdir()
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    with pytest.raises(UsageError, match="not a git repository"):
        affected_since(tmp_path / "bare", "HEAD", {}, tmp_path / "none")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UsageError, match="there is no `git` on PATH"):
        affected(root)
