from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from cascade.temporary_directory import temporary_directory, temporary_directory_hint


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (OSError(28, "No space left on device"), "Free some space there"),
        (PermissionError(13, "Permission denied"), "Set TMPDIR to a directory that you can write to."),
        (
            FileNotFoundError(2, "No usable temporary directory found"),
            "Set TMPDIR to a directory that you can write to.",
        ),
    ],
)
def test_the_advice_fits_the_error(error: OSError, advice: str) -> None:
    assert temporary_directory_hint(error).startswith(advice)


def test_a_directory_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert temporary_directory() == str(tmp_path)

    def none_found() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", none_found)
    monkeypatch.setenv("TMPDIR", "/missing")
    assert temporary_directory() == "/missing"
