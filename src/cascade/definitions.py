"""The module that workspace files from before version 1.0 name. `cascade.framework.definitions` has the same `defs`.

It serves projects in the old layout until version 2.0.
"""

from __future__ import annotations

from typing import Any

# At once, because it remembers the directory that Dagster has put on the import path.
from cascade.framework import definitions


def __getattr__(name: str) -> Any:
    if name != "defs":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import warnings

    from cascade.legacy.old_imports import LegacyImportWarning
    from cascade.legacy.old_names import DROPPED_IN

    warnings.warn(
        f"{__name__} is cascade.framework.definitions since version 1.0, and ends with version {DROPPED_IN}.",
        LegacyImportWarning,
        stacklevel=2,
    )
    globals()["defs"] = definitions.defs
    return globals()["defs"]


def __dir__() -> list[str]:
    return sorted([*globals(), "defs"])
