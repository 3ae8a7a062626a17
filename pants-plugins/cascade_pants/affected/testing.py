"""A git repository in the root of a rule runner, whose changes are compared with its first commit."""

from __future__ import annotations

import dataclasses
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pants.backend.project_info import dependents
from pants.backend.python.goals import lockfile
from pants.backend.python.macros import python_requirements
from pants.core.goals.package import PackageFieldSet
from pants.core.target_types import FileTarget, LockfilesGeneratorTarget, LockfileTarget
from pants.core.util_rules import distdir
from pants.engine.rules import QueryRule
from pants.engine.unions import UnionMembership, UnionRule
from pants.testutil.rule_runner import RuleRunner

from cascade_pants.affected import repository_graph
from cascade_pants.affected.affected import Affected
from cascade_pants.affected.comparison import Comparison
from cascade_pants.affected.repository_graph import RepositoryGraph, RepositoryGraphRequest
from cascade_pants.git import Repository
from cascade_pants.target_types import CascadeProjectManifestField
from cascade_pants.target_types.image import CascadeImageBaseField
from cascade_pants.testing import project_rules, rule_runner
from cascade_pants.util_rules import table_map

_IDENTITY = ("-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false")


class _Packaged(PackageFieldSet):
    required_fields = (CascadeProjectManifestField,)


class _PackagedImage(PackageFieldSet):
    required_fields = (CascadeImageBaseField,)


_PACKAGED = (UnionRule(PackageFieldSet, _Packaged), UnionRule(PackageFieldSet, _PackagedImage))


def affected_rules() -> list[Any]:
    """Return the rules that find what a change touches."""
    return [
        *project_rules(),
        *table_map.rules(),
        *dependents.rules(),  # type: ignore[no-untyped-call]
        *distdir.rules(),  # type: ignore[no-untyped-call]
        *lockfile.rules(),  # type: ignore[no-untyped-call]
        *python_requirements.rules(),  # type: ignore[no-untyped-call]
        *repository_graph.rules(),
        QueryRule(RepositoryGraph, [RepositoryGraphRequest]),
    ]


class Place:
    """A repository with one commit, and changes that are not committed.

    Args:
        runner: a rule runner with `affected_rules`.
        files: the files of the commit, by path.
    """

    def __init__(self, runner: RuleRunner, files: Mapping[str, str]) -> None:
        self.runner = runner
        self.root = Path(runner.build_root)
        runner.write_files(dict(files))
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message=base")

    def git(self, *arguments: str) -> str:
        """Run git in the repository."""
        command = ["git", *_IDENTITY, *arguments]
        return subprocess.run(command, cwd=self.root, check=True, capture_output=True, text=True).stdout

    def reset(self) -> None:
        """Undo all changes."""
        changed = self.git("status", "--porcelain", "-z", "--no-renames", "--untracked-files=all").split("\0")
        self.git("reset", "--quiet", "--hard")
        self.git("clean", "--quiet", "-d", "--force", "--force")
        self._tell(entry[3:] for entry in changed if entry)

    def change(self, files: Mapping[str, str | None]) -> Affected:
        """Write files, or delete those whose text is None, and find what that touches."""
        self.runner.write_files({path: text for path, text in files.items() if text is not None})
        for path in [path for path, text in files.items() if text is None]:
            (self.root / path).unlink()
            self._tell([path])
        return self.affected()

    @contextmanager
    def committed(self, files: Mapping[str, str | None]) -> Iterator[None]:
        """Write or delete files, and keep that in a commit for as long as the context lasts.

        Args:
            files: the files, by path. A file whose text is None is deleted.
        """
        self.change(files)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message=more")
        try:
            yield
        finally:
            self.git("reset", "--quiet", "--soft", "HEAD~1")
            self.git("reset", "--quiet")

    def affected(self, since: str = "HEAD") -> Affected:
        """Find what the working tree touches."""
        repository = Repository(str(self.root))
        graph = self.runner.request(RepositoryGraph, [RepositoryGraphRequest()])
        # The rules that package would need those of the environments, which take seconds to solve.
        graph = dataclasses.replace(graph, unions=UnionMembership.from_rules(_PACKAGED))
        return Affected(since, Comparison(repository, repository.base_of(since)), graph)

    def _tell(self, paths: Iterable[str]) -> None:
        """Let the engine forget files, and the directories that they are in."""
        known = {str(parent) for path in paths for parent in (Path(path), *Path(path).parents)}
        self.runner.scheduler.scheduler.invalidate_files(known)


def place(files: Mapping[str, str], rules: Iterable[Any] = ()) -> Place:
    """Create a repository with one commit.

    Args:
        files: its files, by path.
        rules: further rules.
    """
    more = [FileTarget, LockfilesGeneratorTarget, LockfileTarget]
    return Place(rule_runner([*affected_rules(), *rules], more), files)


def names(affected: Affected, kind: str) -> list[str]:
    """Return the names of what a change touches, of one kind."""
    return [item.name for item in affected.report().items[kind]]


def reason(affected: Affected, kind: str, name: str) -> str:
    """Return why something is touched: the steps in one line."""
    (item,) = (one for one in affected.report().items[kind] if one.name == name)
    return " > ".join(f"{step.what} [{step.how}]" for step in item.steps)
