"""The methods and functions of constant values that templates call."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

_METHODS_OF_TEXT = (
    *("capitalize", "count", "endswith", "find", "format", "join", "lower", "lstrip", "partition", "removeprefix"),
    *("removesuffix", "replace", "rsplit", "rstrip", "split", "startswith", "strip", "title", "upper", "zfill"),
)
_METHODS: Mapping[type, frozenset[str]] = {
    str: frozenset(_METHODS_OF_TEXT),
    list: frozenset(("copy", "count", "index")),
    dict: frozenset(("copy", "get", "items", "keys", "values")),
}
CHANGES: Mapping[str, Callable[..., Any]] = {
    "append": lambda many, one: [*many, one],
    "extend": lambda many, more: [*many, *more],
    "update": lambda many, more: {**many, **more},
}
"""The methods that change a list or a mapping, as functions that return the changed one."""


def _range(*arguments: int) -> list[int]:
    made = range(*arguments)
    if len(made) > 1000:
        raise ValueError("too many")
    return list(made)


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "range": _range,
    "set": lambda many: list(dict.fromkeys(many)),
    "zip": lambda *many: [list(each) for each in zip(*many, strict=False)],
    "tojson": lambda value, default=None: json.dumps(value),
    "fromjson": lambda text, default=None: json.loads(text),
    "dict": lambda *many: dict(*many),
}
"""The functions of dbt and Jinja whose results are constant."""


def method(owner: Any, name: str, arguments: tuple[Any, ...]) -> Any:
    """Call a method that changes nothing.

    Args:
        owner: a constant.
        name: the name of the method.
        arguments: its arguments.

    Raises:
        AttributeError: the method is not one of a constant.
    """
    for kind, names in _METHODS.items():
        if isinstance(owner, kind) and name in names:
            result = getattr(owner, name)(*arguments)
            return result if isinstance(result, (str, int, float, bool, list, dict, type(None))) else list(result)
    raise AttributeError(name)
