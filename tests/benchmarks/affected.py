"""Whether `pants cascade-affected` misses anything, and how much it reports in vain.

    PYTHONPATH=src:tests python tests/benchmarks/affected.py [REPOSITORY] [--commits 30] [--pants ./pants]
        [--touching PATH ...] [--add-targets]

It clones a repository that Pants builds, this one by default, checks out one commit after the other along the first
parents, and asks `cascade-affected` of this working tree what each touches. The truth is a fingerprint of everything
that a project, a test or a file of a dbt project consists of, before and after: the fields and the contents of all
files of its transitive dependencies, as `pants peek` shows them, and the settings beside a project. Whatever has
another fingerprint, or none before, must be reported.

`--touching` replays only commits that touch some paths. With `--add-targets`, the repository needs no Pants: each
commit gets BUILD files, and is compared with the commit before, which has got its own.

It prints a line for each commit, then how many of those reported have really changed (the precision), and exits with 1
if anything was missed. One start of Pants for each commit takes 40 CPU seconds in this repository.

Limits: the fingerprint knows what Pants knows, so a dependency that Pants does not see is missed by both. A lockfile
that says what requires what is left out of the fingerprints, since only some of its users count; unit tests cover it.
A change of Pants' own configuration or of a plugin counts as everything, which the fingerprints do not show.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.added_targets import add_targets

REPOSITORY = Path(__file__).resolve().parent.parent.parent
PLUGINS = REPOSITORY / "pants-plugins"
KINDS = ("cascade_project", "python_test", "cascade_dbt_file")
IDENTITY = ("-c", "user.name=replay", "-c", "user.email=replay@example.com")
SETTINGS = ("cascade_config.py", "pyproject.toml")


@dataclass(frozen=True)
class State:
    """What Pants knows at one commit.

    Args:
        fingerprints: of everything that may be reported, by address.
        reported: what `cascade-affected` reports against the commit before.
        seconds: the CPU seconds of Pants.
    """

    fingerprints: Mapping[str, str]
    reported: frozenset[str]
    seconds: float


def git(directory: Path, *arguments: str) -> str:
    """Run git and return its output."""
    return subprocess.run(["git", *arguments], cwd=directory, check=True, capture_output=True, text=True).stdout


def look(clone: Path, pants: str, since: str) -> State:
    """Ask Pants about the commit that is checked out.

    Args:
        clone: the clone.
        pants: what starts Pants.
        since: the commit to compare with.
    """
    options = ["--no-pantsd", f"--pythonpath=[{str(PLUGINS)!r}]"]
    if "cascade_pants" not in (clone / "pants.toml").read_text():
        options.append("--backend-packages=+['cascade_pants']")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [pants, *options, "cascade-affected", f"--since={since}", "--format=json", "peek", "::"],
        cwd=clone,
        # A launcher starts Pants in its own repository by default.
        env={**os.environ, "PANTS_BUILDROOT_OVERRIDE": str(clone)},
        capture_output=True,
        text=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise SystemExit(f"Pants failed at {git(clone, 'log', '-1', '--oneline')}{done.stderr[-4000:]}")
    report, end = json.JSONDecoder().raw_decode(done.stdout)
    targets = json.loads(done.stdout[end:])
    reported = {one["address"] for kind in ("projects", "tests") for one in report[kind]}
    reported.update(one["address"] for kind in ("models", "checks") for one in report[kind] if "kind" in one)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return State(fingerprints(clone, targets), frozenset(reported), seconds)


def fingerprints(root: Path, targets: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the fingerprints of projects, tests and what dbt runs.

    Args:
        root: the root of the repository.
        targets: the targets, as `pants peek` shows them.
    """
    by_address = {target["address"]: target for target in targets}
    own = {address: _own(root, target) for address, target in by_address.items()}
    return {
        address: _digest(sorted(own[one] for one in _closure(address, by_address)))
        for address, target in by_address.items()
        if target["target_type"] in KINDS and _is_reported(target)
    }


def _closure(address: str, by_address: Mapping[str, Mapping[str, Any]]) -> set[str]:
    found, waiting = {address}, [address]
    while waiting:
        target = by_address[waiting.pop()]
        for dependency in (*(target.get("dependencies") or ()), *_dbt_project(target)):
            if dependency in by_address and dependency not in found:
                found.add(dependency)
                waiting.append(dependency)
    return found


