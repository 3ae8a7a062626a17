"""Work on the distinct values of Arrow columns, which are few in a column of days."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


def distinct(column: pa.ChunkedArray) -> pa.DictionaryArray | None:
    """Return a column of text or numbers as its distinct values and their places, or None for another type."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pa.types.is_string_view(kind):
        column, kind = column.cast(pa.large_string()), pa.large_string()
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if not (is_text or pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_null(kind)):
        return None
    return pa.concat_arrays(column.chunks or [pa.array([], kind)]).dictionary_encode()


def reformatted(table: pa.Table, formats: Mapping[str, Callable[[object], object]]) -> pa.Table:
    """Return a table in which the text of some columns is rewritten.

    Args:
        table: the rows.
        formats: how to rewrite a value, by column. Columns that the table lacks are left out.
    """
    import pyarrow as pa

    for name, rewrite in formats.items():
        place = table.schema.get_field_index(name)
        values = distinct(table.column(place)) if place >= 0 else None
        if values is None:
            continue
        texts = [None if value is None else str(rewrite(value)) for value in values.dictionary.to_pylist()]
        table = table.set_column(place, name, pa.array(texts, pa.string()).take(values.indices))
    return table
