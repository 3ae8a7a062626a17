"""The settings of a project: what they are, where they come from, and which source gave each value.

    environment  >  .env  >  cascade_config.py  >  [tool.cascade] of pyproject.toml  >  default

`CascadeConfig.from_user_config()` reads them all. The names below are loaded when they are first used: whoever
needs only the project root does not pay for pydantic.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cascade.config.describe import DescribedSetting, settings_table
    from cascade.config.model import CascadeConfig, ConfigWarning
    from cascade.config.root import find_project_root

__all__ = ["CascadeConfig", "ConfigWarning", "DescribedSetting", "find_project_root", "settings_table"]

_HOMES = {
    "CascadeConfig": "cascade.config.model",
    "ConfigWarning": "cascade.config.model",
    "DescribedSetting": "cascade.config.describe",
    "find_project_root": "cascade.config.root",
    "settings_table": "cascade.config.describe",
}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
