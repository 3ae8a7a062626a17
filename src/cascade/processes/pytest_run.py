"""Run the project's tests with pytest in a child process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from cascade.exceptions import CascadeError
from cascade.framework.modules import import_root
from cascade.legacy.layout import is_legacy_package
from cascade.processes.children import child_environment, source_paths

if TYPE_CHECKING:
    from cascade.config import CascadeConfig

USAGE_ERROR, NO_TESTS = 4, 5
"""Exit codes of pytest."""

_PLUGIN = "cascade.testing.plugin"
_OUTCOMES = {"failure": "failed", "error": "error", "skipped": "skipped"}


def require_pytest() -> None:
    """Raise a `CascadeError` if pytest is not installed."""
    if find_spec("pytest") is None:
        raise CascadeError("pytest is not installed.", hint="Type: pip install 'cascade-workflows[testing]'")


def pytest_words(root: Path, files: Iterable[Path], arguments: Iterable[str]) -> list[str]:
    """Return the arguments for pytest, which runs in the project's root.

    Args:
        root: the project's root.
        files: the test files to run; all tests if there are none.
        arguments: what the user typed for pytest, with paths relative to the working directory.
    """
    installed = any(entry.value == _PLUGIN for entry in entry_points(group="pytest11"))
    plugin = [] if installed else ["-p", _PLUGIN]
    chosen = [os.path.relpath(path, root) for path in files]
    return [*plugin, *chosen, *(_from_root(word, root) for word in arguments)]


def _from_root(word: str, root: Path) -> str:
    path, separator, rest = word.partition("::")
    if word.startswith("-") or not path or (root / path).exists() or not Path(path).exists():
        return word
    return f"{os.path.relpath(Path(path).absolute(), root)}{separator}{rest}"


def run_pytest(words: Sequence[str], config: CascadeConfig) -> int:
    """Run pytest in the project's root, with the project's settings, and return its exit code.

    Args:
        words: the arguments for pytest.
        config: the settings of the project.
    """
    root = str(config.project_root)
    if is_legacy_package(config.workflows_directory):
        # Its directory `src` on the import path would hide the installed package. Cascade's plugin finds its modules.
        own, words = [], ["-o", "pythonpath=.", *words]
    else:
        own = [str(import_root(config.workflows_directory))]
    paths = dict.fromkeys([*own, root, *source_paths()])
    environment = child_environment(CASCADE_PROJECT_ROOT=root, PYTHONPATH=os.pathsep.join(paths))
    process = subprocess.Popen([sys.executable, "-m", "pytest", *words], cwd=root, env=environment)
    # Ctrl-C reaches pytest too, which then ends and prints its results so far.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return process.wait()
    finally:
        signal.signal(signal.SIGINT, before)


def run_pytest_for_report(words: Sequence[str], config: CascadeConfig) -> tuple[int, dict[str, Any]]:
    """Run pytest as `run_pytest` does, and return its exit code and its report.

    Args:
        words: the arguments for pytest.
        config: the settings of the project.

    Returns:
        The exit code, and the result of `read_report`, which has no tests if pytest wrote no report.
    """
    with tempfile.TemporaryDirectory(prefix="cascade-") as directory:
        path = Path(directory) / "report.xml"
        code = run_pytest([*words, f"--junitxml={path}", "-o", "junit_family=xunit1"], config)
        return code, read_report(path) if path.is_file() else {"tests": []}


def read_report(path: Path) -> dict[str, Any]:
    """Read a report that pytest wrote with `--junitxml` in the format `xunit1`.

    Args:
        path: the file.

    Returns:
        The number of tests of each outcome (`passed`, `failed`, `error` and `skipped`), the total `seconds`, and
        `tests`: the `name`, `file`, `line`, `outcome`, `seconds` and, unless it passed, `message` of each test.
    """
    tests = [_test(case) for case in ElementTree.parse(path).iter("testcase")]
    counts = {name: sum(test["outcome"] == name for test in tests) for name in ("passed", *_OUTCOMES.values())}
    return {**counts, "seconds": round(sum(test["seconds"] for test in tests), 3), "tests": tests}


def _test(case: ElementTree.Element) -> dict[str, Any]:
    ended = next((child for child in case if child.tag in _OUTCOMES), None)
    line = case.get("line")
    return {
        "name": case.get("name"),
        "file": case.get("file"),
        "line": int(line) + 1 if line is not None else None,
        "outcome": _OUTCOMES[ended.tag] if ended is not None else "passed",
        "seconds": float(case.get("time", 0)),
        "message": ended.get("message") if ended is not None else None,
    }
