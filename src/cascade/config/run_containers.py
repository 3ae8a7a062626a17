"""The settings of the containers of runs: lists of names, and resources in the words of Kubernetes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_QUANTITY = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>m|[kKMGTPE]i?)?")
_KINDS = ("requests", "limits")
_EXAMPLE = '{"limits": {"cpu": "2", "memory": "4Gi"}}'
_UNITS = {"m": 0.001, "": 1.0, **{unit: 1000.0**power for power, unit in enumerate("KMGTPE", 1)}, "k": 1000.0}
_UNITS |= {f"{unit}i": 1024.0**power for power, unit in enumerate("KMGTPE", 1)}


def split_names(value: object) -> object:
    """Return a list of names, which an environment variable separates by commas.

    Args:
        value: a string or a list.

    Raises:
        ValueError: one of them cannot be a name.
    """
    names = re.split(r"[,\s]+", value.strip()) if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)):
        return value
    wrong = [name for name in names if name and not (isinstance(name, str) and _NAME.fullmatch(name))]
    if wrong:
        raise ValueError("must be names alone, separated by commas, without values")
    return tuple(name for name in names if name)


def parse_resources(value: object) -> object:
    """Return the resources of a container, which an environment variable has as JSON.

    Args:
        value: a string or a table.

    Raises:
        ValueError: it is not a table of `requests` and `limits`, or one of the amounts is none.
    """
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except json.JSONDecodeError as error:
            raise ValueError(f"must be JSON, such as {_EXAMPLE}") from error
    if not isinstance(value, Mapping):
        raise ValueError(f"must be a table, such as {_EXAMPLE}")
    found: dict[str, dict[str, str]] = {}
    for kind, amounts in value.items():
        if kind not in _KINDS or not isinstance(amounts, Mapping):
            raise ValueError(f"may have the tables requests and limits, such as {_EXAMPLE}")
        found[kind] = {str(name): str(amount) for name, amount in amounts.items()}
        for name, amount in found[kind].items():
            if not _QUANTITY.fullmatch(amount):
                raise ValueError(f"has {amount!r} for {name} in {kind}. Write amounts as 2, 500m, 512Mi or 4Gi")
    return found


def amount(quantity: str) -> float:
    """Return an amount of Kubernetes as a number of cores, bytes or pieces.

    Args:
        quantity: an amount that `parse_resources` accepts.
    """
    found = _QUANTITY.fullmatch(quantity)
    assert found is not None, quantity
    return float(found["number"]) * _UNITS[found["unit"] or ""]
