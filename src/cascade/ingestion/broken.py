"""The asset that stands in for one that cannot be built. The lineage shows it, and its runs fail with the error."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from cascade.declarations import IngestionDeclaration
from cascade.declarations.asset_keys import dependencies
from cascade.exceptions import CascadeError, SourceLocation
from cascade.ingestion.metadata import code_references
from cascade.partitions import partitions_definition

BROKEN = "broken"
"""The kind that marks such an asset in the UI."""


def broken_ingestion(declaration: IngestionDeclaration, failure: CascadeError) -> dg.AssetsDefinition:
    """Build the stand-in for the asset of a workflow, with as much of the declaration as Dagster accepts.

    Args:
        declaration: what is known of the workflow.
        failure: why its asset cannot be built.
    """
    known: dict[str, Any] = {
        "deps": list(dependencies(declaration.deps)),
        "group_name": declaration.group,
        "owners": list(declaration.owners),
        "tags": dict(declaration.tags),
        "kinds": {"python", "iceberg", BROKEN},
    }
    try:
        known["partitions_def"] = partitions_definition(declaration)
        return _failing(declaration.op_name, declaration.asset_key, failure, declaration.location, known)
    except Exception:
        # What Dagster refuses may be the error itself.
        return _failing(declaration.op_name, declaration.asset_key, failure, declaration.location, {"kinds": {BROKEN}})


def broken_asset(
    key: Sequence[str], deps: Iterable[object], failure: CascadeError, location: SourceLocation
) -> dg.AssetsDefinition:
    """Build the stand-in for a plain Dagster asset.

    Args:
        key: the parts of its key.
        deps: what it depends on.
        failure: why it does not load.
        location: its file and line.
    """
    known = {"deps": list(dependencies(deps)), "kinds": {"python", BROKEN}}
    return _failing("broken_" + re.sub(r"\W", "_", "__".join(key)), key, failure, location, known)


def _failing(
    op_name: str, key: Sequence[str], failure: CascadeError, location: SourceLocation, known: Mapping[str, Any]
) -> dg.AssetsDefinition:
    def fail() -> None:
        raise dg.Failure(description=str(failure), allow_retries=False)

    places = [("error", failure.location), ("workflow", location)]
    spec = dg.AssetSpec(
        key=list(key),
        description=_description(failure),
        metadata={"dagster/code_references": code_references((label, place) for label, place in places if place)},
        **known,
    )
    return dg.multi_asset(
        name=op_name, specs=[spec], partitions_def=spec.partitions_def, description=f"Fails: {failure.message}"
    )(fail)


def _description(failure: CascadeError) -> str:
    # The lineage shows the first line.
    first, _, rest = failure.message.partition("\n")
    place = failure.location
    parts = [
        f"**Broken:** {first}" + (f" ({Path(place.file).name}:{place.line})" if place else ""),
        f"`{place}`" if place else "",
        f"```text\n{rest}\n```" if rest else "",
        failure.hint or "",
        "Runs fail with this error. Correct it and save the file, and the asset loads again.",
    ]
    return "\n\n".join(part for part in parts if part)
