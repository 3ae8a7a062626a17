"""A repair of pyiceberg 0.12, which stores and reads a null list of structs as an empty one (iceberg-python #3833)."""

from __future__ import annotations

import functools
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc


def keep_null_lists() -> None:
    """Let pyiceberg keep nulls when it rebuilds lists of structs. The second call does nothing."""
    from pyiceberg.io.pyarrow import ArrowProjectionVisitor

    rebuild = ArrowProjectionVisitor.list
    if hasattr(rebuild, "__wrapped__"):
        return

    @functools.wraps(rebuild)
    def keeping(self: Any, list_type: Any, list_array: Any, value_array: Any) -> Any:
        rebuilt = rebuild(self, list_type, list_array, value_array)
        if rebuilt is None or rebuilt.null_count == list_array.null_count:
            return rebuilt
        # `if_else` on the lists themselves fails if they contain UUIDs.
        return rebuilt.take(pc.if_else(list_array.is_valid(), pa.arange(0, len(rebuilt)), None))

    ArrowProjectionVisitor.list = keeping  # type: ignore[method-assign]
