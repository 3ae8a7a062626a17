"""The definitions of every workflow under a directory, for code that has no manifest.

The names of the modules come from `cascade.framework.modules`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cascade.framework.modules import find_modules, import_root, project_modules

if TYPE_CHECKING:
    import dagster as dg

__all__ = ["discover_user_workflows", "find_modules", "import_root", "project_modules"]


def discover_user_workflows(workflows_path: Path | str | None = None) -> dg.Definitions:
    """Build the Dagster definitions of everything under a directory of workflows.

    Args:
        workflows_path: the directory, relative to the project root; the configured one by default.

    Returns:
        The same as `build_definitions` for these modules.

    Raises:
        DiscoveryError: a module does not import.
    """
    from cascade.config import CascadeConfig
    from cascade.framework.definitions import build_definitions

    config = CascadeConfig.from_user_config()
    if workflows_path is None:
        return build_definitions(None, config)
    return build_definitions(find_modules(config.project_root / workflows_path), config)
