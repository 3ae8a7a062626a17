"""Copy a table to another lakehouse, in one commit there.

Readers of the target see all rows at once, and the ledger of partitions comes with them. What a killed copy has written
is used by the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cascade.exceptions import CommitError, SchemaDriftError, SchemaError
from cascade.iceberg.changes import FileChange
from cascade.iceberg.commit import commit_planned
from cascade.iceberg.copying.files import CopiedFile
from cascade.iceberg.copying.plan import COPIED_FROM, PlannedCopy, copied_from
from cascade.iceberg.ledger.copied import CopiedLedger
from cascade.iceberg.ledger.state import CLAIM_PREFIX, LEDGER, state_of
from cascade.iceberg.publishing import head_of
from cascade.iceberg.snapshot.cache import live_entries, manifests_in
from cascade.iceberg.snapshot.tasks import data_files
from cascade.iceberg.storage_errors import storage_errors_named
from cascade.iceberg.tables import create_namespace, ensure_table
from cascade.iceberg.working_branch import CREATED_ON

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table

    from cascade.iceberg.catalog import Lakehouse
    from cascade.table_ref import TableRef

_OF_CASCADE = "cascade."
# They say where the files of one table are, or what only its own history means.
_NOT_COPIED = frozenset(
    {
        LEDGER,
        COPIED_FROM,
        CREATED_ON,
        "write.data.path",
        "write.metadata.path",
        "write.object-storage.path",
        "write.folder-storage.path",
    }
)


def copy_table(
    target: Lakehouse, planned: PlannedCopy, begin: Callable[[int, int], None] = lambda done, total: None
) -> Table:
    """Copy a table. What the target's table has is replaced; its snapshots are kept as long as any other.

    Args:
        target: the lakehouse that gets the table.
        planned: what `plan_copy` returned.
        begin: called before each data file is copied, with the number of those that are done, and of all.

    Returns:
        The table of the target.

    Raises:
        SchemaError: the target's table has columns that cannot become those of the source.
        CommitError: another writer has changed the target's table since the copy was planned.
        CascadeError: a file cannot be read or written.
    """
    ref, source = planned.ref, planned.source
    with storage_errors_named(target, ref):
        table = _ensure_copy(target, ref, source)
        tasks = data_files(source)
        copies = [CopiedFile(source, task, table) for task in tasks]
        files: list[DataFile] = []
        for done, copy in enumerate(copies):
            begin(done, len(copies))
            files += copy.files()
    committed = commit_planned(
        target,
        ref,
        _Replacement(ref, planned.base, tuple(files)),
        summary=_summary(source),
        properties=CopiedLedger(
            lambda table: state_of(source),
            lambda snapshot: {COPIED_FROM: copied_from(source, snapshot), **_properties(source)},
        ),
    )
    for copy in copies:
        copy.forget()
    return committed.table


@dataclass(frozen=True)
class _Replacement:
    """Plans that all files of a table leave and others come.

    Args:
        ref: the table.
        base: the snapshot that the table must be at; None if it must be empty.
        files: the files that come.
    """

    ref: TableRef
    base: int | None
    files: tuple[DataFile, ...]

    def plan(self, table: Table) -> tuple[DataFile, ...]:
        """Return the files that leave."""
        if not self.still_holds((), table):
            raise CommitError(
                f"Another writer has changed {self.ref.full_name} of the target since the copy began.",
                hint="Run the copy again.",
            )
        head = table.current_snapshot()
        return tuple(
            entry.data_file
            for manifest in (manifests_in(table.io, head.manifest_list) if head else ())
            for entry in live_entries(table.io, manifest)
        )

    def still_holds(self, plan: tuple[DataFile, ...], table: Table) -> bool:
        return head_of(table) == self.base

    def write(self, table: Table, plan: tuple[DataFile, ...]) -> FileChange:
        return FileChange(deleted=plan, added=self.files)


def _ensure_copy(target: Lakehouse, ref: TableRef, source: Table) -> Table:
    """Create the table of the target as the source's is, or give it the same columns and layout."""
    from pyiceberg.exceptions import TableAlreadyExistsError

    schema = source.schema()
    if target.load(ref) is None:
        create_namespace(target, ref.namespace)
        try:
            return target.catalog.create_table(
                ref.identifier,
                schema=schema,
                partition_spec=source.spec(),
                sort_order=source.sort_order(),
                properties={"format-version": str(source.metadata.format_version), **_properties(source)},
            )
        except TableAlreadyExistsError:
            # Another process has just created it.
            pass
    layout = [
        _LayoutField(str(schema.find_column_name(field.source_id)), str(field.transform))
        for field in source.spec().fields
        if str(field.transform) != "void"
    ]
    try:
        return ensure_table(target, ref, schema, partition_spec=layout)
    except SchemaDriftError as error:
        raise SchemaError(
            f"The columns of {ref.full_name} in the target cannot become those of the source:\n"
            + "\n".join(f"  - {each.replace('the declared schema', 'the source')}" for each in error.differences),
            hint="Nothing was written. Drop or rename the table of the target, then run the copy again.",
        ) from error


@dataclass(frozen=True)
class _LayoutField:
    column: str
    transform: str


def _properties(source: Table) -> dict[str, str]:
    """Return the properties that a copy of a table has too."""
    return {
        name: text
        for name, text in source.metadata.properties.items()
        if name not in _NOT_COPIED and not name.startswith(CLAIM_PREFIX)
    }


def _summary(source: Table) -> Mapping[str, str]:
    """Return what the newest snapshot of a table says of its run, so that an identical run finds its rows there."""
    head = source.current_snapshot()
    found = head.summary.additional_properties if head and head.summary else {}
    return {name: text for name, text in found.items() if name.startswith(_OF_CASCADE) and name != LEDGER}
