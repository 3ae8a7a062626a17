"""The catalog of a Singer tap: its streams, with the columns and the key of each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from cascade.migration.foreign.columns import columns_of_json_schema
from cascade.migration.foreign.found import Column
from cascade.migration.foreign.meltano_project import Plugin

_MOST_BYTES = 50_000_000


@dataclass(frozen=True)
class Stream:
    """A stream of a tap.

    Args:
        name: its name.
        key: the columns that identify a row.
        columns: the columns that are known.
        left: the names of columns that are left out, because they are nested.
        complete: whether there are no other columns.
    """

    name: str
    key: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    left: tuple[str, ...] = ()
    complete: bool = False


def catalog_files(plugin: Plugin, root: Path) -> Iterator[Path]:
    """Yield the places where the catalog of an extractor may be, the preferred one first.

    Args:
        plugin: the extractor.
        root: the directory of the project.
    """
    given = plugin.settings.get("catalog")
    if isinstance(given, str):
        yield root / given
    yield root / f"{plugin.name}.catalog.json"
    yield root / "extract" / f"{plugin.name}.catalog.json"
    # Meltano writes it when it starts the tap.
    yield root / ".meltano" / "run" / plugin.name / "tap.properties.json"


def streams_of(plugin: Plugin, root: Path) -> list[Stream] | None:
    """Return the selected streams of an extractor, from its catalog or from its rules.

    Args:
        plugin: the extractor.
        root: the directory of the project.

    Returns:
        The streams, or None if only the tap knows them.
    """
    for path in catalog_files(plugin, root):
        if path.is_file() and path.stat().st_size <= _MOST_BYTES:
            try:
                document = json.loads(path.read_text("utf-8"))
            except (OSError, ValueError):
                continue
            streams = document.get("streams") if isinstance(document, Mapping) else None
            if isinstance(streams, list):
                read = [_stream(each, plugin) for each in streams if isinstance(each, Mapping)]
                return [each for each in read if each is not None]
    names = dict.fromkeys(_stream_and_column(rule)[0] for rule in plugin.select if not rule.startswith("!"))
    if not names or any(set(name) & set("*?[") for name in names):
        return None
    return [Stream(name, _declared_key(plugin, name)) for name in names]


def _stream(entry: Mapping[str, Any], plugin: Plugin) -> Stream | None:
    name, schema = str(entry.get("tap_stream_id") or entry.get("stream")), entry.get("schema")
    whole = _metadata(entry)
    if not isinstance(schema, Mapping) or not isinstance(schema.get("properties"), Mapping):
        return None
    if plugin.select:
        wanted = [each for each in schema["properties"] if _is_selected(name, str(each), plugin.select)]
    else:
        wanted = [*schema["properties"]] if whole.get("selected", True) is not False else []
    key = (
        _declared_key(plugin, name) or _names(entry.get("key_properties")) or _names(whole.get("table-key-properties"))
    )
    if not wanted:
        return None
    columns, left = columns_of_json_schema(schema, {*wanted, *key})
    return Stream(name, key, columns, left, complete=bool(columns))


def _metadata(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    for each in entry.get("metadata") or ():
        if isinstance(each, Mapping) and each.get("breadcrumb") == [] and isinstance(each.get("metadata"), Mapping):
            found: Mapping[str, Any] = each["metadata"]
            return found
    return {}


def _declared_key(plugin: Plugin, stream: str) -> tuple[str, ...]:
    metadata = plugin.settings.get("metadata")
    for pattern, values in metadata.items() if isinstance(metadata, Mapping) else ():
        if fnmatchcase(stream, str(pattern)) and isinstance(values, Mapping):
            key = _names(values.get("table-key-properties")) or _names(values.get("key-properties"))
            if key:
                return key
    return ()


def _is_selected(stream: str, column: str, rules: Sequence[str]) -> bool:
    def matches(rule: str) -> bool:
        of_stream, of_column = _stream_and_column(rule)
        return fnmatchcase(stream, of_stream) and fnmatchcase(column, of_column)

    return any(matches(rule) for rule in rules if rule[:1] != "!") and not any(
        matches(rule[1:]) for rule in rules if rule[:1] == "!"
    )


def _stream_and_column(rule: str) -> tuple[str, str]:
    # A dot of a name has a backslash before it.
    stream, dot, column = rule.replace(r"\.", "\0").partition(".")
    return stream.replace("\0", "."), (column if dot else "*").replace("\0", ".")


def _names(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()
