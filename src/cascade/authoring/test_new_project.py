"""What `init` writes and reports, without the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from cascade.authoring.new_project import create_project
from cascade.exceptions import UsageError


def test_a_project_is_written_with_the_commands_to_type_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    new = create_project("shop", "minimal", force=False, asking=False, program="cascade")
    assert (new.root, new.request.distribution, new.repository) == (tmp_path / "shop", "shop", None)
    assert all((new.root / path).is_file() for path in new.written.created)
    assert list(new.notes()) == []
    assert [command for command, _ in new.next_commands("./cascade.pex")][:2] == [
        "cd shop",
        "./cascade.pex materialize air_quality_observations --partition 2024-01-01",
    ]


def test_settings_that_pants_needs_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pants.toml").write_text("")
    new = create_project("shop", "minimal", force=False, asking=False, program="cascade")
    assert new.repository == tmp_path
    assert "cascade_pants" in new.missing_settings
    (tmp_path / "pants.toml").write_text(new.missing_settings)
    assert new.missing_settings == ""


def test_without_a_name_the_hint_has_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as caught:
        create_project(None, None, force=False, asking=False, program="cascade")
    assert "cascade init my-project" in str(caught.value.hint)
