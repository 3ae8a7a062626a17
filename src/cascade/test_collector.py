from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cascade.collector import collector_paused


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    gc.enable()


def test_the_collector_does_not_run_until_the_libraries_are_loaded() -> None:
    with collector_paused():
        assert not gc.isenabled()
        with collector_paused():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()


def test_an_error_while_loading_starts_it_again() -> None:
    with pytest.raises(ImportError), collector_paused():
        raise ImportError
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    with collector_paused():
        pass
    assert not gc.isenabled()


_COMMAND = """
import gc
from cascade.collector import collector_paused
with collector_paused(for_good=True):
    loaded = [[] for _ in range(1000)]
print(len(gc.get_objects()) < 1000, gc.isenabled())
frozen = gc.get_freeze_count()
with collector_paused(for_good=True):
    more = [[] for _ in range(1000)]
print(gc.get_freeze_count() == frozen)
"""


def test_what_a_command_loads_for_good_is_never_visited_and_only_the_first_time() -> None:
    source = Path(__file__).parents[1]
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(source)!r}){_COMMAND}"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["True", "True", "True"]
