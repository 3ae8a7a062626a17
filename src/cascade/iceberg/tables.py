"""Create a table, and evolve its schema as far as G4 allows."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from cascade.declarations.layouts import field_name
from cascade.exceptions import CascadeError, CommitError, CommitRefusedError, SchemaDriftError
from cascade.iceberg.branches import missing_branch
from cascade.iceberg.commit_outcomes import Outcome, described, outcome_of
from cascade.iceberg.drift import schema_difference
from cascade.iceberg.locations import local_directory
from cascade.iceberg.storage_errors import storage_errors_named
from cascade.iceberg.working_branch import created_on, evolve_branch, start_branch
from cascade.notices import notice
from cascade.program import typed
from cascade.table_ref import MAIN_BRANCH, TableRef

if TYPE_CHECKING:
    from pyiceberg.partitioning import PartitionSpec
    from pyiceberg.schema import Schema
    from pyiceberg.table import Table
    from pyiceberg.table.sorting import SortOrder
    from pyiceberg.types import NestedField

    from cascade.iceberg.catalog import Lakehouse

_ATTEMPTS = 20
_UNANSWERED_ATTEMPTS = 5
_UNANSWERED_WAIT_SECONDS = 0.5
_BAD_REQUEST = "HTTP 400 Bad Request"
_NOT_UNDERSTOOD = (
    "The catalog refuses changes of a schema as pyiceberg sends them, as Nessie 0.99 does. Use another catalog, or "
    "another version of this one."
)


class LayoutField(Protocol):
    """One field of an Iceberg layout; `cascade.declarations.PartitionField` is one."""

    @property
    def column(self) -> str:
        """Name of the column."""
        ...

    @property
    def transform(self) -> str:
        """The transform as Iceberg spells it, such as `bucket[16]`."""
        ...


def layout_properties(unique_key: Sequence[str]) -> dict[str, str]:
    """Return the table properties that keep runs cheap: statistics of the key, small row groups, little metadata."""
    return {
        "write.parquet.row-group-limit": "125000",
        "write.metadata.delete-after-commit.enabled": "true",
        "write.metadata.previous-versions-max": "50",
        "commit.manifest-merge.enabled": "true",
        "commit.manifest.min-count-to-merge": "20",
        **{f"write.metadata.metrics.column.{name}": "full" for name in unique_key},
    }


def ensure_table(
    lakehouse: Lakehouse,
    ref: TableRef,
    schema: Schema,
    *,
    partition_spec: Sequence[LayoutField] = (),
    properties: Mapping[str, str] | None = None,
) -> Table:
    """Create a table if it does not exist, and apply the schema changes that G4 allows.

    Args:
        lakehouse: the lakehouse that holds the table.
        ref: the table and its branch.
        schema: the declared schema; its identifier fields are the unique key.
        partition_spec: the declared Iceberg layout.
        properties: further properties of a new table.

    Returns:
        The table, on its branch. All branches of the table share its schema, but for the lakehouse's own branch: what
        is written there has the declared schema, in the layout of the table, and `main` keeps its own.

    Raises:
        SchemaDriftError: the schema differs in a way that G4 refuses. Nothing was written.
        CommitError: other writers changed the schema at the same time, every time, or the catalog did not answer.
        CommitRefusedError: the catalog refused to create or to change the table, for good.
        CascadeError: the disk is full, or cannot be written.
        UsageError: the branch does not exist. Nothing was created.
    """
    target = lakehouse.target(ref)
    for attempt in range(_ATTEMPTS):
        table = lakehouse.load(ref)
        try:
            with storage_errors_named(lakehouse, ref):
                if target != ref:
                    if table is None:
                        marked = {**(properties or {}), **created_on(lakehouse, ref)}
                        _create(lakehouse, ref, schema, partition_spec, marked)
                    start_branch(lakehouse, ref)
                    return evolve_branch(lakehouse, ref, lambda found: _evolved(found, schema))
                table = table or _create(lakehouse, ref, schema, partition_spec, properties or {})
                return lakehouse.at(_evolve(table, schema, partition_spec), ref)
        except CascadeError:
            raise
        except Exception as error:
            # Whether a change without an answer landed shows when the table is loaded again.
            _check_outcome(ref, error, attempt)
    raise AssertionError("unreachable")


def _check_outcome(ref: TableRef, error: Exception, attempt: int) -> None:
    """Raise an error unless it makes sense to try again, and wait if the catalog did not answer."""
    outcome = outcome_of(error)
    if outcome is Outcome.UNEXPECTED:
        raise error
    if outcome is Outcome.REFUSED:
        raise CommitRefusedError(
            f"The catalog refused to create {ref.full_name} or to change its schema: {described(error)}",
            hint="Check the permissions and the credentials of the catalog's user, then run it again.",
        ) from error
    if attempt + 1 >= (_UNANSWERED_ATTEMPTS if outcome is Outcome.UNKNOWN else _ATTEMPTS):
        raise CommitError(
            f"Could not change the schema of {ref.full_name} in {attempt + 1} attempts. The last one: "
            f"{described(error)}",
            hint=_NOT_UNDERSTOOD if _BAD_REQUEST in str(error) else "Run it again.",
        ) from error
    if outcome is Outcome.UNKNOWN:
        time.sleep(_UNANSWERED_WAIT_SECONDS * 2**attempt)


def check_drift(table: Table, schema: Schema) -> bool:
    """Compare a table with the declared schema.

    Args:
        table: the table.
        schema: the declared schema.

    Returns:
        Whether the table's schema must change.

    Raises:
        SchemaDriftError: G4 refuses one of the differences.
    """
    difference = schema_difference(table.schema(), schema)
    if difference.refused:
        raise SchemaDriftError(
            ".".join(table.name()),
            difference.refused,
            hint="Nothing was written. Declare the columns as the table has them, or choose another table_name.",
        )
    return bool(difference.applied)


def _create(
    lakehouse: Lakehouse,
    ref: TableRef,
    schema: Schema,
    partition_spec: Sequence[LayoutField],
    properties: Mapping[str, str],
) -> Table:
    """Create the namespace and the table, or load the table that another process created meanwhile."""
    from pyiceberg.exceptions import TableAlreadyExistsError

    if ref.branch != MAIN_BRANCH:
        raise missing_branch(ref, [])
    key = sorted(schema.identifier_field_names())
    create_namespace(lakehouse, ref.namespace)
    try:
        table = lakehouse.catalog.create_table(
            ref.identifier,
            schema=schema,
            partition_spec=_spec(schema, partition_spec),
            sort_order=_sort_order(schema),
            properties={**layout_properties(key), **properties},
        )
    except TableAlreadyExistsError:
        return lakehouse.require(ref)
    _notice_earlier_rows(lakehouse, ref, table.location())
    return table


def _notice_earlier_rows(lakehouse: Lakehouse, ref: TableRef, location: str) -> None:
    """Tell that a new table's directory has rows of an earlier one, as it does if the catalog was lost.

    An object store is not listed for this.
    """
    directory = local_directory(location)
    if directory is not None and next(directory.glob("data/**/*.parquet"), None) is not None:
        notice(
            f"{ref.full_name} is a new table, but {directory} has files of an earlier one, which the catalog at "
            f"{lakehouse.uri} does not know. If the catalog was lost, move this one away before `cascade maintain` "
            f"removes those files, and rebuild it: {typed('doctor --recover')}"
        )


def create_namespace(lakehouse: Lakehouse, namespace: str) -> None:
    """Create a namespace of the catalog unless it exists.

    Args:
        lakehouse: the lakehouse.
        namespace: its name.
    """
    from pyiceberg.exceptions import NamespaceAlreadyExistsError

    if lakehouse.catalog.namespace_exists(namespace):
        return
    try:
        lakehouse.catalog.create_namespace(namespace)
    except NamespaceAlreadyExistsError:
        return
    except Exception:
        # A SQL catalog that loses the race raises the database's own error.
        if not lakehouse.catalog.namespace_exists(namespace):
            raise


def _spec(schema: Schema, fields: Sequence[LayoutField]) -> PartitionSpec:
    from pyiceberg.partitioning import PARTITION_FIELD_ID_START, PartitionField, PartitionSpec
    from pyiceberg.transforms import parse_transform

    return PartitionSpec(
        *(
            PartitionField(
                source_id=schema.find_field(field.column).field_id,
                field_id=PARTITION_FIELD_ID_START + position,
                transform=parse_transform(field.transform),
                name=field_name(field.column, field.transform),
            )
            for position, field in enumerate(fields)
        )
    )


def _sort_order(schema: Schema) -> SortOrder:
    """Return the order of rows in files: by key, in the schema's order of columns."""
    from pyiceberg.table.sorting import SortField, SortOrder
    from pyiceberg.transforms import IdentityTransform

    ids = [field.field_id for field in schema.fields if field.field_id in schema.identifier_field_ids]
    return SortOrder(*(SortField(source_id=field_id, transform=IdentityTransform()) for field_id in ids))


