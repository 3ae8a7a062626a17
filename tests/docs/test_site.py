"""The site builds, from a clean start and without a warning."""

from __future__ import annotations

import subprocess

from docs.conftest import REPOSITORY


def test_the_site_builds_without_a_warning() -> None:
    done = subprocess.run(["scripts/docs"], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for page in ("index", "quickstart", "guides/workflows", "reference/python"):
        assert (REPOSITORY / "dist" / "docs" / f"{page}.html").is_file()
