"""A release with a missing file, a wrong version or a link that leads nowhere is refused before it is published."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest
from docs.conftest import REPOSITORY
from processes import Finished, run

LINKS = "".join(
    f"Project-URL: {label}, https://code.example/\n" for label in ("Changelog", "Documentation", "Issues", "Source")
)
CONTENT = {
    "cascade_workflows": (
        "cascade/py.typed",
        "cascade/scaffold/example_projects/nyc/workflows/nyc_flights/data/flights.parquet",
    ),
    "cascade_pants_plugin": ("cascade_pants/register.py", "cascade_pants/reader/tables.py"),
}


def metadata(name: str, links: str = LINKS, text: str = "[Docs](https://code.example/docs)") -> str:
    return f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.2.3\n{links}\n{text}\n"


def write_release(directory: Path, **changed: str) -> None:
    """Write both distributions in version 1.2.3, with the given metadata for some of them."""
    for name, files in CONTENT.items():
        information = changed.get(name, metadata(name))
        with zipfile.ZipFile(directory / f"{name}-1.2.3-py3-none-any.whl", "w") as wheel:
            for file in files:
                wheel.writestr(file, "")
            wheel.writestr(f"{name}-1.2.3.dist-info/METADATA", information)
        with tarfile.open(directory / f"{name}-1.2.3.tar.gz", "w:gz") as sdist:
            for file, text in {"pyproject.toml": "", "LICENSE": "", "PKG-INFO": information}.items():
                entry = tarfile.TarInfo(f"{name}-1.2.3/{file}")
                entry.size = len(text.encode())
                sdist.addfile(entry, io.BytesIO(text.encode()))


def refused(directory: Path) -> str:
    checked: Finished = run(["scripts/check-distributions", str(directory), "1.2.3"], REPOSITORY, os.environ)
    assert checked.code == 1, checked
    return checked.err


def test_missing_and_foreign_files_are_named(tmp_path: Path) -> None:
    write_release(tmp_path)
    (tmp_path / "cascade_workflows-1.2.3.tar.gz").rename(tmp_path / "cascade_workflows-1.2.2.tar.gz")
    said = refused(tmp_path)
    assert "cascade_workflows-1.2.3.tar.gz is missing" in said
    assert "cascade_workflows-1.2.2.tar.gz does not belong to the release of 1.2.3" in said


@pytest.mark.parametrize(
    ("information", "expected"),
    [
        (metadata("cascade_workflows", links=""), "Set CASCADE_REPOSITORY_URL when you build it."),
        (metadata("cascade_workflows", text="[Docs](docs/index.md)"), "leads nowhere on an index: docs/index.md"),
    ],
)
def test_links_that_an_index_cannot_follow_are_refused(tmp_path: Path, information: str, expected: str) -> None:
    write_release(tmp_path, cascade_workflows=information)
    assert expected in refused(tmp_path)


def test_a_wheel_without_the_examples_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CONTENT, "cascade_workflows", CONTENT["cascade_workflows"][:1])
    write_release(tmp_path)
    assert "lacks cascade/scaffold/example_projects/nyc" in refused(tmp_path)
