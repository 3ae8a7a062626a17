"""The columns that Cascade adds to tables of the write disposition `append`, and to quarantines.

Its tools show them only on demand.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyiceberg.schema import Schema

PARTITION_COLUMN = "_cascade_partition"
RUN_COLUMN = "_cascade_run"
SINCE_COLUMN = "_cascade_since"
REFUSED_AT_COLUMN = "_cascade_refused_at"
HIDDEN = frozenset({PARTITION_COLUMN, RUN_COLUMN, SINCE_COLUMN, REFUSED_AT_COLUMN})

_DOCS = {
    PARTITION_COLUMN: "Key of the partition whose run added the row; null for a table without partitions.",
    RUN_COLUMN: "The run that added the row.",
    SINCE_COLUMN: "The state of the source from which the run started; null for a source that does not continue.",
}


def visible(names: Iterable[str]) -> list[str]:
    """Return the names of columns without the hidden ones."""
    return [name for name in names if name not in HIDDEN]


def with_hidden(schema: Schema) -> Schema:
    """Return a schema with the hidden columns at its end."""
    from pyiceberg.schema import Schema
    from pyiceberg.types import NestedField, StringType

    ids = range(schema.highest_field_id + 1, schema.highest_field_id + 1 + len(_DOCS))
    hidden = [
        NestedField(field_id=number, name=name, field_type=StringType(), required=False, doc=doc)
        for number, (name, doc) in zip(ids, _DOCS.items(), strict=True)
    ]
    return Schema(*schema.fields, *hidden, identifier_field_ids=schema.identifier_field_ids)


def hidden_properties() -> dict[str, str]:
    """Return the properties of a table that let statistics find the rows of a partition or of a run."""
    return {f"write.metadata.metrics.column.{name}": "full" for name in _DOCS}