def _dbt_project(target: Mapping[str, Any]) -> list[str]:
    """Return the full address of the dbt project of a project, which `peek` shows as written."""
    return [f"{one}:{os.path.basename(one)}" if ":" not in one else one for one in target.get("dbt_project") or ()]


def _is_reported(target: Mapping[str, Any]) -> bool:
    """Return whether a file of a dbt project is a model, a seed, a snapshot or a test."""
    if target["target_type"] != "cascade_dbt_file":
        return True
    path = "".join(target["sources"])
    return bool(re.search(r"/(models|snapshots)/.*\.(sql|py)$|/seeds/.*\.csv$|/tests/(?!generic/).*\.sql$", path))


def _own(root: Path, target: Mapping[str, Any]) -> str:
    """Return the fingerprint of a target by itself."""
    files = [*(target.get("sources") or ())]
    if target["target_type"] == "cascade_project":
        directory = target["address"].partition(":")[0].strip("/")
        files += [os.path.join(directory, name) for name in SETTINGS]
    parts = [json.dumps({name: value for name, value in target.items() if name != "sources"}, sort_keys=True)]
    for file in files:
        content = (root / file).read_bytes() if (root / file).is_file() else b""
        if file.endswith(".lock") and (content.lstrip()[:1] in (b"{", b"/") or b"# via" in content):
            continue
        if file.endswith("pyproject.toml") and b"tool.cascade" not in content:
            continue
        parts += [file, hashlib.sha256(content).hexdigest()]
    return _digest(parts)


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def check_out(clone: Path, commit: str, since: str | None, *, adding: bool) -> str:
    """Check out a commit, and return it: itself, or one with BUILD files.

    Args:
        clone: the clone.
        commit: the commit.
        since: the commit before, as it was checked out; None for the first.
        adding: whether to add BUILD files.
    """
    git(clone, "checkout", "--quiet", "--force", "--detach", commit)
    if not adding:
        return commit
    git(clone, "clean", "--quiet", "-d", "--force", "--force", "-x")
    add_targets(clone, git(clone, "ls-files", "-z").split("\0")[:-1])
    git(clone, "add", "--all", "--force")
    parent = ("-p", since) if since else ()
    made = git(clone, *IDENTITY, "commit-tree", git(clone, "write-tree").strip(), *parent, "-m", "targets").strip()
    git(clone, "reset", "--quiet", "--hard", made)
    return made


def main() -> int:
    """Replay, compare and print."""
    parser = argparse.ArgumentParser(description="Compare cascade-affected with the truth, commit by commit.")
    parser.add_argument("repository", type=Path, nargs="?", default=REPOSITORY, help="(default: this repository)")
    parser.add_argument("--commits", type=int, default=30, help="how many to replay (default: 30)")
    parser.add_argument("--pants", default="./pants", help="what starts Pants, from the root (default: ./pants)")
    parser.add_argument("--add-targets", action="store_true", help="add the BUILD files that Cascade needs")
    parser.add_argument("--touching", nargs="+", default=[], metavar="PATH", help="only commits that touch these")
    arguments = parser.parse_args()
    adding = arguments.add_targets
    missed = reported = right = 0
    with tempfile.TemporaryDirectory(prefix="cascade-affected-") as directory:
        clone = Path(directory, "clone")
        git(Path(directory), "clone", "--quiet", "--shared", str(arguments.repository.resolve()), str(clone))
        count = f"--max-count={arguments.commits + 1}"
        listed = git(clone, "rev-list", "--first-parent", count, "HEAD", "--", *arguments.touching).split()
        first, *commits = reversed(listed)
        since = check_out(clone, first, None, adding=adding)
        state = look(clone, arguments.pants, "HEAD")
        for commit in commits:
            made = check_out(clone, commit, since, adding=adding)
            before, state = state, look(clone, arguments.pants, since)
            since = made
            changed = {one for one, found in state.fingerprints.items() if before.fingerprints.get(one) != found}
            lost = sorted(changed - state.reported)
            missed, reported, right = (
                missed + len(lost),
                reported + len(state.reported),
                right + len(state.reported & changed),
            )
            subject = git(clone, "log", "-1", "--format=%h %s", commit).strip()
            print(
                f"{subject[:60]:60} changed {len(changed):4} reported {len(state.reported):4} missed {len(lost):3} "
                f"({state.seconds:.0f} CPU s)",
                *(f"  missed {one}" for one in lost),
                sep="\n",
                flush=True,
            )
    print(f"{missed} missed; precision {right / reported:.0%}" if reported else f"{missed} missed; nothing reported")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
