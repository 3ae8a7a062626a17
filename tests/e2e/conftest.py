"""A copy of the repository in which a test may do what a user does: start `./pants`, write files, commit.

The copy holds the working tree as it is, edits included, so that a change is tested before it is committed. It has a
Pants daemon of its own, which ends with the tests; Pants' caches are the user's.
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
# What would lead Pants or the project elsewhere.
FOREIGN_VARIABLES = ("PANTS_", "CASCADE_", "DAGSTER_", "PYTHON", "PEX_", "PYTEST_", "NYC_")
# The README lets the reader write this workflow, and so do the tests.
READERS_OWN = "src/workflows/weather/"
GIT = ("git", "-c", "user.name=e2e", "-c", "user.email=e2e@example.com", "-c", "commit.gpgsign=false")


@dataclass(frozen=True)
class Repository:
    """A repository with a launcher of Pants: a copy of this one unless said otherwise.

    Args:
        root: its directory.
        launcher: what starts Pants.
    """

    root: Path
    launcher: str = "./pants"

    @property
    def environment(self) -> dict[str, str]:
        """The user's environment without what belongs to the process that runs the tests."""
        return {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN_VARIABLES)}

    def pants(self, *arguments: str) -> Finished:
        """Run Pants."""
        # The launcher of another repository would start Pants there.
        here = {"PANTS_BUILDROOT_OVERRIDE": str(self.root), "PANTS_BIN_NAME": self.launcher}
        return run([self.launcher, *arguments], self.root, {**self.environment, **here})

    def dev(self, *arguments: str) -> Finished:
        """Run the command line of the project: `./pants run :dev -- ...`."""
        return self.pants("run", ":dev", "--", *arguments)

    def git(self, *arguments: str) -> str:
        """Run git, and give what it prints."""
        return run([*GIT, *arguments], self.root, self.environment).ok().out

    def begin(self, message: str) -> None:
        """Commit what is there as the first commit of a new repository."""
        self.git("init", "--quiet")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)

    def restore(self) -> None:
        """Make the sources those of the commit again. What git ignores stays."""
        self.git("reset", "--quiet", "--hard")
        self.git("clean", "--quiet", "-d", "--force")

    def changes(self) -> list[str]:
        """The paths that git sees as new or changed, directories that are all new as one."""
        return sorted(line[3:] for line in self.git("status", "--porcelain").splitlines())

    def write(self, path: str, text: str) -> None:
        """Write a file."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def replace(self, path: str, old: str, new: str) -> None:
        """Edit a file; the old text must be in it."""
        text = (self.root / path).read_text()
        assert old in text, f"{path} does not hold {old!r}"
        self.write(path, text.replace(old, new))

    def isolated_environment(self, home: Path) -> dict[str, str]:
        """The environment of a server: no Pants, no pip, no variable; only an interpreter that is found, and a home."""
        return {"PATH": isolated_path(), "HOME": str(home)}

    def isolated(self, directory: Path, *command: str) -> Finished:
        """Run a command as on a server, in a directory without a repository around it."""
        return run(list(command), directory, self.isolated_environment(directory))


def isolated_path() -> str:
    """The directories of the interpreters at hand, without those of Pants."""
    found = [shutil.which(f"python3.{minor}") for minor in (11, 12, 13)]
    return os.pathsep.join([*dict.fromkeys(str(Path(path).parent) for path in found if path), "/usr/bin", "/bin"])


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of one repository together where tests run in several processes."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            group = "wheels" if item.path.name in ("test_installed.py", "test_wheels.py") else "monorepo"
            item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="session")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    """The working tree, committed as the only commit of a new repository."""
    repository = Repository(tmp_path_factory.mktemp("e2e") / "repository")
    listed = run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], REPOSITORY, repository.environment
    )
    for name in filter(None, listed.ok().out.split("\0")):
        if name.startswith(READERS_OWN):
            continue
        source, target = REPOSITORY / name, repository.root / name
        # A file that is deleted in the working tree is listed still.
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    repository.begin("The working tree")
    try:
        yield repository
    finally:
        stop_daemon(repository.root)


@pytest.fixture
def server(tmp_path: Path) -> Path:
    """The directory and home of a server that runs PEXes.

    It shares the user's PEX cache, since unpacking and compiling the requirements takes longer than anything else that
    a PEX does. The test of the first start uses an empty home.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pex"
    cache.mkdir(parents=True, exist_ok=True)
    home = tmp_path / "server"
    (home / ".cache").mkdir(parents=True)
    (home / ".cache" / "pex").symlink_to(cache)
    return home


@pytest.fixture
def repository(copy: Repository) -> Repository:
    """The copy without what tests before have written. The tables they filled, and dist/, stay."""
    copy.restore()
    return copy


def stop_daemon(root: Path) -> None:
    """End the Pants daemon of a copy."""
    for file in root.glob(".pids/**/pid"):
        with contextlib.suppress(ValueError, ProcessLookupError, FileNotFoundError):
            os.kill(int(file.read_text()), signal.SIGTERM)
