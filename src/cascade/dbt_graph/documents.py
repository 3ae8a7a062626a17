"""Read YAML, and remember the lines of its mappings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from cascade.dbt_graph.errors import DocumentError


class Located(dict[Any, Any]):
    """A mapping of a YAML document."""

    line = 1


# The parser in C is ten times as fast, and not on every platform.
_Parser: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Parser):  # type: ignore[misc]
    pass


def _mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> Iterator[Located]:
    made = Located()
    made.line = node.start_mark.line + 1
    yield made
    made.update(loader.construct_mapping(node))


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def read_document(text: str) -> Mapping[str, Any]:
    """Read a YAML document that is a mapping.

    Args:
        text: the document.

    Returns:
        The mapping. An empty one for a document of another kind, which dbt reports.

    Raises:
        DocumentError: it is not valid YAML.
    """
    try:
        document = yaml.load(text, _Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise DocumentError(error.problem or "invalid YAML", 1 if mark is None else mark.line + 1) from error
    except (yaml.YAMLError, ValueError) as error:
        raise DocumentError(f"invalid YAML: {error}", 1) from error
    return document if isinstance(document, Mapping) else {}


def mappings(value: object) -> list[Mapping[str, Any]]:
    """Return the mappings of a list, and nothing for anything else."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def mapping(value: object) -> Mapping[str, Any]:
    """Return a mapping, and an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def line_of(value: object) -> int:
    """Return the line of a mapping that was read."""
    return value.line if isinstance(value, Located) else 1
