"""Add to a standalone project what Pants needs: BUILD files, and a `pants.toml` if no repository has one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from cascade.migration.pyproject import PYPROJECT, read_pyproject
from cascade.migration.third_party import third_party_modules
from cascade.migration.tree import Tree
from cascade.scaffold.project_pants import (
    BUILD_NAMES,
    PANTS_TOML,
    PROJECT_TARGET,
    build_files,
    find_repository,
    missing_settings,
    new_pants_toml,
    place_in,
    requirements_build,
)

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
    if PYPROJECT in tree and repository in (None, tree.into):
        texts["BUILD"] += requirements_build(PYPROJECT)
    added = False
    for path, text in texts.items():
        directory = PurePosixPath(path).parent
        present = next((str(directory / name) for name in BUILD_NAMES if str(directory / name) in tree), None)
        if present is None:
            tree.write(path, text)
            added = True
        elif not _declares(tree, present, text):
            tree.decide(f"It exists and is left as it is. Add to it what Cascade needs here:\n{text.rstrip()}", present)
    if added:
        _tell_requirements(tree, [workflows, "tests"], own=repository in (None, tree.into))
    name = settings.get("project_name", PROJECT_TARGET)
    if added and name != PROJECT_TARGET:
        tree.decide(
            f"The code location in Dagster is named {PROJECT_TARGET} under Pants, and was {name}. Rename the "
            "cascade_project if schedules and sensors must stay as they are.",
            "BUILD",
        )
    if repository is None:
        tree.write(PANTS_TOML, new_pants_toml())
        tree.decide("Lock the requirements: pants generate-lockfiles", PANTS_TOML)
    else:
        _tell_settings(tree, repository)


def _tell_requirements(tree: Tree, directories: Iterable[str], *, own: bool) -> None:
    """Tell of modules that no requirement provides. Pants infers dependencies on direct requirements only."""
    listed = read_pyproject(tree).get("project", {}).get("dependencies", ()) if own else ()
    named = {re.split(r"[^\w.-]", str(each), maxsplit=1)[0].lower().replace("-", "_") for each in listed}
    found = third_party_modules(tree, directories, frozenset({"cascade", *named}))
    if not found:
        return
    modules = "".join(f"\n{name} ({path})" for name, path in sorted(found.items()))
    if own:
        tree.decide(
            f"Pants knows only packages that the dependencies name. Add those of these modules:{modules}", PYPROJECT
        )
    else:
        tree.decide(f"The resolve of the workflows needs cascade-workflows and the packages of these modules:{modules}")


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
