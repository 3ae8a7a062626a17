"""Public names of a package that are loaded on first use, so importing the package costs almost nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module


def lazy_names(package: str, homes: Mapping[str, str]) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Create the `__getattr__` and `__dir__` of a package, as described in PEP 562.

    Args:
        package: the `__name__` of the package.
        homes: for each public name, the module of the package that defines it.

    Returns:
        `__getattr__` and `__dir__`, in that order.
    """

    def get(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{homes[name]}"), name)

    def names() -> list[str]:
        return sorted({*vars(import_module(package)), *homes})

    return get, names
