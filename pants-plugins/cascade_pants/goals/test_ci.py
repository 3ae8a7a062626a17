"""The goal that runs what a change touches."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from pants.core import register as core
from pants.core.goals.run import RunRequest
from pants.engine.fs import EMPTY_DIGEST, Digest

from cascade_pants import register
from cascade_pants.affected.testing import Place, affected_rules
from cascade_pants.goals.ci import CascadeCi, ci_arguments, ci_process
from cascade_pants.goals.projects import WRONG_USE
from cascade_pants.goals.test_affected import OPTIONS
from cascade_pants.testing import RUNTIME, rule_runner, workflow

AFFECTED = Digest("a" * 64, 1)


def options(**given: Any) -> Any:
    return SimpleNamespace(**{"partitions": 1, "summary": None, "keep": False, "dry_run": False, **given})


def test_a_project_reads_what_is_affected_from_its_sandbox() -> None:
    request = RunRequest(
        digest=EMPTY_DIGEST, args=["{chroot}/dev.pex"], extra_env={"A": "1"}, append_only_caches={"pex_root": "caches"}
    )
    arguments = ci_arguments(options(), "/repository", "dev", several=False)
    process = ci_process(request, arguments, AFFECTED, {"A": "0", "B": "2"})
    assert process.process.argv == (
        *("{chroot}/dev.pex", "ci", "--affected", "{chroot}/__cascade_ci/affected.json"),
        *("--partitions", "1"),
    )
    assert dict(process.process.env) == {"A": "1", "B": "2"}
    assert dict(process.process.immutable_input_digests) == {"__cascade_ci": AFFECTED}


def test_each_of_several_projects_has_a_summary() -> None:
    given = options(summary="out/ci.md", keep=True, dry_run=True, partitions=3)
    alone = ci_arguments(given, "/repository", "dev", several=False)[3:]
    assert alone == ("--partitions", "3", "--summary", "/repository/out/ci.md", "--keep", "--dry-run")
    assert "/repository/out/ci.dev.md" in ci_arguments(given, "/repository", "dev", several=True)


@pytest.fixture(scope="module")
def repository() -> Place:
    files = {**RUNTIME, **workflow("weather", "weather"), "BUILD": "cascade_project(name='dev')", "README.md": ""}
    everything = [*affected_rules(), *register.rules(), *core.rules()]  # type: ignore[no-untyped-call]
    made = Place(rule_runner(everything), files)
    made.runner.write_files({"README.md": "a|b"})
    return made


def test_what_touches_no_project_runs_nothing(repository: Place) -> None:
    done = repository.runner.run_goal_rule(CascadeCi, args=["--since=main"], global_args=OPTIONS)
    assert (done.exit_code, done.stdout) == (0, "The changes since main touch no project.\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Say what to compare with"),
        (["--since=main", "--partitions=0"], "--partitions=0 is not a number of partitions"),
        (["--since=nothing"], "nothing"),
    ],
)
def test_what_is_wrong_is_explained(repository: Place, arguments: list[str], message: str) -> None:
    done = repository.runner.run_goal_rule(CascadeCi, args=arguments, global_args=OPTIONS)
    assert done.exit_code == WRONG_USE and message in done.stderr
