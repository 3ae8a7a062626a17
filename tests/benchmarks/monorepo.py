"""How long Pants takes to know a monorepo of Cascade workflows, against the same code as plain `python_sources`.

    python tests/benchmarks/monorepo.py                  1,000 workflows
    python tests/benchmarks/monorepo.py --workflows 100  fewer, to try it
    python tests/benchmarks/monorepo.py --workflows 5000 --entries 500 --repeats 2
                                                         a project that lists 500 directories, of 5,000

It generates two repositories in a temporary directory, with the same Python files in each:

- *cascade*: a `cascade_workflow()` in every directory and one `cascade_project(name="dev")`.
- *plain*: `python_sources()` and `python_tests()` in every directory, and a hand-written registry which imports every
  module, as one would write without Cascade. Below, `:dev` is that registry there.

In each it times, with a Pants daemon of its own,

- `dependencies :dev`: cold (no daemon, no cache), warm (the daemon has done it before), and after an edit of one BUILD
  file;
- the manifest (`export-codegen :dev`), warm and after such an edit. A plain repository has none, so that its time is
  that of `dependencies :dev`.

Warm and edit are the best of seven (`--repeats`), taken in turns, since whatever else the machine does only adds to
them. The last column is cascade divided by plain; those of warm commands must stay within 1.5, and the exit code is 1
if one does not.
Imports are parsed in the Pants process in both (`use_rust_parser`), since starting Python for it would cost the plain
repository seconds that have nothing to do with the comparison.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent.parent
LIMIT = 1.5
"""How much longer a warm command may take than in the plain repository."""

REPEATS = 7

PANTS_TOML = """\
[GLOBAL]
pants_version = "2.17.1"
backend_packages = [{backends}]
pythonpath = ["{plugins}"]
local_store_dir = "%(buildroot)s/.pants.d/store"
named_caches_dir = "%(buildroot)s/.pants.d/named"

[anonymous-telemetry]
enabled = false

[source]
root_patterns = ["/src"]

[python]
interpreter_constraints = ["CPython>=3.11,<3.15"]

[python-infer]
use_rust_parser = true
"""

RUNTIME = {
    "src/cascade/__init__.py": "def cascade_ingestion(**arguments): return lambda function: function\n",
    "src/cascade/cli/__init__.py": "",
    "src/cascade/cli/main.py": "def run_project(manifest): ...\n",
    "src/cascade/framework/__init__.py": "",
    "src/cascade/framework/definitions.py": "def build_definitions(modules): ...\n",
    "src/cascade/BUILD": "python_sources(sources=['**/*.py'])\n",
}

OBSERVATIONS = '''\
"""Ingest the observations of {name}."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence

from cascade import cascade_ingestion

from workflows.{name}.helpers import rows
from workflows.{name}.schema import Observation


@cascade_ingestion(
    table_name="{name}_observations",
    unique_key=("station", "observed_at"),
    group="{name}",
    validation_schema=Observation,
    cron="0 6 * * *",
)
def observations(partition_date: str) -> Iterator[dict[str, object]]:
    """The rows of one day."""
    yield from rows(datetime.date.fromisoformat(partition_date))
'''

SCHEMA = '''\
"""What an observation of {name} is."""

from __future__ import annotations


class Observation:
    station: str
    observed_at: str
    value: float | None
'''

HELPERS = '''\
"""Where the rows of {name} come from."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence


def rows(day: datetime.date) -> Iterator[dict[str, object]]:
    yield {{"station": "{name}", "observed_at": day.isoformat(), "value": None}}
'''

TEST = """\
from workflows.{name}.observations import observations


def test_observations() -> None:
    assert list(observations("2013-01-15"))
