"""What a change of a BUILD file touches."""

from __future__ import annotations

import os

from pants.engine.addresses import Address

from cascade_pants.affected.build_edits import REQUIREMENTS, BuildEdit, compare
from cascade_pants.affected.causes import Causes
from cascade_pants.affected.comparison import Comparison
from cascade_pants.affected.repository_graph import RepositoryGraph
from cascade_pants.git import Change


def add_build_file(change: Change, comparison: Comparison, graph: RepositoryGraph, causes: Causes) -> BuildEdit:
    """Record what a BUILD file touches now.

    Returns:
        What the edit concerns.
    """
    edit = compare(comparison.before(change.path), comparison.after(change.path))
    directory = os.path.dirname(change.path)
    if edit.concerns_nothing:
        causes.note(change, "differs in comments or layout only")
    elif edit.removed & REQUIREMENTS or edit.narrowed & REQUIREMENTS:
        # Which modules the requirement provided is not known any more, and so not who used them.
        causes.add(graph.addresses(), change, "provides fewer or other requirements, which anything may have used")
    elif edit.below:
        causes.add(graph.owners.below(directory), change, "sets other defaults for its directory and all below")
    elif edit.everything:
        causes.add(graph.owners.in_directory(directory), change, "defines it, perhaps otherwise than before")
    else:
        names = {name or os.path.basename(directory) for name in edit.names}
        found = [address for address in graph.owners.in_directory(directory) if address.target_name in names]
        causes.add(found, change, "defines it")
    return edit


def files_no_longer_provided(
    change: Change, edit: BuildEdit, comparison: Comparison, graph: RepositoryGraph
) -> list[str]:
    """Return the files that a target of a BUILD file may have owned at the base, and may own no longer.

    Args:
        change: the change of the BUILD file.
        edit: what it concerns.
        comparison: the two states.
        graph: what Pants knows now.
    """
    if not (edit.narrowed or edit.everything or edit.below):
        return []
    directory = os.path.dirname(change.path)
    prefix = f"{directory}/" if directory else ""
    concerned: set[Address] = set(graph.owners.below(directory) if edit.below else graph.owners.in_directory(directory))
    return [
        path
        for path in comparison.base_files
        if path.startswith(prefix) and path.endswith((".py", ".pyi")) and concerned.issuperset(graph.owners.of(path))
    ]
