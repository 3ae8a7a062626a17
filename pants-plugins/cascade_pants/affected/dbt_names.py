"""What the files of a dbt project are, by their places."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import yaml  # pants: no-infer-dep

MODEL, SEED, SNAPSHOT, TEST = "model", "seed", "snapshot", "test"
_SETTINGS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    MODEL: ("model-paths", ("models",)),
    SEED: ("seed-paths", ("seeds",)),
    SNAPSHOT: ("snapshot-paths", ("snapshots",)),
    TEST: ("test-paths", ("tests",)),
}
_ENDINGS = {MODEL: (".sql", ".py"), SEED: (".csv",), SNAPSHOT: (".sql",), TEST: (".sql",)}


def paths_of_kinds(project_file: bytes) -> dict[str, tuple[str, ...]]:
    """Return where a dbt project keeps its models, seeds, snapshots and tests.

    Args:
        project_file: its `dbt_project.yml`. What it does not say in plain YAML is as by default.
    """
    try:
        settings = yaml.safe_load(project_file)
    except yaml.YAMLError:
        settings = None
    return {kind: _paths(settings, name, default) for kind, (name, default) in _SETTINGS.items()}


def _paths(settings: Any, name: str, default: tuple[str, ...]) -> tuple[str, ...]:
    given = settings.get(name) if isinstance(settings, dict) else None
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        return default
    return tuple(os.path.normpath(one) for one in given)


def kind_of(file: str, paths: Mapping[str, Sequence[str]]) -> str | None:
    """Return what a file of a dbt project is.

    Args:
        file: the file, from the directory of the dbt project.
        paths: where the project keeps each kind.

    Returns:
        `model`, `seed`, `snapshot` or `test`, or None for anything else, such as macros and YAML.
    """
    for kind, directories in paths.items():
        if file.endswith(_ENDINGS[kind]) and any(file.startswith(f"{one}/") for one in directories):
            # Files below `tests/generic` define tests, and run none.
            return None if kind == TEST and "generic" in file.split("/")[:-1] else kind
    return None
