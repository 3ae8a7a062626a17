"""Add to a standalone project what Pants needs: BUILD files, and a `pants.toml` if no repository has one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from cascade.migration.tree import Tree
from cascade.scaffold.project_pants import (
    PANTS_TOML,
    build_files,
    find_repository,
    missing_settings,
    new_pants_toml,
    place_in,
    requirements_build,
)

_BUILD_NAMES = ("BUILD", "BUILD.pants")
_OWN = ("workflows", "tests")


def add_pants(tree: Tree, settings: Mapping[str, object]) -> None:
    """Add the files. A directory that has a BUILD file keeps it.

    Args:
        tree: the files of a standalone project.
        settings: its table `[tool.cascade]`.
    """
    workflows, dbt = str(settings.get("workflows_path", "workflows")), str(settings.get("dbt_project_dir", ""))
    repository = find_repository(tree.into)
    place = place_in(repository or tree.into, tree.into)
    paths = [path for path in tree.paths() if _belongs(path, workflows, dbt)]
    texts = build_files(place, paths, workflows=workflows)
    if "pyproject.toml" in tree and repository in (None, tree.into):
        texts["BUILD"] += requirements_build("pyproject.toml")
    for path, text in texts.items():
        directory = PurePosixPath(path).parent
        present = next((str(directory / name) for name in _BUILD_NAMES if str(directory / name) in tree), None)
        if present is None:
            tree.write(path, text)
        elif not _declares(tree, present, text):
            tree.decide(f"It exists and is left as it is. Add to it what Cascade needs here:\n{text.rstrip()}", present)
    if repository is None:
        tree.write(PANTS_TOML, new_pants_toml())
        tree.decide("Lock the requirements: pants generate-lockfiles", PANTS_TOML)
    else:
        _tell_settings(tree, repository)


def _belongs(path: str, workflows: str, dbt: str) -> bool:
    """Return whether a file is one of the workflows, the tests or the dbt project, or a module at the root."""
    first = PurePosixPath(path).parts[0]
    if dbt and PurePosixPath(dbt) in PurePosixPath(path).parents:
        return True
    return first in _OWN or PurePosixPath(workflows) in PurePosixPath(path).parents or path == "cascade_config.py"


def _declares(tree: Tree, path: str, text: str) -> bool:
    """Return whether a BUILD file has every type of target that a generated one has."""
    present = tree.text(path) or ""
    called = [line.partition("(")[0] for line in text.splitlines() if line[:1].isalpha() and "(" in line]
    return all(f"{name}(" in present for name in called)


def _tell_settings(tree: Tree, repository: Path) -> None:
    place = place_in(repository, tree.into)
    try:
        text = (repository / PANTS_TOML).read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        # Pants reports this with more detail.
        return
    missing = missing_settings(text, place, tree.paths())
    if missing and repository == tree.into:
        tree.decide(f"Add these settings:\n{missing}", PANTS_TOML)
    elif missing:
        tree.decide(f"Add these settings to {repository / PANTS_TOML}:\n{missing}")
