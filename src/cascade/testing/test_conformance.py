"""The suite that users run finds its tests by its name, passes, and leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from cascade.framework.resources import throwaway_config
from cascade.iceberg import open_lakehouse
from cascade.scaffold.conftest import python
from cascade.testing import conformance


def pytest_of(project: Path, *options: str, **variables: str) -> str:
    command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    result = python(project, *command, CASCADE_PROJECT_ROOT=str(project), **variables)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_the_suite_passes_by_its_name_and_leaves_nothing_behind(tmp_path: Path) -> None:
    # `trials` has the tests of kills and races, with more of them.
    words = ["--pyargs", "cascade.testing.conformance", "-k", "not is_killed and not G3 and not beside_writers"]
    assert "passed" in pytest_of(tmp_path, *words)
    catalog = open_lakehouse(throwaway_config(tmp_path)).catalog
    assert list(catalog.list_namespaces()) == []
    left = [path for path in (tmp_path / ".cascade").rglob("*") if path.is_file()]
    assert [path.name for path in left] == ["catalog.db"]


OURS = """
from pathlib import Path

import pytest
from cascade.framework.resources import throwaway_config
from cascade.testing import conformance


class TestOurs(conformance.TestG2CrashSafe):
    kills = 2

    @pytest.fixture
    def lakehouse_settings(self):
        return throwaway_config(Path("elsewhere"))
"""


def test_a_subclass_tests_another_lakehouse(tmp_path: Path) -> None:
    (tmp_path / "test_ours.py").write_text(OURS)
    printed = pytest_of(tmp_path, "test_ours.py", "-k", "is_killed and merge_daily_incremental")
    assert "1 passed" in printed
    assert (tmp_path / "elsewhere/.cascade/catalog.db").exists()
    assert not (tmp_path / ".cascade").exists()


@pytest.mark.parametrize("promise", ["G1", "G2", "G3", "G4", "G5", "G6", "G7", "G9"])
def test_each_promise_has_a_documented_class(promise: str) -> None:
    classes = [value for name, value in vars(conformance).items() if name.startswith(f"Test{promise}")]
    assert len(classes) == 1
    assert classes[0].__doc__
