"""Where in the YAML of a dbt project a test is."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

_SECTIONS = ("models", "seeds", "snapshots", "sources")
_TESTS = ("data_tests", "tests")


def line_of_test(file: Path, node: Any, described: tuple[str, ...] | None) -> int:
    """Return the line of a test in its file, or of the closest thing around it; 1 if its file is not YAML.

    Args:
        file: the file.
        node: the test in dbt's manifest.
        described: the name of the model, or the names of the source and the table, that a data test is about.
    """
    if file.suffix not in (".yml", ".yaml"):
        return 1
    try:
        document: Any = yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return 1
    if node.resource_type == "unit_test":
        return _line(_named(document, ("unit_tests",), node.name))
    entry = document
    for sections, name in zip((_SECTIONS, ("tables",)), described or ("",), strict=False):
        entry = _named(entry, sections, name)
    column = _named(entry, ("columns",), node.column_name) if node.column_name else None
    metadata = getattr(node, "test_metadata", None)
    around = column or entry
    test = _test(around, metadata.name) if metadata is not None else None
    return _line(test or around)


def _line(node: Any) -> int:
    return node.start_mark.line + 1 if node is not None else 1


def _pairs(node: Any) -> dict[str, Any]:
    return {key.value: value for key, value in node.value} if isinstance(node, yaml.MappingNode) else {}


def _items(node: Any) -> list[Any]:
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _named(node: Any, sections: Iterable[str], name: str | None) -> Any:
    pairs = _pairs(node)
    for section in sections:
        for item in _items(pairs.get(section)):
            if getattr(_pairs(item).get("name"), "value", None) == name:
                return item
    return None


def _test(node: Any, name: str) -> Any:
    pairs = _pairs(node)
    for section in _TESTS:
        for item in _items(pairs.get(section)):
            named = [item.value] if isinstance(item, yaml.ScalarNode) else [*_pairs(item)]
            # A test of a package has the name of the package before its own.
            if any(str(one).rpartition(".")[2] == name for one in named):
                return item
    return None
