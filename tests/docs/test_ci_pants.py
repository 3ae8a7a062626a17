"""`.ci/pants` retries Pants' race between writing a script and starting it, once, and nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from docs.conftest import REPOSITORY
from processes import Finished, run

RACE = (
    "Exception: Error launching process after 1 retry for ETXTBSY. "
    'Final error was: Os { code: 22, kind: InvalidInput, message: "Invalid argument" }'
)
FAILED_TEST = "✕ src/a/test_b.py:tests failed in 1.00s."
# Each call fails with the next line of `failures`, and succeeds once none is left.
FAKE = """\
#!/bin/sh
echo "$@" >>calls
told=$(sed -n "$(wc -l <calls)p" failures)
echo "out: $1"
if [ -n "$told" ]; then printf '%b\\n' "$told" >&2; exit 3; fi
"""


def attempt(directory: Path, *failures: str) -> tuple[Finished, list[str]]:
    """Run `.ci/pants` with a Pants that fails in these ways, in turn; return the result and the calls of Pants."""
    (directory / ".ci").mkdir()
    shutil.copy2(REPOSITORY / ".ci" / "pants", directory / ".ci")
    (directory / "failures").write_text("".join(f"{failure}\n" for failure in failures))
    fake = directory / "pants"
    fake.write_text(FAKE)
    fake.chmod(0o755)
    finished = run([".ci/pants", "test", "::"], directory, {"PATH": "/usr/bin:/bin"})
    return finished, (directory / "calls").read_text().splitlines()


def test_a_success_is_not_repeated(tmp_path: Path) -> None:
    finished, calls = attempt(tmp_path)
    assert (finished.code, finished.out, finished.err) == (0, "out: test\n", "")
    assert calls == ["test ::"]


def test_the_race_is_retried_once_and_reported(tmp_path: Path) -> None:
    finished, calls = attempt(tmp_path, RACE)
    assert finished.ok().out == "out: test\nout: test\n"
    assert RACE in finished.err
    assert "Starting ./pants test :: again, once." in finished.err
    assert calls == ["test ::", "test ::"]


def test_losing_the_race_twice_fails(tmp_path: Path) -> None:
    finished, calls = attempt(tmp_path, RACE, RACE)
    assert finished.code == 3
    assert len(calls) == 2


@pytest.mark.parametrize(
    "failure",
    [
        FAILED_TEST,
        "ETXTBSY",
        "Error launching process: No such file or directory",
        RACE.replace("Invalid argument", "No such file or directory"),
        f"{FAILED_TEST}\\n{RACE}",
        f"12:00:00.00 [ERROR] Completed: Run Pytest - src/a/test_b.py:tests - failed (exit code 1).\\n{RACE}",
    ],
    ids=["test", "word", "other error", "other reason", "test and race", "log of a test and race"],
)
def test_no_other_failure_is_retried(tmp_path: Path, failure: str) -> None:
    finished, calls = attempt(tmp_path, failure)
    assert finished.code == 3
    assert "again" not in finished.err
    assert len(calls) == 1
