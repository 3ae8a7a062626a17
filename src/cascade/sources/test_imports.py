"""A workflow that imports the readers does not load what they read with."""

from __future__ import annotations

import subprocess
import sys

import cascade.sources.files

HEAVY = ("charset_normalizer", "dagster", "duckdb", "numpy", "polars", "pyarrow", "pydantic")


def test_importing_the_readers_loads_nothing_heavy() -> None:
    code = f"import sys, {cascade.sources.files.__name__}; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}; {code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"
