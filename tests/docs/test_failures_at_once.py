"""A run of the end-to-end tests that is cut off has printed what failed until then."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from docs.conftest import REPOSITORY

TESTS = """
import os


def test_that_fails():
    print("seen", "on the way")
    assert "found" == "expected"


def test_that_is_cut_off():
    if {cut_off}:
        os._exit(9)
"""


@pytest.mark.parametrize("cut_off", [True, False])
def test_a_failure_is_printed_when_it_happens_and_once(tmp_path: Path, cut_off: bool) -> None:
    (tmp_path / "test_it.py").write_text(TESTS.format(cut_off=cut_off))
    (tmp_path / "conftest.py").write_bytes((REPOSITORY / "tests" / "conftest.py").read_bytes())
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == (9 if cut_off else 1), done.stdout + done.stderr
    assert done.stdout.count("call of test_it.py::test_that_fails") == 1
    assert done.stdout.count("seen on the way") == 1
    assert done.stdout.count("E       AssertionError") == 1, done.stdout
