"""Reading back what pytest writes with `--junitxml`."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

_OUTCOMES = {"failure": "failed", "error": "error", "skipped": "skipped"}


def read_report(path: Path) -> dict[str, Any]:
    """Reads a report of pytest in the format `xunit1`.

    Args:
        path: the file.

    Returns:
        The number of tests of each outcome, `passed`, `failed`, `error` and `skipped`, the `seconds` of all, and
        `tests`: for each its `name`, `file`, `line`, `outcome`, `seconds` and, unless it passed, `message`.
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
