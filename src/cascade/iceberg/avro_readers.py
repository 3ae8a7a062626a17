"""How pyiceberg reads manifests: what it would work out again for each file.

For each manifest and each list of manifests, pyiceberg 0.12 parses the schema in the file's header and builds a reader
of it. Both are the same for all files of a table, and take longer than reading a small file: a third of a small merge.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

_KEPT = 128


def reuse_avro_readers() -> None:
    """Let pyiceberg parse each schema of Avro files once, and build each reader once. The second call does nothing."""
    from pyiceberg.avro import file

    header: Any = file.AvroFileHeader
    if hasattr(header.get_schema, "__wrapped__"):
        return
    header.get_schema = _parsing_once(header.get_schema)
    names: Any = vars(file)
    for name in ("construct_reader", "resolve_reader"):
        names[name] = _building_once(names[name])


def _parsing_once(get_schema: Callable[[Any], Any]) -> Callable[[Any], Any]:
    class Header:
        def __init__(self, schema: str) -> None:
            self.meta = {"avro.schema": schema}

    @functools.lru_cache(_KEPT)
    def parsed(schema: str) -> Any:
        return get_schema(Header(schema))

    @functools.wraps(get_schema)
    def parsing_once(header: Any) -> Any:
        schema = header.meta.get("avro.schema")
        # pyiceberg has its own error for a file without one.
        return get_schema(header) if schema is None else parsed(schema)

    return parsing_once


class _Same:
    """An argument that equals only itself. Comparing two schemas takes as long as building their reader."""

    def __init__(self, value: object) -> None:
        self.value = value

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.value is other.value


def _building_once(build: Callable[..., Any]) -> Callable[..., Any]:
    # A reader has no state: what it reads from is an argument.
    @functools.lru_cache(_KEPT)
    def built(schemas: tuple[_Same, ...], types: tuple[tuple[tuple[int, object], ...], ...]) -> Any:
        return build(*(schema.value for schema in schemas), *map(dict, types))

    @functools.wraps(build)
    def building_once(*arguments: Any) -> Any:
        types = tuple(tuple(each.items()) for each in arguments if isinstance(each, Mapping))
        return built(tuple(_Same(each) for each in arguments if not isinstance(each, Mapping)), types)

    return building_once
