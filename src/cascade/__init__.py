"""Cascade: declared workflows become validated, idempotent Iceberg tables and the assets of Dagster.

The names below are loaded when they are first used, so that `import cascade` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cascade.config import CascadeConfig
    from cascade.exceptions import CascadeError
    from cascade.framework.definitions import build_definitions
    from cascade.ingestion import IngestionWorkflow, cascade_ingestion

__all__ = [
    "CascadeConfig",
    "CascadeError",
    "IngestionWorkflow",
    "__version__",
    "build_definitions",
    "cascade_ingestion",
]

_HOMES = {
    "CascadeConfig": "cascade.config",
    "CascadeError": "cascade.exceptions",
    "IngestionWorkflow": "cascade.ingestion",
    "build_definitions": "cascade.framework.definitions",
    "cascade_ingestion": "cascade.ingestion",
}


def __getattr__(name: str) -> object:
    if name == "__version__":
        return _version()
    if name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("cascade-workflows")
    except PackageNotFoundError:
        # In a checkout and under Pants the sources are imported in place, without a distribution.
        return "0+source"
