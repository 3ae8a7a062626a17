"""Which workflows and Dagster assets of the repository depend on each table, as far as their source shows."""

from __future__ import annotations

from collections import defaultdict

from cascade_pants.reader.names import INGESTION
from cascade_pants.util_rules.asset_map import AssetMap


def workflow_readers(assets: AssetMap) -> dict[str, list[dict[str, object]]]:
    """Find who depends on each table.

    Args:
        assets: the assets of the repository.

    Returns:
        The readers by the full name of their table, each as the runtime writes it to a contract.
    """
    found = defaultdict(list)
    for key, places in assets.by_key.items():
        for one in places:
            kind = "workflow" if one.declaration.call == INGESTION else "asset"
            projects = sorted(project.spec for project in one.projects)
            reader: dict[str, object] = {"kind": kind, "name": "/".join(key), "projects": projects}
            needed = [other for need in assets.needs(one) for other in assets.by_key.get(need.key, ())]
            for table in sorted({other.declaration.table for other in needed if other.declaration.table}):
                found[table].append(reader)
    return dict(found)
