"""Reading TOML with whatever Pants has. Pure."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

# The module of the standard library, and those that Pants brings along where it runs on an older Python.
_TOML_MODULES = ("tomllib", "tomli", "toml")


def parse_toml(content: bytes) -> Mapping[str, Any] | None:
    """Parse a TOML file with whatever Pants has; None if that fails.

    Args:
        content: the file.
    """
    for module in _TOML_MODULES:
        try:
            parser = importlib.import_module(module)
        except ModuleNotFoundError:
            continue
        try:
            document: Mapping[str, Any] = parser.loads(content.decode("utf-8"))
        except (ValueError, IndexError):
            return None
        return document
    return None