def _evolve(table: Table, schema: Schema, partition_spec: Sequence[LayoutField]) -> Table:
    """Apply new columns, widened types and another layout. Writes metadata only."""
    changed = check_drift(table, schema)
    wanted = {field_name(field.column, field.transform): field for field in partition_spec}
    present = {field.name for field in table.spec().fields if str(field.transform) != "void"}
    if not changed and wanted.keys() == present:
        return table
    with table.transaction() as transaction:
        if changed:
            with transaction.update_schema() as update:
                update.union_by_name(_changes(table.schema(), schema))
        if wanted.keys() != present:
            with transaction.update_spec() as spec:
                for name in sorted(present - wanted.keys()):
                    spec.remove_field(name)
                for name in [name for name in wanted if name not in present]:
                    spec.add_field(wanted[name].column, wanted[name].transform, name)
    return table.refresh()


def _evolved(table: Table, schema: Schema) -> Schema | None:
    """Return the schema that a table would have, or None if it has that. Nothing is written."""
    from pyiceberg.table import Transaction

    if not check_drift(table, schema):
        return None
    transaction = Transaction(table)
    with transaction.update_schema() as update:
        update.union_by_name(_changes(table.schema(), schema))
    return transaction.table_metadata.schema()


def _changes(present: Schema, declared: Schema) -> Schema:
    """Return the declared columns that the table may lack or have otherwise.

    pyiceberg searches the whole schema for each column it is given, which thousands of equal columns cannot afford.
    """
    from pyiceberg.schema import Schema

    known = {field.name: field for field in present.fields}

    def same(field: NestedField) -> bool:
        old = known.get(field.name)
        return (
            old is not None
            and field.field_type.is_primitive
            and (field.field_type, field.required, field.doc) == (old.field_type, old.required, old.doc)
        )

    return Schema(*(field for field in declared.fields if not same(field)))
