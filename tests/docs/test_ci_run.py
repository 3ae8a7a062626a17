"""`.ci/run` runs every step, shows what both of its lanes print, and fails if a step of either lane fails."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from docs.conftest import REPOSITORY
from processes import Finished, run

# Each prints its name and arguments, and fails if they match a line of `failing`.
FAKE = """\
#!/bin/sh
echo "ran ${0##*/} $*"
! echo "${0##*/} $*" | grep -q -f failing
"""
FAKES = ("pants", "e2e", "find-python", "install-wheel", "lint", "servers", "test-runtime", "python")
WITH_PANTS = {
    "install-wheel",
    "pants test ::",
    "python -",
    "pants tailor --check ::",
    "pants check ::",
    "pants lint ::",
    "e2e tests/e2e",
}
OTHERS = {
    "lint",
    "test-runtime lowest",
    "test-runtime 14",
    "servers -k TestSite or commands or killed_backfill or kubernetes or catalog_table",
    "e2e tests/standalone tests/docs --numprocesses 1",
}


def ci(directory: Path, *failing: str) -> tuple[Finished, set[str]]:
    """Run `.ci/run` with fakes of its steps, of which some fail; return the result and the steps that ran."""
    for place in (".ci", "scripts", "bin"):
        (directory / place).mkdir()
        for name in FAKES:
            fake = directory / place / name
            fake.write_text(FAKE)
            fake.chmod(0o755)
    shutil.copy2(REPOSITORY / ".ci" / "run", directory / ".ci")
    (directory / "scripts" / "venv").write_text(f"#!/bin/sh\necho {directory}\n")
    (directory / "scripts" / "venv").chmod(0o755)
    (directory / "failing").write_text("".join(f"^{start}\n" for start in failing))
    (directory / "tmp").mkdir()
    finished = run([".ci/run"], directory, {"PATH": "/usr/bin:/bin", "TMPDIR": str(directory / "tmp")})
    assert list((directory / "tmp").iterdir()) == []
    ran = [line.removeprefix("ran ") for line in finished.out.splitlines() if line.startswith("ran ")]
    # The wheel is installed into a directory of this run.
    steps = [step.partition(f" {directory}/tmp")[0].strip() for step in ran]
    assert len(steps) == len(set(steps)), steps
    return finished, set(steps)


def test_every_step_runs_once(tmp_path: Path) -> None:
    finished, steps = ci(tmp_path)
    assert finished.ok().out.endswith("All steps passed.\n")
    assert steps == WITH_PANTS | OTHERS


@pytest.mark.parametrize("step", ["pants test", "e2e tests/e2e"])
def test_a_step_of_pants_that_fails_leaves_the_other_lane_to_end(tmp_path: Path, step: str) -> None:
    finished, steps = ci(tmp_path, step)
    assert finished.code == 1
    assert finished.err.endswith("A step failed.\n")
    assert steps >= OTHERS
    assert steps - OTHERS == (WITH_PANTS if step == "e2e tests/e2e" else {"install-wheel", "pants test ::"})


@pytest.mark.parametrize("step", ["lint", "e2e tests/standalone"])
def test_a_step_of_the_other_lane_that_fails_leaves_pants_to_end(tmp_path: Path, step: str) -> None:
    finished, steps = ci(tmp_path, step)
    assert finished.code == 1
    assert finished.err.endswith("A step failed.\n")
    assert steps >= WITH_PANTS
    assert steps - WITH_PANTS == (OTHERS if step == "e2e tests/standalone" else {"lint"})


def test_the_other_lane_does_not_wait_for_a_wheel_that_cannot_be_built(tmp_path: Path) -> None:
    finished, steps = ci(tmp_path, "install-wheel")
    assert finished.code == 1
    assert "scripts/e2e did not run, because the wheel was not installed." in finished.out
    assert steps == {"install-wheel"} | {step for step in OTHERS if not step.startswith("e2e")}
