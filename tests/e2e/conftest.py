"""A copy of the repository where a test can do what a user does: start `./pants`, write files, commit.

The copy contains the working tree with its edits, so that you can test a change before you commit it. It has its own
Pants daemon, which ends with the tests, and shares the user's Pants caches.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from processes import Finished, run

REPOSITORY = Path(__file__).resolve().parent.parent.parent
# Variables that would change what Pants or the project does.
FOREIGN_VARIABLES = ("PANTS_", "CASCADE_", "DAGSTER_", "PYTHON", "PEX_", "PYTEST_", "NYC_")
# Readers of the README write this workflow, and so do the tests.
READERS_OWN = "src/workflows/weather/"
GIT = ("git", "-c", "user.name=e2e", "-c", "user.email=e2e@example.com", "-c", "commit.gpgsign=false")


@dataclass(frozen=True)
class Repository:
    """A repository with a launcher of Pants, by default a copy of this one.

    Args:
        root: its directory.
        launcher: the command that starts Pants.
    """

    root: Path
    launcher: str = "./pants"

    @property
    def environment(self) -> dict[str, str]:
        """The user's environment without the variables of the process that runs the tests."""
        return {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN_VARIABLES)}

    def pants(self, *arguments: str) -> Finished:
        """Run Pants."""
        # A launcher starts Pants in its own repository by default.
        here = {"PANTS_BUILDROOT_OVERRIDE": str(self.root), "PANTS_BIN_NAME": self.launcher}
        return run([self.launcher, *arguments], self.root, {**self.environment, **here})

    def dev(self, *arguments: str) -> Finished:
        """Run the command line of the project: `./pants run :dev -- ...`."""
        return self.pants("run", ":dev", "--", *arguments)

    def git(self, *arguments: str) -> str:
        """Run git and return its output."""
        return run([*GIT, *arguments], self.root, self.environment).ok().out

    def begin(self, message: str) -> None:
        """Commit all files as the first commit of a new repository."""
        self.git("init", "--quiet")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)

    def restore(self) -> None:
        """Restore the committed sources. Files that git ignores stay."""
        self.git("reset", "--quiet", "--hard")
        self.git("clean", "--quiet", "-d", "--force")

    def changes(self) -> list[str]:
        """Return the paths that git reports as new or changed, a new directory as one path."""
        return sorted(line[3:] for line in self.git("status", "--porcelain").splitlines())

    def write(self, path: str, text: str) -> None:
        """Write a file."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def replace(self, path: str, old: str, new: str) -> None:
        """Replace text in a file that must contain it."""
        text = (self.root / path).read_text()
        assert old in text, f"{path} does not hold {old!r}"
        self.write(path, text.replace(old, new))

    def isolated_environment(self, home: Path) -> dict[str, str]:
        """Return the environment of a server: a path to an interpreter and a home, without Pants, pip or variables."""
        return {"PATH": isolated_path(), "HOME": str(home)}

    def isolated(self, directory: Path, *command: str) -> Finished:
        """Run a command as on a server, in a directory outside any repository."""
        return run(list(command), directory, self.isolated_environment(directory))


def isolated_path() -> str:
    """Return a PATH of the interpreters on this machine, without that of Pants."""
    found = [shutil.which(f"python3.{minor}") for minor in (11, 12, 13)]
    return os.pathsep.join([*dict.fromkeys(str(Path(path).parent) for path in found if path), "/usr/bin", "/bin"])


# The tests that share a fixture of minutes, and those for which Pants builds the same. One after the other, the second
# finds what the first has built; at the same time, both would build it.
SHARED = {
    "test_installed.py": ("test_installed.py",),
    "test_wheels.py": ("test_wheels.py",),
    "scaffolded": ("quickstart-monorepo.md", "README.md]", "scaffolded_workflows"),
    "dev.pex": ("deploying.md", "ingests_two_days"),
}
# Seconds matter only at the end, when one process waits for the other, so the longest tests come first. Those of
# Dagster's commands leave a process that ends by itself, which must not be waited for at the end.
LONGEST = (
    "test_wheels.py",
    "scaffolded",
    "test_ui.py",
    "test_dagster_commands.py",
    "dev.pex",
    "test_package.py",
    "test_installed.py",
    "test_monorepo_pages.py",
    "test_scaffold.py",
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep tests that share something expensive in one process, and start with the longest tests.

    Each process has its own copy of the repository, so that all other tests can run in any process.
    """
    here = Path(__file__).parent
    places = {}
    for item in items:
        name = item.path.name
        for group, parts in SHARED.items():
            if item.path.is_relative_to(here) and any(part in item.nodeid for part in parts):
                item.add_marker(pytest.mark.xdist_group(group))
                name = group
        places[item] = LONGEST.index(name) if name in LONGEST else len(LONGEST)
    items.sort(key=places.__getitem__)


@pytest.fixture(scope="session")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    """Commit the working tree as the only commit of a new repository."""
    repository = Repository(tmp_path_factory.mktemp("e2e") / "repository")
    listed = run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], REPOSITORY, repository.environment
    )
    for name in filter(None, listed.ok().out.split("\0")):
        if name.startswith(READERS_OWN):
            continue
        source, target = REPOSITORY / name, repository.root / name
        # Git still lists a file that is deleted in the working tree. The backend's link to shared sources stays a link.
        if source.is_file() or source.is_symlink():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)
    repository.begin("The working tree")
    try:
        yield repository
    finally:
        stop_daemon(repository.root)


@pytest.fixture
def server(tmp_path: Path) -> Path:
    """Return the working directory, and home, of a server that runs PEXes.

    It shares the user's PEX cache, because unpacking and compiling the requirements takes most of the first start. The
    test of the first start uses an empty home.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pex"
    cache.mkdir(parents=True, exist_ok=True)
    home = tmp_path / "server"
    (home / ".cache").mkdir(parents=True)
    (home / ".cache" / "pex").symlink_to(cache)
    return home


@pytest.fixture
def repository(copy: Repository) -> Repository:
    """Return the copy without the files of earlier tests. The tables they filled, and dist/, stay."""
    copy.restore()
    return copy


def stop_daemon(root: Path) -> None:
    """End the Pants daemon of a copy."""
    for file in root.glob(".pids/**/pid"):
        with contextlib.suppress(ValueError, ProcessLookupError, FileNotFoundError):
            os.kill(int(file.read_text()), signal.SIGTERM)
