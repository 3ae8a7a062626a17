"""What touches whatever used a file that is gone."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from pants.engine.target import TargetGenerator

from cascade_pants.affected.causes import Causes
from cascade_pants.affected.comparison import Comparison
from cascade_pants.affected.kinds import is_test
from cascade_pants.affected.mentions import Gone, gone_dbt_file, gone_module, words_of, words_to_find
from cascade_pants.affected.repository_graph import RepositoryGraph
from cascade_pants.git import Change
from cascade_pants.reader.contract_files import contract_table
from cascade_pants.target_types import CascadeWorkflowDataField
from cascade_pants.target_types.dbt import CascadeDbtProjectTarget

_PYTHON = (".py", ".pyi")


def add_gone(gone: Mapping[str, Change], comparison: Comparison, graph: RepositoryGraph, causes: Causes) -> None:
    """Record what may have used files that are gone, or that no target provides any more.

    Args:
        gone: the files, each with the change that is why.
        comparison: the two states.
        graph: what Pants knows now.
        causes: collects what is touched.
    """
    comparison.load(gone)
    sought: list[tuple[Gone, Change]] = []
    for path, change in gone.items():
        would_own = graph.owners.that_would_own(path)
        if not comparison.repository.read(path):
            causes.add(would_own, change, "owned it, and is gone")
        for owner in would_own:
            target = graph.owners.targets[owner]
            if isinstance(target, CascadeDbtProjectTarget):
                found = gone_dbt_file(path, comparison.before(path) or b"")
                if found is None:
                    causes.add(
                        graph.owners.generated_from(owner), change, "may have been used by any file of its dbt project"
                    )
                else:
                    sought.append((found, change))
            elif contract_table(path) is not None:
                # No code reads a contract.
                continue
            elif target.has_field(CascadeWorkflowDataField) and not path.endswith(_PYTHON):
                causes.add(graph.owners.generated_from(owner), change, "was read by the code of its workflow")
        if path.endswith(_PYTHON):
            sought.append((gone_module(path, graph.is_source_root), change))
        name, directory = os.path.basename(path), os.path.dirname(path)
        if name == "conftest.py":
            below = graph.owners.of_files_below(directory)
            tests = [one for _, one in below if is_test(graph.owners.targets[one], graph.unions)]
            causes.add(tests, change, "was a conftest.py of it")
        elif name == "__init__.py":
            below = graph.owners.of_files_below(directory)
            causes.add((one for path, one in below if path.endswith(_PYTHON)), change, "was in a package around it")
    _add_mentions(sought, comparison, graph, causes)


def _add_mentions(
    sought: Iterable[tuple[Gone, Change]], comparison: Comparison, graph: RepositoryGraph, causes: Causes
) -> None:
    """Record the files whose text names a file that is gone."""
    sought = list(sought)
    candidates = comparison.repository.files_with_words(words_to_find(one for one, _ in sought))
    for path in candidates:
        owners = [one for one in graph.owners.of(path) if not isinstance(graph.owners.targets[one], TargetGenerator)]
        content = comparison.after(path) if owners else None
        if content is None:
            continue
        words = words_of(content)
        for gone, change in sought:
            if gone.path != path and gone.may_be_used_by(path, words):
                causes.add(owners, change, "is named in its text and is gone")
