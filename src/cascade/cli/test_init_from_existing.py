"""`init --from-existing` makes a project of today from an older one, and leaves that as it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from legacy.project import write_legacy_project

from cascade.cli.conftest import Cascade, commit
from cascade.migration.tree import Tree


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: None) -> Path:
    """Change to a project in the old layout."""
    root = write_legacy_project(tmp_path / "old").root
    monkeypatch.chdir(root)
    return root


def content(root: Path) -> dict[str, bytes]:
    return {path: (root / path).read_bytes() for path in Tree(root).paths()}


def test_a_project_is_made_of_the_one_here(old: Path, tmp_path: Path) -> None:
    (old / "lake").mkdir()
    (old / "lake/rows.parquet").write_bytes(b"many rows")
    commit(old)
    (old / ".env").chmod(0o600)
    (old / ".git/info/exclude").write_text(".env.local\n")
    (old / ".env.local").write_text("TOKEN=x\n")
    (old / ".gitignore").write_text("*.parquet\n")
    before = content(old)
    result = Cascade()("init", str(tmp_path / "our new lake"), "--from-existing")
    assert result.exit_code == 0, result.output
    assert content(old) == before
    new = content(tmp_path / "our new lake")
    assert "workflows/ingestion/weather/observations.py" in new
    assert b'project_name = "our-new-lake"' in new["pyproject.toml"]
    assert b"CASCADE_POSTGRES_USER=lake" in new[".env"]
    assert new[".gitignore"].decode().split() == ["*.parquet", ".cascade/", ".env", ".env.local"]
    assert (tmp_path / "our new lake/.env").stat().st_mode & 0o777 == 0o600
    assert not [path for path in new if path.startswith(("src/", "lake/", ".git/"))]
    assert result.stdout.splitlines()[-4:] == [
        "Next:",
        "  cd '../our new lake'",
        "  cascade validate",
        "  cascade test",
    ]


def test_a_project_inside_the_old_one_does_not_contain_itself(old: Path) -> None:
    for name in ("first", "second"):
        document = json.loads(Cascade()("init", name, "--from-existing", ".", "--json").stdout)
        assert document["into"] == str(old / name)
    assert (old / "second/first/workflows").is_dir()
    assert not (old / "second/second").exists()


def test_a_project_in_a_pants_repository_gets_build_files(old: Path, tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    repository.mkdir()
    (repository / "pants.toml").write_text("[GLOBAL]\n")
    result = Cascade()("init", str(repository / "lake"), "--from-existing")
    assert result.exit_code == 0, result.output
    assert "cascade_project" in (repository / "lake/BUILD").read_text()
    assert "Add these settings to" in result.stdout
    assert {path.name for path in repository.iterdir()} == {"pants.toml", "lake"}


def test_an_interrupted_one_is_finished(old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new = str(tmp_path / "new")
    with monkeypatch.context() as patched:
        patched.setattr("cascade.migration.applying.finish", lambda root: ())
        Cascade()("init", new, "--from-existing")
    result = Cascade()("init", new, "--from-existing")
    assert (result.exit_code, f"cascade migrate {new} --apply" in result.stderr) == (2, True)
    result = Cascade()("migrate", new, "--apply")
    assert result.exit_code == 0, result.output
    assert "You must decide:" in result.stdout
    assert (tmp_path / "new/workflows/ingestion/weather/observations.py").is_file()


def test_wrong_use_writes_nothing(old: Path, tmp_path: Path) -> None:
    for words, text in (
        (["new", "--from-existing", str(tmp_path)], "not a project in the layout"),
        ([".", "--from-existing"], "cascade migrate"),
        (["src", "--from-existing"], "not empty"),
        (["new", "--from-existing", "--template", "basic"], "takes no --template"),
        (["--from-existing"], "needs a name"),
    ):
        result = Cascade()("init", *words)
        assert result.exit_code == 2, result.output
        assert text in result.stderr
    assert not (old / "new").exists()
