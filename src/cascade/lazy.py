"""Public names of a package that are loaded on first use, so importing the package costs almost nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module

_old_name: Callable[[str, str], object] | None = None


def look_up_old_names(resolve: Callable[[str, str], object] | None) -> None:
    """Let packages have names from before version 1.0 too, which only projects in the old layout need.

    Args:
        resolve: returns the object of a package's name, or raises `AttributeError`; None for no more such names.
    """
    global _old_name
    _old_name = resolve


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
            if _old_name is not None and not name.startswith("__"):
                return _old_name(package, name)
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{homes[name]}"), name)

    def names() -> list[str]:
        return sorted({*vars(import_module(package)), *homes})

    return get, names
