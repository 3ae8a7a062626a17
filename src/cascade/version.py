"""The version of the installed distribution."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("cascade-workflows")
except PackageNotFoundError:
    # In a checkout and under Pants the sources are imported in place, without a distribution.
    __version__ = "0+source"
