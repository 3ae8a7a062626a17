"""The site builds from scratch without a warning."""

from __future__ import annotations

import re
import subprocess

from docs.conftest import REPOSITORY

SITE = REPOSITORY / "dist" / "docs"


def test_the_site_builds_without_a_warning() -> None:
    done = subprocess.run(["scripts/docs"], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for page in ("index", "quickstart", "guides/workflows"):
        assert (SITE / f"{page}.html").is_file()
    # The dashes of an option stay as they are.
    assert ">--type<" in (SITE / "reference" / "pants.html").read_text(encoding="utf-8")
    python = re.sub(r"</?span[^>]*>", "", (SITE / "reference" / "python.html").read_text(encoding="utf-8"))
    # Indented lines of a docstring are code, and the decorator's arguments show their types and defaults.
    assert re.search(r"<pre>[^/]*├── UsageError +invalid usage", python)
    assert "partition_timezone: str = 'UTC'" in python
