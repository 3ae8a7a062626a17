"""Values as another engine keeps them exactly: whole numbers in place of bits, times, floats and extension types."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc


def plain(values: pa.Array) -> pa.Array:
    """Return values in a type that has no zone, no NaN and no extension; see `restored`."""
    if isinstance(values, pa.ExtensionArray):
        return plain(values.storage)
    kind = values.type
    if pa.types.is_boolean(kind):
        return values.cast(pa.uint8())
    if pa.types.is_struct(kind):
        fields = [plain(pc.struct_field(values, [place])) for place in range(kind.num_fields)]
        return pa.StructArray.from_arrays(
            fields, names=[str(place) for place in range(kind.num_fields)], mask=_nulls(values)
        )
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _list_of(values, plain(_elements(values)), None)
    return values.view(_whole_number(kind)) if _is_viewed(kind) else values


def restored(values: pa.Array, kind: pa.DataType) -> pa.Array:
    """Return values in their own type.

    Args:
        values: what `plain` returned, in the same or in a related type.
        kind: the type that it was given.
    """
    if isinstance(kind, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(kind, restored(values, kind.storage_type))
    if pa.types.is_struct(kind):
        fields = [
            restored(pc.struct_field(values, [place]), kind.field(place).type) for place in range(kind.num_fields)
        ]
        return pa.StructArray.from_arrays(fields, fields=list(kind), mask=_nulls(values))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _list_of(values, restored(_elements(values), kind.value_type), kind)
    return values.cast(_whole_number(kind)).view(kind) if _is_viewed(kind) else values.cast(kind)


def _is_viewed(kind: pa.DataType) -> bool:
    return bool(pa.types.is_temporal(kind) or pa.types.is_floating(kind))


def _whole_number(kind: pa.DataType) -> pa.DataType:
    return {16: pa.int16(), 32: pa.int32(), 64: pa.int64()}[kind.bit_width]


def _nulls(values: pa.Array) -> pa.Array | None:
    return values.is_null() if values.null_count else None


def _elements(lists: pa.Array) -> pa.Array:
    # `list_flatten` fails on null lists of UUIDs.
    return pc.list_flatten(lists.drop_null() if lists.null_count else lists)


def _list_of(lists: pa.Array, elements: pa.Array, kind: pa.DataType | None) -> pa.Array:
    """Return lists with other elements, as long as those given."""
    is_large = pa.types.is_large_list(lists.type if kind is None else kind)
    lengths = pc.fill_null(pc.list_value_length(lists), 0).cast(pa.int64())
    ends = pc.cumulative_sum(lengths)
    number = pa.int64() if is_large else pa.int32()
    offsets = pa.concat_arrays([pa.array([0], number), ends.cast(number)])
    make = pa.LargeListArray if is_large else pa.ListArray
    return make.from_arrays(offsets, elements, type=kind, mask=_nulls(lists))