"""

MODULES = {
    "observations.py": OBSERVATIONS,
    "schema.py": SCHEMA,
    "helpers.py": HELPERS,
    "test_observations.py": TEST,
}


@dataclass(frozen=True)
class Repo:
    """A generated repository.

    Args:
        directory: its root.
        pants: what starts Pants.
        address: the project, or the registry that stands for it.
        build: the BUILD file of a workflow, with a place for tags.
        manifest: the goal that makes the manifest, or what stands for it.
    """

    directory: Path
    pants: Path
    address: str
    build: str
    manifest: str

    def seconds(self, goal: str) -> float:
        """Run a goal on the project and say how long it took."""
        start = time.perf_counter()
        done = subprocess.run(
            [str(self.pants), goal, self.address],
            cwd=self.directory,
            env={name: value for name, value in os.environ.items() if not name.startswith("PANTS_")},
            capture_output=True,
            text=True,
        )
        seconds = time.perf_counter() - start
        if done.returncode != 0:
            raise SystemExit(f"`pants {goal} {self.address}` failed in {self.directory}:\n{done.stdout}{done.stderr}")
        return seconds

    def edit(self, number: int) -> None:
        """Change the BUILD file of one workflow, so that its targets are others than before."""
        build = self.directory / "src/workflows/domain_0000/BUILD"
        build.write_text(self.build.format(tags=f"tags=['edit-{number}']"))

    def stop(self) -> None:
        """End the daemon, and forget everything that it and its caches know."""
        for file in self.directory.glob(".pids/**/pantsd/pid"):
            with contextlib.suppress(ProcessLookupError, ValueError):
                process = int(file.read_text())
                os.kill(process, signal.SIGTERM)
                for _ in range(100):
                    os.kill(process, 0)
                    time.sleep(0.1)
        for name in (".pids", ".pants.d", "dist"):
            shutil.rmtree(self.directory / name, ignore_errors=True)


def generate(directory: Path, workflows: int, *, cascade: bool, pants: Path, entries: int = 0) -> Repo:
    """Write a repository.

    Args:
        directory: where.
        workflows: how many.
        entries: how many of them the project lists; 0 for all, without a list.
        cascade: with targets of Cascade, else with plain Python ones.
        pants: what starts Pants.
    """
    names = [f"domain_{number:04}" for number in range(workflows)]
    build = "cascade_workflow({tags})\n" if cascade else "python_sources({tags})\npython_tests(name='tests')\n"
    backends = ["pants.backend.python", *(["cascade_pants"] if cascade else [])]
    files = {
        "pants.toml": PANTS_TOML.format(
            backends=", ".join(f'"{backend}"' for backend in backends), plugins=REPOSITORY / "pants-plugins"
        ),
        **RUNTIME,
    }
    for name in names:
        directory_of = f"src/workflows/{name}"
        files[f"{directory_of}/BUILD"] = build.format(tags="")
        for file, template in MODULES.items():
            files[f"{directory_of}/{file}"] = template.format(name=name)
    if cascade:
        listed = [f"src/workflows/{name}::" for name in names[:entries]]
        files["BUILD"] = f"cascade_project(name='dev'{f', workflows={listed}' if listed else ''})\n"
    else:
        files["src/BUILD"] = "python_source(name='dev', source='registry.py')\n"
        files["src/registry.py"] = "".join(
            f"import workflows.{name}.observations\n" for name in names[: entries or None]
        )
    for path, content in files.items():
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content)
    return Repo(
        directory,
        pants,
        address="//:dev" if cascade else "src:dev",
        build=build,
        manifest="export-codegen" if cascade else "dependencies",
    )


@contextlib.contextmanager
def generated(directory: Path, workflows: int, *, cascade: bool, pants: Path, entries: int) -> Iterator[Repo]:
    """Write a repository, and end its daemon in any case."""
    repo = generate(directory, workflows, cascade=cascade, pants=pants, entries=entries)
    try:
        yield repo
    finally:
        repo.stop()


def measure(repos: Sequence[Repo], repeats: int) -> dict[str, list[float]]:
    """Time everything, in turns, so that whatever else the machine does falls on all alike.

    Args:
        repos: the repositories.
        repeats: how often to do it again.

    Returns:
        The seconds of each repository, by what was done.
    """
    for repo in repos:
        repo.stop()
    found = {"dependencies, cold": [repo.seconds("dependencies") for repo in repos]}
    for label, goals in [
        ("dependencies", ["dependencies" for _ in repos]),
        ("manifest", [repo.manifest for repo in repos]),
    ]:
        warm, edited = [], []
        for _ in range(repeats + 1):
            warm.append([repo.seconds(goal) for repo, goal in zip(repos, goals, strict=True)])
        for number in range(repeats):
            for repo in repos:
                repo.edit(number)
            # The daemons hear of the edit from the system, a moment later.
            time.sleep(0.5)
            edited.append([repo.seconds(goal) for repo, goal in zip(repos, goals, strict=True)])
        found[f"{label}, warm"] = [min(times) for times in zip(*warm, strict=True)]
        found[f"{label}, edit"] = [min(times) for times in zip(*edited, strict=True)]
    return found


def report(found: dict[str, list[float]]) -> tuple[str, bool]:
    """Lay out what was measured.

    Args:
        found: seconds with Cascade and without, by what was done.

    Returns:
        A table, and whether every warm ratio is within the limit.
    """
    lines = [f"{'':24}{'cascade s':>10}{'plain s':>10}{'ratio':>8}"]
    within = True
    for label, (cascade, plain) in found.items():
        ratio = cascade / plain
        over = ratio > LIMIT and not label.endswith("cold")
        within = within and not over
        note = f"  over {LIMIT}" if over else ""
        lines.append(f"{label:24}{cascade:10.2f}{plain:10.2f}{ratio:8.2f}{note}")
    return "\n".join(lines), within


def main() -> int:
    """Generate, measure and print."""
    parser = argparse.ArgumentParser(description="Time Pants on a generated monorepo of Cascade workflows.")
    parser.add_argument("--workflows", type=int, default=1000, help="how many to generate (default: 1000)")
    parser.add_argument("--pants", type=Path, default=REPOSITORY / "pants", help="what starts Pants")
    parser.add_argument(
        "--entries", type=int, default=0, help="how many the project lists (default: all, without a list)"
    )
    parser.add_argument("--repeats", type=int, default=REPEATS, help=f"how often to do it again (default: {REPEATS})")
    arguments = parser.parse_args()
    with contextlib.ExitStack() as stack:
        repos = []
        for cascade in (True, False):
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cascade-monorepo-")))
            made = generated(
                directory,
                arguments.workflows,
                cascade=cascade,
                pants=arguments.pants,
                entries=arguments.entries,
            )
            repos.append(stack.enter_context(made))
        table, within = report(measure(repos, arguments.repeats))
    print(f"{arguments.workflows} workflows, {len(MODULES)} files each\n{table}")
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
