"""Select assets with Dagster's selection syntax, such as `+gold_daily_delays`, `group:silver` or `a or b`."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from cascade.exceptions import CascadeError, UsageError
from cascade.program import typed
from cascade.spelling import did_you_mean

if TYPE_CHECKING:
    import dagster as dg

_NAME = r"[\w./-]+"
_VALUE = r'(?:"[^"]*"|[^\s"()+=]+)'
_TOKEN = re.compile(
    rf"""
    (?P<attribute>[A-Za-z_]+:)\s*(?P<value>{_VALUE})(?P<of_tag>=(?:{_VALUE})?)?
    | "[^"]*"
    | [A-Za-z_]+\s*(?=\()
    | \d+(?=\+) | (?<=\+)\d+(?![\w./-])
    | (?P<name>{_NAME})
    """,
    re.VERBOSE,
)
_OPERATORS = ("and", "or", "not")
_EXAMPLES = '+name, name+, "a or b", group:silver, tag:daily, "key:raw/*"'


def is_selection(text: str) -> bool:
    """Return whether a text is more than the name of an asset or a table.

    Args:
        text: what the user typed.
    """
    return re.fullmatch(_NAME, text) is None


def select_assets(
    graph: Any,
    text: str,
    key_of_table: Callable[[str], dg.AssetKey | None] = lambda table: None,
    failures: Sequence[CascadeError] = (),
) -> frozenset[dg.AssetKey]:
    """Return the assets that a selection selects.

    Args:
        graph: the asset graph of the project.
        text: the selection. A name in it may be that of a table, such as `raw.flights`.
        key_of_table: returns the asset that fills a table, or None.
        failures: the errors of parts that did not load, one of which may have what is missing.

    Returns:
        The selected assets that can be materialized; at least one.

    Raises:
        UsageError: the selection cannot be read, selects nothing, or has a name that does not exist.
    """
    with warnings.catch_warnings():
        # Some kinds of selection are in beta.
        warnings.simplefilter("ignore")
        selection = _parsed(text, key_of_table)
        keys: frozenset[dg.AssetKey] = frozenset(selection.resolve(graph)) & graph.materializable_asset_keys
        for part in _parts(selection):
            what, name, known = _described(part, graph)
            if what and (not keys or "*" not in name) and not part.resolve(graph):
                message = f'The selection "{text}" names the {what} "{name}", which no asset has.'
                if what == "asset":
                    message = f'The selection "{text}" names the asset "{name}", which does not exist.'
                raise _error(message + did_you_mean(name, known), failures)
    if not keys:
        raise _error(f'The selection "{text}" selects no asset.', failures)
    return keys


def _error(message: str, failures: Sequence[CascadeError]) -> UsageError:
    if failures:
        message += f" It may be in a part that could not be loaded:\n{failures[0]}"
    return UsageError(message, hint=f"See the list: {typed('list')}")


def _parsed(text: str, key_of_table: Callable[[str], dg.AssetKey | None]) -> dg.AssetSelection:
    """Read a selection. Dagster reads `key:"a" or key:"b"`, and users write `a or b`."""
    import dagster as dg

    def written(match: re.Match[str]) -> str:
        attribute, value, name = match["attribute"], match["value"], match["name"]
        if attribute:
            # Dagster reads a colon in a value, such as that of an owner, only in quotes.
            quoted = value if value.startswith('"') or ":" not in value else f'"{value}"'
            return f"{attribute}{quoted}{match['of_tag'] or ''}"
        if name is None:
            return match[0]
        if name.lower() in _OPERATORS:
            return name.lower()
        key = key_of_table(name)
        return f'key:"{key.to_user_string() if key is not None else name}"'

    try:
        return dg.AssetSelection.from_string(_TOKEN.sub(written, text))
    except dg.DagsterError:
        message = f'"{text}" is neither an asset nor a selection of assets.'
        raise UsageError(message, hint=f"A selection is written like these: {_EXAMPLES}") from None


def _parts(selection: Any) -> Iterator[Any]:
    """Return the parts of a selection that name something."""
    inner = [
        *getattr(selection, "operands", ()),
        *(getattr(selection, name) for name in ("child", "left", "right") if hasattr(selection, name)),
    ]
    if not inner:
        yield selection
    for each in inner:
        yield from _parts(each)


def _described(part: Any, graph: Any) -> tuple[str, str, Iterable[str]]:
    """Return what a part of a selection names, the name, and the names that exist."""
    nodes = [graph.get(key) for key in graph.materializable_asset_keys]
    if hasattr(part, "selected_key_wildcard"):
        return "asset", part.selected_key_wildcard, [node.key.to_user_string() for node in nodes]
    if hasattr(part, "selected_groups"):
        return "group", ", ".join(part.selected_groups), [node.group_name for node in nodes]
    if hasattr(part, "selected_owner"):
        return "owner", str(part.selected_owner), [owner for node in nodes for owner in node.owners]
    if hasattr(part, "kind_str"):
        return "kind", str(part.kind_str), [kind for node in nodes for kind in node.kinds]
    if type(part).__name__ == "TagAssetSelection":
        tags = {f"{name}={value}" if value else name for node in nodes for name, value in node.tags.items()}
        return "tag", f"{part.key}={part.value}" if part.value else part.key, tags
    return "", "", ()
