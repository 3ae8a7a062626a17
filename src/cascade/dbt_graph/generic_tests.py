"""The generic tests and descriptions in YAML."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from cascade.dbt_graph.calls import Macros
from cascade.dbt_graph.documents import mapping, mappings
from cascade.dbt_graph.follow import Follower
from cascade.dbt_graph.templates import has_jinja
from cascade.dbt_graph.values import UNKNOWN, Values

_CALL = re.compile(r"^\s*(env_var|ref|var|source|doc)\s*\(.+\)\s*$", re.DOTALL)


def follow_entry(
    entry: Mapping[str, Any], follower: Follower, macros: Macros, package: str, *, tested: bool = True
) -> None:
    """Follow what the YAML of a model, a seed, a snapshot or a table of a source calls.

    Args:
        entry: its mapping.
        follower: collects the calls.
        macros: the macros of the project.
        package: the package of the YAML.
        tested: whether generic tests that do not say otherwise are enabled.
    """
    parts = [entry, *mappings(entry.get("versions"))]
    columns = [(part, None) for part in parts]
    columns += [(column, column.get("name")) for part in parts for column in mappings(part.get("columns"))]
    for part, column in columns:
        _follow_text(part.get("description"), follower)
        for name, arguments in _tests(part):
            if mapping(arguments.get("config")).get("enabled", arguments.get("enabled", tested)) is not False:
                _follow_test(name, arguments, column, follower, macros, package)
    for hook in ("pre_hook", "post_hook", "pre-hook", "post-hook"):
        value = mapping(entry.get("config")).get(hook)
        for one in value if isinstance(value, list) else [value]:
            _follow_text(mapping(one).get("sql", one), follower)


def follow_expression(text: object, follower: Follower) -> None:
    """Follow a text that is one call, such as `ref('orders')`.

    Args:
        text: the text. Anything else is ignored.
        follower: collects the calls.
    """
    if isinstance(text, str):
        follower.string(f"{{{{ {text} }}}}" if _CALL.match(text) else text)


def _follow_text(text: object, follower: Follower) -> None:
    if isinstance(text, str) and has_jinja(text):
        follower.string(text)


def has_tests(entry: Mapping[str, Any]) -> bool:
    """Return whether the YAML of a model or a table of a source has generic tests.

    Args:
        entry: its mapping.
    """
    return any(any(_tests(part)) for part in (entry, *mappings(entry.get("columns"))))


def _tests(part: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key in ("tests", "data_tests"):
        listed = part.get(key)
        for test in listed if isinstance(listed, list) else ():
            if isinstance(test, str):
                yield test, {}
            elif isinstance(test, Mapping) and "test_name" in test:
                yield str(test["test_name"]), {name: value for name, value in test.items() if name != "test_name"}
            elif isinstance(test, Mapping) and test:
                name, arguments = next(iter(test.items()))
                yield str(name), mapping(arguments)


def _follow_test(
    name: str,
    arguments: Mapping[str, Any],
    column: object,
    follower: Follower,
    macros: Macros,
    package: str,
) -> None:
    arguments = {**arguments, **mapping(arguments.get("arguments"))}
    named: dict[str, Values] = {"model": UNKNOWN, "column_name": (column,) if isinstance(column, str) else UNKNOWN}
    for key, value in arguments.items():
        _follow_inside(value, follower)
        named[str(key)] = UNKNOWN if isinstance(value, str) and (_CALL.match(value) or has_jinja(value)) else (value,)
    owner, _, plain = name.rpartition(".")
    macro = macros.by_package.get(owner, {}).get(f"test_{plain}") if owner else macros.find(f"test_{name}", package)
    # dbt puts every test on the rows that this macro chooses.
    for one in (macro, macros.find("get_where_subquery", package)):
        if one is not None:
            follower.invoke(one, [], named if one is macro else {})


def _follow_inside(value: object, follower: Follower) -> None:
    if isinstance(value, Mapping):
        for inner in value.values():
            _follow_inside(inner, follower)
    elif isinstance(value, list):
        for inner in value:
            _follow_inside(inner, follower)
    else:
        follow_expression(value, follower)
