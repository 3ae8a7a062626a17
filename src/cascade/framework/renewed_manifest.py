"""The list of a project's modules, as Pants printed it again while `dev` was running.

The generated module cannot change while its process runs. `dev` writes what Pants prints later into a directory, and
every process of `dev` that loads the project reads it from there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

COMMAND_VARIABLE = "CASCADE_MANIFEST_COMMAND"
"""Set by the Pants backend: the command that prints the manifests, as JSON with the keys `directory` and `argv`."""

DIRECTORY_VARIABLE = "CASCADE_RENEWED_MANIFESTS"
"""Set by `dev` for its processes: the directory with one file per manifest module."""


def renewed(manifest: Mapping[str, object]) -> Mapping[str, object]:
    """Return a manifest with the modules that Pants found last.

    Args:
        manifest: the fields of the generated manifest.

    Returns:
        The same fields, with the modules of the renewed manifest if there is one.
    """
    directory = os.environ.get(DIRECTORY_VARIABLE)
    if not directory:
        return manifest
    try:
        found = json.loads(Path(directory, f"{manifest.get('module')}.json").read_text("utf-8"))
    except FileNotFoundError:
        return manifest
    return {**manifest, "modules": found["modules"]}


def write_renewed(directory: Path, manifests: Iterable[Mapping[str, object]]) -> None:
    """Write renewed manifests where `renewed` finds them.

    Args:
        directory: the value of `CASCADE_RENEWED_MANIFESTS`.
        manifests: the fields of each manifest.
    """
    directory.mkdir(exist_ok=True)
    for manifest in manifests:
        path = directory / f"{manifest['module']}.json"
        # A code server may be reading the file.
        unfinished = path.with_suffix(".new")
        unfinished.write_text(json.dumps(manifest), "utf-8")
        unfinished.replace(path)
