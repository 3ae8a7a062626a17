"""Warnings of what comes with dagster-dbt."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("extra", ["sqlglotrs", "sqlglot[rs]"])
def test_a_process_with_models_does_not_warn_of_what_dagster_dbt_installs(extra: str) -> None:
    program = f"""
import warnings, cascade.dbt
warnings.warn("{extra} is deprecated and no longer compatible with sqlglot.")
warnings.warn("sqlglot is slow.")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "sqlglot is slow" in done.stderr
    assert "deprecated" not in done.stderr
