"""Which Arrow types are read, and why the others are not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from cascade.runs.columns import Unreadable, Values, batch_of_columns
from cascade.schemas import Batch
from cascade.schemas.views import without_views

# Extension types whose Python values mean what the column means.
_KNOWN_EXTENSIONS = frozenset({"arrow.uuid", "arrow.json", "arrow.bool8", "arrow.opaque"})


def batch_of_table(table: pa.Table, reads: Container[str]) -> Batch:
    """Check the columns of an Arrow table, and return it as a batch.

    Args:
        table: the table.
        reads: the names of the fields that the schema reads.

    Raises:
        ColumnError: a column that the schema reads occurs twice or has a type that cannot be read.
    """
    table = without_views(table)
    names = table.column_names
    if len(set(names)) == len(names) and not any(map(_needs_change, table.schema.types)):
        return table

    def read(position: int) -> Values | Unreadable:
        column = table.column(position)
        if pa.types.is_run_end_encoded(column.type):
            chunks = [pc.run_end_decode(chunk) for chunk in column.chunks]
            column = pa.chunked_array(chunks, column.type.value_type)
        return unreadable(column.type) or column

    return batch_of_columns(names, read, lambda position: _texts(table.column(position)), reads)


def unreadable(arrow: pa.DataType) -> Unreadable | None:
    """Return why a column of an Arrow type cannot be read, or None if it can."""
    found = next((problem for part in _parts(arrow) if (problem := _problem(part))), None)
    return Unreadable(str(arrow), *found) if found else None


def _needs_change(arrow: pa.DataType) -> bool:
    return unreadable(arrow) is not None or pa.types.is_run_end_encoded(arrow)


def _problem(part: pa.DataType) -> tuple[str, str] | None:
    if pa.types.is_interval(part):
        return (
            "whose months differ in length",
            'Convert it to a number of one unit, or to text: table["NAME"].cast("string") or str(value).',
        )
    if isinstance(part, pa.BaseExtensionType) and part.extension_name not in _KNOWN_EXTENSIONS:
        if part.extension_name == "arrow.fixed_shape_tensor":
            return ("whose shape no list keeps", 'Convert it to a list: table["NAME"].combine_chunks().storage.')
        return (
            f"an extension type ({part.extension_name}) whose meaning is not known",
            'Convert it to a plain type, for example to the one that it is stored as: table["NAME"].cast(...).',
        )
    if pa.types.is_struct(part):
        twice = [name for name, count in Counter(field.name for field in part).items() if count > 1]
        if twice:
            return (f'in which the field "{twice[0]}" occurs more than once', "Rename one of the two fields.")
    return None


def _parts(arrow: pa.DataType) -> Iterator[pa.DataType]:
    """Yield a type and the types inside it."""
    yield arrow
    if isinstance(arrow, pa.BaseExtensionType):
        return
    if pa.types.is_dictionary(arrow) or pa.types.is_run_end_encoded(arrow):
        yield from _parts(arrow.value_type)
        return
    for position in range(arrow.num_fields):
        yield from _parts(arrow.field(position).type)


def _texts(column: pa.ChunkedArray) -> Iterator[object]:
    for scalar in column:
        yield str(scalar) if scalar.is_valid else None
