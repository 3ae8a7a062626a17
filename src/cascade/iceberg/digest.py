"""A digest of rows, which tells that two batches differ without reading the table.

Two digests of the same version and schema that differ stand for different rows. The bytes behind nulls, offsets of
slices and the kinds of NaN are not part of the digest, so that equal rows always have the same one. Rows are added in
blocks of a fixed length, so that a batch that does not fit in memory has the same digest as one that does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from cascade.iceberg.columns import storage_of

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

_VERSION = 2
_ROWS_PER_BLOCK = 16_384


def digest_of(rows: pa.Table, order: str = "") -> str:
    """Return the digest of rows, as `version-schema-rows`.

    Args:
        rows: the rows, in the table's schema and in a fixed order.
        order: what put them in that order, unless it is their key. Digests of rows in another order say nothing.
    """
    return digest_of_parts([rows], rows.schema, rows.num_rows, order)


def digest_of_parts(parts: Iterable[pa.Table], schema: pa.Schema, rows: int, order: str = "") -> str:
    """Return the digest of rows that arrive in parts, which is that of all rows at once.

    Args:
        parts: the rows; see `digest_of`.
        schema: their columns.
        rows: number of rows.
        order: see `digest_of`.
    """
    found = hashlib.sha256(str(rows).encode())
    for block in _blocks(parts):
        for column in block.columns:
            plain = storage_of(column).combine_chunks()
            _add(found, plain.chunk(0) if isinstance(plain, pa.ChunkedArray) else plain)
    return labelled(schema, order, _short(found))


def labelled(schema: pa.Schema, order: str, rows: str) -> str:
    """Return a digest with what makes it comparable with others.

    Args:
        schema: the columns.
        order: see `digest_of`.
        rows: the digest.
    """
    columns = repr([(field.name, str(field.type)) for field in schema])
    return f"{_VERSION}-{_short(hashlib.sha256(f'{columns}{order}'.encode()))}-{rows}"


def differ(left: str, right: str) -> bool:
    """Return whether two digests stand for different rows. Digests of another version or schema say nothing."""
    *known, rows = left.split("-")
    *others, other_rows = right.split("-")
    return known == others and rows != other_rows


def _blocks(parts: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Yield rows in blocks of equal length, and the rest."""
    held: list[pa.Table] = []
    missing = _ROWS_PER_BLOCK
    for part in parts:
        start = 0
        while part.num_rows - start >= missing:
            yield pa.concat_tables([*held, part.slice(start, missing)])
            start += missing
            held, missing = [], _ROWS_PER_BLOCK
        if start < part.num_rows:
            held.append(part.slice(start))
            missing -= part.num_rows - start
    if held:
        yield pa.concat_tables(held)


def _add(found: Hash, values: pa.Array) -> None:
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    if values.null_count:
        _add_bits(found, values.is_valid())
    if pa.types.is_list(values.type) or pa.types.is_large_list(values.type):
        _add(found, pc.fill_null(pc.list_value_length(values), 0))
        # `list_flatten` fails on null lists of UUIDs.
        _add(found, pc.list_flatten(values.take(pc.indices_nonzero(values.is_valid()))))
    elif pa.types.is_struct(values.type):
        for position in range(values.type.num_fields):
            _add(found, pc.struct_field(values, [position]))
    elif pa.types.is_boolean(values.type):
        _add_bits(found, pc.fill_null(values, False))
    elif pa.types.is_nested(values.type):
        found.update(repr(values.to_pylist()).encode())
    elif not pa.types.is_null(values.type):
        _add_plain(found, values)


def _add_plain(found: Hash, values: pa.Array) -> None:
    """Add the bytes of values. Those behind nulls are undefined, and those before and after a slice are other rows'."""
    import numpy as np

    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_nan(values), pa.scalar(float("nan"), values.type), values)
    plain = values.drop_null()
    if not len(plain):
        return
    _, first, *more = plain.buffers()
    if more:
        large = pa.types.is_large_string(plain.type) or pa.types.is_large_binary(plain.type)
        offsets = np.frombuffer(first, np.int64 if large else np.int32)[plain.offset : plain.offset + len(plain) + 1]
        found.update(np.diff(offsets).tobytes())
        found.update(memoryview(more[0])[offsets[0] : offsets[-1]])
    else:
        width = plain.type.bit_width // 8
        found.update(memoryview(first)[plain.offset * width : (plain.offset + len(plain)) * width])


def _add_bits(found: Hash, values: pa.Array) -> None:
    found.update(values.to_numpy(zero_copy_only=False).tobytes())


def _short(found: Hash) -> str:
    return found.hexdigest()[:24]
