"""The dependencies of a declaration as Dagster's asset keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast

from cascade.declarations.problems import is_broken


def dependencies(deps: Iterable[object]) -> Iterator[Any]:
    """Convert the dependencies of a declaration to what Dagster's `deps` takes.

    Args:
        deps: workflows, Dagster assets, and keys as strings or sequences. A workflow whose decorator is wrong is left
            out.
    """
    import dagster as dg

    for dep in deps:
        if is_broken(dep):
            continue
        if isinstance(dep, str):
            yield dg.AssetKey(dep.split("/"))
        elif type(dep) in (list, tuple):  # Dagster's keys and specs are subclasses of tuple.
            yield dg.AssetKey(list(cast("Sequence[str]", dep)))
        else:
            # Dagster needs only the key of a workflow, so its asset does not have to be built yet.
            yield getattr(dep, "key", dep) if hasattr(dep, "declaration") else dep
