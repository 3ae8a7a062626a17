"""The settings of a project: their values, their sources, and the source of each value.

    environment  >  .env  >  cascade_config.py  >  [tool.cascade] of pyproject.toml  >  default

`CascadeConfig.from_user_config()` reads them all. The names below load on first use, so code that needs only the
project root does not import pydantic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cascade.lazy import lazy_names

if TYPE_CHECKING:
    from cascade.config.layers import DescribedSetting
    from cascade.config.model import CascadeConfig, ConfigWarning
    from cascade.config.reference import settings_table
    from cascade.config.root import find_project_root

__all__ = ["CascadeConfig", "ConfigWarning", "DescribedSetting", "find_project_root", "settings_table"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "CascadeConfig": "model",
        "ConfigWarning": "model",
        "DescribedSetting": "layers",
        "find_project_root": "root",
        "settings_table": "reference",
    },
)
