"""Output without the path of the sandbox."""

from __future__ import annotations

import pytest

from cascade_pants.engine.sandbox_paths import without_sandbox_paths


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "/tmp/pants-sandbox-a1B2/src/w/a.py:3: the table is declared at /tmp/pants-sandbox-a1B2/src/w/b.py:4.",
            "src/w/a.py:3: the table is declared at src/w/b.py:4.",
        ),
        (
            "a.py:1: from /usr/lib/x.py (see '/private/var/T/pants-sandbox-Zz/src/w/b.py')",
            "a.py:1: from /usr/lib/x.py (see 'src/w/b.py')",
        ),
        ("file:///tmp/pants-sandbox-a/src/b.py=/tmp/pants-sandbox-a/src/c.py", "file://src/b.py=src/c.py"),
        ("in /tmp/pants-sandbox-a1: nothing", "in : nothing"),
        ("one\ntwo /pants-sandbox-a/x\n", "one\ntwo x\n"),
        ("/tmp/other/src/a.py", "/tmp/other/src/a.py"),
    ],
)
def test_each_path_of_a_line_loses_only_the_sandbox(line: str, expected: str) -> None:
    assert without_sandbox_paths(line.encode()) == expected
