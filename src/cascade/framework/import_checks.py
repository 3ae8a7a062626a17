"""Check that an import of another distribution would succeed, without importing it."""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from functools import lru_cache
from pathlib import Path


@lru_cache(maxsize=4096)
def would_import(module: str, name: str | None) -> bool:
    """Return whether an import would certainly succeed, as far as the files show.

    Args:
        module: the module to import.
        name: the name to take from it, or None.

    Returns:
        False if it would fail, or if the files do not show it.
    """
    top = module.partition(".")[0]
    if top in sys.stdlib_module_names or module in sys.modules:
        return _imports(module, name)
    places = _places_of(top)
    for part in module.split(".")[1:]:
        places = [place / part for place in places if place.is_dir()]
    if not any(map(_exists, places)):
        return False
    return name is None or any(_provides(place, name) for place in places)


def _imports(module: str, name: str | None) -> bool:
    """Import a module that is loaded or costs little."""
    try:
        loaded = importlib.import_module(module)
        return name is None or hasattr(loaded, name) or bool(importlib.import_module(f"{module}.{name}"))
    except Exception:
        return False


def _places_of(package: str) -> list[Path]:
    """Return the directories of a package, or the file of a module without its ending."""
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError, AttributeError):
        return []
    if spec is None:
        return []
    locations = spec.submodule_search_locations
    return [Path(each) for each in locations] if locations else [Path(str(spec.origin)).with_suffix("")]


def _exists(place: Path) -> bool:
    return place.is_dir() or place.with_suffix(".py").is_file() or any(place.parent.glob(f"{place.name}.*.so"))


def _provides(place: Path, name: str) -> bool:
    if _exists(place / name):
        return True
    source = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    try:
        return re.search(rf"\b{re.escape(name)}\b", source.read_text("utf-8", "replace")) is not None
    except OSError:
        return False
