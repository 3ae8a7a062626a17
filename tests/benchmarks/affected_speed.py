"""What `cascade-affected` costs in a large monorepo, against Pants' own list of the targets that a change touches.

    PYTHONPATH=tests python tests/benchmarks/affected_speed.py                              5,000 workflows, 700 models
    PYTHONPATH=tests python tests/benchmarks/affected_speed.py --workflows 200 --models 50  fewer, to try it

It generates a repository with `cascade_workflow()` in every directory, one `cascade_project()`, and a dbt project whose
models read the workflows' tables, and commits it. Then it edits a workflow, a model, and a macro that a third of the
models call. After each edit it runs

- `cascade-affected --since=HEAD`,
- its peer, `list --changed-since=HEAD --changed-dependents=transitive`.

Both run without a daemon, as in CI, in turns, and once before to fill Pants' cache. The figures are CPU seconds of all
processes. The last column is the first divided by the second. It must stay within 1.5, and the exit code is 1 if it
does not.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.monorepo import PANTS_TOML, REPOSITORY, Repo, generated

LIMIT = 1.5
"""How many times the CPU time of its peer the goal may take."""

# What reads a dbt project. Pants installs all of a lockfile, so the others are left out.
_REQUIREMENTS = ("jinja2", "markupsafe", "pyyaml")
_MACRO = "{% macro rounded(column) %}round({{ column }}, {{ digits() }}){% endmacro %}\n"
_DIGITS = "{% macro digits() %}2{% endmacro %}\n"
_EDITS = {
    "a workflow": ("src/workflows/domain_0007/helpers.py", '"value": None', '"value": 1.0'),
    "a model": ("src/dbt/models/model_0000.sql", "select", "select 1 as edited,"),
    "a macro": ("src/dbt/macros/digits.sql", "2", "3"),
}


def add_dbt(root: Path, workflows: int, models: int) -> None:
    """Add a dbt project to a generated repository, and the resolve from which Pants reads it.

    Args:
        root: the repository.
        workflows: how many it has.
        models: how many models to write. Each reads two tables or earlier models.
    """
    resolves = (
        'enable_resolves = true\nresolves_generate_lockfiles = false\npip_version = "latest"\n'
        'resolves = {"python-default" = "lock.txt"}\n'
    )
    settings = PANTS_TOML.format(
        backends='"pants.backend.python", "cascade_pants"', plugins=REPOSITORY / "pants-plugins"
    ).replace("[python-infer]", f"{resolves}\n[python-infer]")
    tables = [f"domain_{number:04}_observations" for number in range(min(workflows, models))]
    files = {
        "pants.toml": settings,
        ".gitignore": ".pants.d/\n.pids/\ndist/\n",
        "src/dbt/BUILD": "cascade_dbt_project(name='dbt')\n",
        "src/dbt/dbt_project.yml": "name: shop\nversion: '1.0'\nprofile: shop\nmodel-paths: [models]\n",
        "src/dbt/macros/rounded.sql": _MACRO,
        "src/dbt/macros/digits.sql": _DIGITS,
        "src/dbt/models/sources.yml": "version: 2\nsources:\n  - name: raw\n    tables:\n"
        + "".join(f"      - name: {table}\n" for table in tables),
    }
    for number in range(models):
        first = f"source('raw', '{tables[number % len(tables)]}')" if number < 2 else f"ref('model_{number // 2:04}')"
        second = f"source('raw', '{tables[number % len(tables)]}')"
        value = "{{ rounded('a.value') }}" if number % 3 == 0 else "a.value"
        files[f"src/dbt/models/model_{number:04}.sql"] = (
            f"select {value} as value from {{{{ {first} }}}} a join {{{{ {second} }}}} b using (station)\n"
        )
    for path, content in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    (root / "lock.txt").write_text(_locked(_REQUIREMENTS))
    # The process that reads the dbt project is the runtime's own. The rest of the runtime stays a stub.
    for room in ("dbt_graph", "reader"):
        left_out = shutil.ignore_patterns("test_*.py", "conftest.py", "BUILD", "__pycache__")
        shutil.copytree(REPOSITORY / "src/cascade" / room, root / "src/cascade" / room, ignore=left_out)
    shutil.copyfile(REPOSITORY / "src/cascade/spelling.py", root / "src/cascade/spelling.py")
    git = ["git", "-c", "user.name=benchmark", "-c", "user.email=benchmark@example.com"]
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "Begin"]):
        subprocess.run([*git, *arguments], cwd=root, check=True)


def _locked(names: Sequence[str]) -> str:
    """Return the lines of this repository's lockfile that pin some packages."""
    lines = list[str]()
    wanted = False
    for line in (REPOSITORY / "3rdparty/python/runtime.lock").read_text().splitlines():
        if not line.startswith((" ", "#")):
            wanted = line.partition("==")[0] in names
        if wanted and not line.lstrip().startswith("#"):
            lines.append(line)
    return "\n".join(lines) + "\n"


def cpu_seconds(repo: Repo, arguments: Sequence[str]) -> tuple[float, str]:
    """Run Pants without a daemon.

    Args:
        repo: the repository.
        arguments: the goal and its options.

    Returns:
        The CPU seconds of all its processes, and what it printed.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PANTS_")}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [str(repo.pants), "--no-pantsd", *arguments],
        cwd=repo.directory,
        env=environment,
        capture_output=True,
        text=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise SystemExit(f"`pants {' '.join(arguments)}` failed in {repo.directory}:\n{done.stdout}{done.stderr}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def main() -> int:
    """Generate, measure and print."""
    parser = argparse.ArgumentParser(description="Measure cascade-affected in a generated monorepo.")
    parser.add_argument("--workflows", type=int, default=5000, help="how many to generate (default: 5000)")
    parser.add_argument("--models", type=int, default=700, help="how many dbt models (default: 700)")
    parser.add_argument("--pants", type=Path, default=REPOSITORY / "pants", help="what starts Pants")
    arguments = parser.parse_args()
    goals = {
        "cascade-affected": ["cascade-affected", "--since=HEAD"],
        "list": ["--changed-since=HEAD", "--changed-dependents=transitive", "list"],
    }
    within = True
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cascade-affected-")))
        repo = stack.enter_context(
            generated(directory, arguments.workflows, cascade=True, pants=arguments.pants, entries=0)
        )
        add_dbt(directory, arguments.workflows, arguments.models)
        for goal in goals.values():
            cpu_seconds(repo, goal)
        print(f"{arguments.workflows} workflows, {arguments.models} models; CPU seconds without a daemon")
        print(f"{'edit of':14}{'affected':>10}{'list':>10}{'ratio':>8}  lines of each")
        for label, (path, old, new) in _EDITS.items():
            file = directory / path
            text = file.read_text()
            file.write_text(text.replace(old, new, 1))
            ours, peer = (cpu_seconds(repo, goal) for goal in goals.values())
            file.write_text(text)
            ratio = ours[0] / peer[0]
            within = within and ratio <= LIMIT
            lines = f"{len(ours[1].splitlines())}, {len(peer[1].splitlines())}"
            over = f"  over {LIMIT}" if ratio > LIMIT else ""
            print(f"{label:14}{ours[0]:10.1f}{peer[0]:10.1f}{ratio:8.2f}  {lines}{over}", flush=True)
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
