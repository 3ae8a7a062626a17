"""What a run of CI runs: the assets that a change affects."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cascade.declarations.code_version import code_version
from cascade.exceptions import PartitionError, UsageError
from cascade.iceberg.ledger import PartitionSet, Scheme, published_partitions
from cascade.partition_keys import choose_partitions
from cascade.partitions import partitions_definition

if TYPE_CHECKING:
    import dagster as dg

    from cascade.declarations import IngestionDeclaration
    from cascade.iceberg import Lakehouse

_VERSION = 1


@dataclass(frozen=True)
class AffectedNames:
    """The names in the document of `pants cascade-affected --format=json`.

    Args:
        tables: tables of affected assets, and those with an affected check.
        models: names of models, seeds and snapshots.
        tests: names of tests of dbt.
    """

    tables: frozenset[str] = frozenset()
    models: frozenset[str] = frozenset()
    tests: frozenset[str] = frozenset()


def read_affected(text: str, source: str) -> AffectedNames:
    """Read the document of `pants cascade-affected --format=json`.

    Args:
        text: the document.
        source: where it comes from, for errors.

    Raises:
        UsageError: it is another document.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise UsageError(f"{source} is not JSON: {error}", hint=_HOW) from error
    if not isinstance(document, dict) or not {"version", "assets", "models", "checks"} <= document.keys():
        raise UsageError(f"{source} is not what `cascade-affected` prints.", hint=_HOW)
    if document["version"] != _VERSION:
        raise UsageError(
            f"{source} has version {document['version']!r} of its format, and Cascade reads version {_VERSION}.",
            hint="Use the same version of Cascade and of its plugin.",
        )
    try:
        tables = [*(one["table"] for one in document["assets"]), *(one.get("table") for one in document["checks"])]
        models = [one["name"] for one in document["models"]]
        tests = [one["name"] for one in document["checks"] if "table" not in one]
    except (KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{source} is not what `cascade-affected` prints: {error!r}.", hint=_HOW) from error
    return AffectedNames(frozenset(filter(None, tables)), frozenset(models), frozenset(tests))


_HOW = "Write it with: pants cascade-affected --since=origin/main --format=json > affected.json"


def read_affected_file(place: str, standard_input: str) -> AffectedNames:
    """Read the document from a file, or from standard input if the file is `-`.

    Args:
        place: the file.
        standard_input: what standard input has, if that is asked for.

    Raises:
        UsageError: the file cannot be read, or is another document.
    """
    if place == "-":
        return read_affected(standard_input, "Standard input")
    try:
        text = Path(place).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{place} cannot be read: {error}") from error
    return read_affected(text, place)


@dataclass(frozen=True)
class Reach:
    """The assets of a project that a run of CI can run, on a branch.

    Args:
        graph: the asset graph of the project.
        declarations: the workflows, by the key of their asset.
        models: the key of each model, seed and snapshot of dbt, by its name.
        no_branch: why no branch keeps apart what a model writes, by its key.
        files: the file of each model, seed and snapshot that is not one of a package.
    """

    graph: Any
    declarations: Mapping[dg.AssetKey, IngestionDeclaration]
    models: Mapping[str, dg.AssetKey] = field(default_factory=dict)
    no_branch: Mapping[dg.AssetKey, str] = field(default_factory=dict)
    files: Mapping[dg.AssetKey, Path] = field(default_factory=dict)

    def named(self, names: AffectedNames) -> dict[dg.AssetKey, str]:
        """Return the assets with these names, each with the reason. Those of other projects are left out."""
        found = {
            key: "the change affects it"
            for key, declaration in self.declarations.items()
            if declaration.table in names.tables
        }
        found |= {key: "the change affects it" for name, key in self.models.items() if name in names.models}
        for check in self.graph.asset_check_keys:
            if check.name in names.tests:
                found.setdefault(check.asset_key, f"the change affects its test {check.name}")
        return found

    def stale(self, lakehouse: Lakehouse) -> dict[dg.AssetKey, str]:
        """Return the workflows whose code is another one than that of a published partition, or that never ran.

        Args:
            lakehouse: the lakehouse, whose ledgers say which code published.
        """
        found = {}
        for key, declaration in self.declarations.items():
            published, others = published_of(lakehouse, declaration)
            if not published:
                found[key] = "no partition is published"
            elif others:
                found[key] = "other code published its partitions"
        return found

    def with_downstream(self, reasons: Mapping[dg.AssetKey, str]) -> dict[dg.AssetKey, str]:
        """Add all assets that are built from some."""
        found = dict(reasons)
        for key in self.graph.toposorted_asset_keys:
            above = [parent for parent in self.graph.get(key).parent_keys if parent in found]
            if key not in found and above:
                found[key] = f"it is built from {min(above).to_user_string()}"
        return found

    def runnable(self, keys: Iterable[dg.AssetKey]) -> list[dg.AssetKey]:
        """Return the assets that write to a branch, and nowhere else, in the order of the lineage."""
        wanted = frozenset(keys)
        return [key for key in self.graph.toposorted_asset_keys if key in wanted and self.not_run(key) is None]

    def not_run(self, key: dg.AssetKey) -> str | None:
        """Return why an asset does not run on a branch; None if it does."""
        if key in self.declarations:
            return None
        if key in self.models.values():
            return self.no_branch.get(key)
        if not self.graph.get(key).is_materializable:
            return "it is not built by this project"
        return "only workflows and dbt models write to a branch"


def published_of(lakehouse: Lakehouse, declaration: IngestionDeclaration) -> tuple[PartitionSet, PartitionSet]:
    """Return the published partitions of a workflow, and those of them that another version of its code published.

    Args:
        lakehouse: the lakehouse.
        declaration: the workflow.
    """
    scheme, version = Scheme.of(partitions_definition(declaration)), code_version(declaration)
    nothing, table = PartitionSet(scheme), lakehouse.load(declaration.table_ref)
    if table is None:
        return nothing, nothing
    ledger = published_partitions(table)
    # Keys of partitions of another length or time zone stand for other rows.
    return nothing | ledger.partitions(), nothing | ledger.partitions(other_than=version) if version else nothing


def chosen_partitions(
    lakehouse: Lakehouse, declaration: IngestionDeclaration, keys: Sequence[str], number: int
) -> Sequence[str]:
    """Return the partitions that a partitioned workflow runs.

    Args:
        lakehouse: the lakehouse, on `main`.
        declaration: the workflow.
        keys: the keys that the user typed; none for the newest published partitions.
        number: how many of these. If none is published, the newest partition that has ended runs.

    Raises:
        PartitionError: a key is not one of the workflow, or no partition has ended.
    """
    partitions, asset = partitions_definition(declaration), "/".join(declaration.asset_key)
    if keys:
        return [key for key in choose_partitions(asset, partitions, keys, ()) if key is not None]
    closed = PartitionSet.closed(partitions, datetime.now(UTC))
    published, _ = published_of(lakehouse, declaration)
    known = published & closed
    found = last_keys(known, number) if known else last_keys(closed, 1)
    if not found:
        raise PartitionError(f"No partition of {asset} has ended yet.", location=declaration.location)
    return [key for key in found if key is not None]


def last_keys(partitions: PartitionSet, number: int) -> Sequence[str | None]:
    """Return the keys of the last partitions of a set, in their order.

    Args:
        partitions: the set.
        number: how many.
    """
    found: list[str | None] = []
    for first, last in reversed(partitions.intervals):
        position = last
        while position >= first and len(found) < number:
            found.append(partitions.scheme.key(position))
            position -= 1
    return found[::-1]
